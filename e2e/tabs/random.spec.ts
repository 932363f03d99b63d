import { expect, test } from '@playwright/test'
import { type Driver, launchChromium } from './driver.ts'
import { printed } from './figures.ts'
import { launchFirefox } from './firefox.ts'
import { type Promises, runTabs } from './run.ts'
import { Site } from './site.ts'

/* 200 steps from one seed; `npm run test:tabs` makes as many as it is told, from any seed, and in Firefox. */

const seed = Number(process.env.MILLRACE_SEED ?? 1)
const steps = Number(process.env.MILLRACE_STEPS ?? 200)
const durability = process.env.MILLRACE_DURABILITY === 'relaxed' ? 'relaxed' : 'strict'
const browser = process.env.MILLRACE_BROWSER ?? 'chromium'

const launch: Record<string, () => Promise<Driver>> = { chromium: launchChromium, firefox: launchFirefox }

const promises: Promises = {
  journal: true,
  offline: true,
  watchedWorker: true,
  // The promise is 3 s, and the figures say what it was. A machine that does other things as well must not fail here.
  silence: 60,
}

test(`${steps} random steps of tabs in ${browser} from seed ${seed}`, async () => {
  test.setTimeout(Math.max(300_000, steps * 2_000))
  const site = await Site.start()
  const driver = await (launch[browser] as () => Promise<Driver>)()
  const done: string[] = []
  const figures = await runTabs(driver, site, {
    seed,
    steps,
    slots: 6,
    durability,
    promises,
    log: (line) => {
      done.push(line)
      if (process.env.MILLRACE_VERBOSE) console.log(line)
    },
  })
  await driver.close()
  site.close()
  console.log(printed(figures))
  const again = `npm run test:tabs -- --seed ${seed} --steps ${steps} --browser ${browser} --durability ${durability}`
  expect(figures.faults, `${again}\n${done.join('\n')}`).toEqual([])
})
