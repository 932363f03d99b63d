import { rm } from 'node:fs/promises'
import { expect, test } from '@playwright/test'
import { RawChromium, type RawPage } from '../worker/raw-chromium.ts'
import { Site } from './site.ts'
import { faultsOf, kindOf, type Report, type StoredOf } from './writes.ts'

/* The whole browser is killed amid the writes of its tabs, again and again on one profile. `npm run test:kills`: 20 times. */

const kills = Number(process.env.MILLRACE_KILLS ?? 1)
const TABS = 2

interface Writer {
  readonly writer: string
  readonly showed: Set<number>
  readonly committed: Set<number>
}

for (const durability of ['strict', 'relaxed'] as const) {
  test(`${kills} kills of the browser amid ${durability} writes: what was acknowledged is there, in order, and whole`, async () => {
    test.setTimeout(60_000 + kills * 30_000)
    const site = await Site.start()
    const writers = new Map<string, Writer>()
    let acknowledged = 0
    const hear = (text: string): void => {
      const report = JSON.parse(text) as Report
      if (report.type === 'ready') {
        writers.set(report.writer, { writer: report.writer, showed: new Set(), committed: new Set() })
      } else if (report.type === 'showed') {
        writers.get(report.writer)?.showed.add(report.serial)
      } else if (report.type === 'committed' && kindOf(report.serial) !== 'refused') {
        writers.get(report.writer)?.committed.add(report.serial)
        acknowledged++
      }
    }
    const open = (browser: RawChromium, slot: number): Promise<RawPage> =>
      browser.newPage(site.url(`tabs/page.html?slot=${slot}&durability=${durability}`), {
        window: true,
        report: hear,
      })
    /** Of all writers that there ever were, once a tab has the database open. */
    const compare = async (page: RawPage): Promise<StoredOf[]> => {
      await expect
        .poll(() => page.evaluate('window.tab?.connected === true'), { timeout: 60_000, intervals: [10] })
        .toBe(true)
      // Those of the present may write more while the question is asked.
      const known = [...writers.values()].map(({ writer, showed, committed }) => ({
        writer,
        showed: new Set(showed),
        committed: new Set(committed),
        crashed: true,
      }))
      const stored = await page.evaluate<StoredOf[]>('tab.client.stored()')
      const byWriter = new Map(stored.map((each) => [each.writer, each]))
      expect(known.flatMap((each) => faultsOf(each, byWriter.get(each.writer), false))).toEqual([])
      expect(await page.evaluate('tab.client.integrity()')).toBe('ok')
      return stored
    }

    let profile: string | undefined
    for (let kill = 0; kill < kills; kill++) {
      const browser = await RawChromium.launch(profile)
      profile = browser.profile
      const pages: RawPage[] = []
      for (let slot = 0; slot < TABS; slot++) pages.push(await open(browser, slot))
      await compare(pages[0] as RawPage)
      // Further on each time, so that the kills meet other moments; some of them amid many writes.
      const goal = acknowledged + 20 + 7 * kill
      await expect.poll(() => acknowledged, { timeout: 60_000, intervals: [1] }).toBeGreaterThanOrEqual(goal)
      if (kill % 2 === 1) await Promise.all(pages.map((page) => page.evaluate('tab.burst(100)')))
      await browser.kill()
    }

    const browser = await RawChromium.launch(profile)
    const stored = await compare(await open(browser, TABS))
    const entries = new Map(
      stored.map(({ writer, entries }) => [writer, new Set(entries.split(',').map(Number))]),
    )
    const showed = [...writers.values()].flatMap(({ writer, showed, committed }) =>
      [...showed]
        .filter((serial) => /insert|all/.test(kindOf(serial)) && !committed.has(serial))
        .map((serial) => entries.get(writer)?.has(serial)),
    )
    console.log(
      `${kills} kills, ${durability}: ${writers.size} writers, ${acknowledged} acknowledged, all there; of ${showed.length} that showed only, ${showed.filter(Boolean).length} are there`,
    )
    await browser.close()
    await rm(profile as string, { recursive: true, force: true, maxRetries: 5 })
    site.close()
  })
}
