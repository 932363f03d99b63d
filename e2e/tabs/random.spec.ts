import { expect, test } from '@playwright/test'
import { launchChromium } from './driver.ts'
import { runTabs } from './run.ts'
import { Site } from './site.ts'

/* 200 steps from one seed; `npm run test:tabs` runs as many as it is told. */

const seed = Number(process.env.MILLRACE_SEED ?? 1)
const steps = Number(process.env.MILLRACE_STEPS ?? 200)
const durability = process.env.MILLRACE_DURABILITY === 'relaxed' ? 'relaxed' : 'strict'

test(`${steps} random steps of tabs from seed ${seed}`, async () => {
  test.setTimeout(Math.max(300_000, steps * 2_000))
  const site = await Site.start()
  const driver = await launchChromium()
  const done: string[] = []
  const figures = await runTabs(driver, site, {
    seed,
    steps,
    slots: 6,
    durability,
    promises: { journal: false, offline: false, watchedWorker: false, silence: 30 },
    log: (line) => {
      done.push(line)
      if (process.env.MILLRACE_VERBOSE) console.log(line)
    },
  })
  await driver.close()
  site.close()
  console.log(JSON.stringify(figures, null, 1))
  const replay = `npm run test:tabs -- --seed ${seed} --steps ${steps}`
  expect(figures.faults, `${replay}\n${done.join('\n')}`).toEqual([])
})
