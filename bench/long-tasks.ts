import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium, type Page } from '@playwright/test'
import { build, preview } from 'vite'
import { chromiumOptions } from '../e2e/chromium.ts'
import { printTable } from './measure.ts'

/** A task of the main thread that is longer than this keeps the page from answering. */
const LONG = 50

interface TraceEvent {
  readonly name: string
  readonly ph: string
  readonly pid: number
  readonly tid: number
  readonly ts: number
  readonly dur?: number
  readonly id?: string
  readonly args: {
    readonly name?: string
    readonly data?: {
      readonly startTime?: number
      readonly timeDeltas?: readonly number[]
      readonly cpuProfile?: {
        readonly nodes?: readonly ProfileNode[]
        readonly samples?: readonly number[]
      }
    }
  }
}

interface ProfileNode {
  readonly id: number
  readonly parent?: number
  readonly callFrame: { readonly functionName: string; readonly url?: string; readonly lineNumber?: number }
}

/**
 * The demo with 100,000 todos in a real browser: the longest task of the main thread in each phase of use, from a trace,
 * and whose code it ran. "Millrace" is what runs in functions of packages/* and what those call.
 */
export async function benchLongTasks(): Promise<void> {
  const outDir = join(tmpdir(), `millrace-trace-${process.pid}`)
  const configFile = fileURLToPath(new URL('../vite.config.ts', import.meta.url))
  // Not minified: the comments that the bundler leaves tell which lines are whose.
  const site = { configFile, logLevel: 'warn' as const, build: { outDir, minify: false, emptyOutDir: true } }
  await build(site)
  const server = await preview({ ...site, preview: { port: 4399, strictPort: true } })
  const rows: string[][] = []
  try {
    for (const framework of ['react', 'solid'])
      rows.push(...(await traceDemo(`http://localhost:4399/${framework}/`)).map((row) => [framework, ...row]))
  } finally {
    await server.close()
    await rm(outDir, { recursive: true, force: true })
  }
  printTable(
    'Demo with 100,000 todos: tasks of the main thread',
    [
      'demo',
      'phase',
      'longest task',
      'of it Millrace',
      `tasks over ${LONG} ms`,
      `most Millrace in one of these`,
    ],
    rows,
  )
}

async function traceDemo(url: string): Promise<string[][]> {
  const browser = await chromium.launch(chromiumOptions)
  const page = await browser.newPage()
  await page.goto(url)
  const settled = () => page.waitForTimeout(1500)
  const titles = page.locator('.todo-list > li label')
  const rows: string[][] = []
  const phase = async (name: string, run: () => Promise<unknown>) => {
    rows.push([
      name,
      ...(await trace(page, async () => {
        await run()
        await settled()
      })),
    ])
  }
  await page.locator('.new-todo').fill('first')
  await page.locator('.new-todo').press('Enter')
  await phase('add 100,000', async () => {
    await page.locator('.add-many').click()
    await page.locator('progress').waitFor()
    await page.locator('progress').waitFor({ state: 'detached', timeout: 300_000 })
  })
  await phase('start', async () => {
    await page.reload()
    await titles.first().waitFor({ timeout: 60_000 })
  })
  await phase('scroll', async () => {
    const box = await page.locator('.scroller').boundingBox()
    await page.mouse.move((box?.x ?? 0) + 100, (box?.y ?? 0) + 100)
    for (let i = 0; i < 40; i++) await page.mouse.wheel(0, 1200)
    await page.locator('.scroller').evaluate((element) => element.scrollTo(0, element.scrollHeight / 2))
  })
  await phase('toggle', async () => {
    for (let i = 0; i < 5; i++)
      await page
        .locator('.todo-list .toggle')
        .nth(i + 3)
        .click()
  })
  await phase('filter: active', () => page.locator('.filters a', { hasText: 'Active' }).click())
  await phase('filter: completed', () => page.locator('.filters a', { hasText: 'Completed' }).click())
  await phase('filter: all', () => page.locator('.filters a', { hasText: 'All' }).click())
  await phase('add one', async () => {
    await page.locator('.new-todo').fill('last')
    await page.locator('.new-todo').press('Enter')
  })
  await browser.close()
  return rows
}

/** Longest task, Millrace's share of it, number of long tasks, the most of Millrace in one of those. */
async function trace(page: Page, run: () => Promise<unknown>): Promise<string[]> {
  const session = await page.context().newCDPSession(page)
  const events: TraceEvent[] = []
  session.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])))
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: {
      includedCategories: ['toplevel', 'devtools.timeline', 'disabled-by-default-v8.cpu_profiler'],
    },
  })
  await run()
  const complete = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve))
  await session.send('Tracing.end')
  await complete
  await session.detach()

  const regions = await regionsOf(page)
  const main = events.find(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
  const tasks = events.filter(
    (event) =>
      event.name === 'ThreadControllerImpl::RunTask' && event.pid === main?.pid && event.tid === main.tid,
  )
  const samples = samplesOf(events, main, regions)
  const measured = tasks.map(({ ts, dur = 0 }) => {
    let ours = 0
    for (const sample of samples)
      if (sample.ts >= ts && sample.ts < ts + dur && sample.ours) ours += sample.us
    return { ms: dur / 1000, ours: ours / 1000 }
  })
  measured.sort((a, b) => b.ms - a.ms)
  const long = measured.filter(({ ms }) => ms > LONG)
  const [longest] = measured
  const ms = (value: number | undefined) => `${(value ?? 0).toFixed(0)} ms`
  return [
    ms(longest?.ms),
    ms(longest?.ours),
    String(long.length),
    ms(Math.max(0, ...long.map(({ ours }) => ours))),
  ]
}

/** Profile samples of the main thread's process, each with its time and whether a function of ours is on its stack. */
function samplesOf(
  events: readonly TraceEvent[],
  main: TraceEvent | undefined,
  isOurs: (url: string, line: number) => boolean,
): { ts: number; us: number; ours: boolean }[] {
  const samples: { ts: number; us: number; ours: boolean }[] = []
  const profiles = events.filter(
    ({ name, pid, tid }) => name === 'Profile' && pid === main?.pid && tid === main.tid,
  )
  for (const profile of profiles) {
    const ours = new Map<number, boolean>()
    let ts = profile.args.data?.startTime ?? profile.ts
    const chunks = events
      .filter(({ name, pid, id }) => name === 'ProfileChunk' && pid === profile.pid && id === profile.id)
      .sort((a, b) => a.ts - b.ts)
    for (const { args } of chunks) {
      for (const { id, parent, callFrame } of args.data?.cpuProfile?.nodes ?? []) {
        const own = callFrame.url !== undefined && isOurs(callFrame.url, callFrame.lineNumber ?? 0)
        ours.set(id, own || (parent !== undefined && ours.get(parent) === true))
      }
      args.data?.cpuProfile?.samples?.forEach((node, i) => {
        const us = args.data?.timeDeltas?.[i] ?? 0
        ts += us
        samples.push({ ts, us, ours: ours.get(node) === true })
      })
    }
  }
  return samples
}

/** Which lines of the page's scripts came from packages/*, by the comments of the bundler. */
async function regionsOf(page: Page): Promise<(url: string, line: number) => boolean> {
  const scripts = await page.evaluate(async () => {
    const addresses = performance
      .getEntriesByType('resource')
      .map(({ name }) => name)
      .filter((name) => name.endsWith('.js') && !name.includes('worker'))
    return Promise.all(
      addresses.map(async (address) => [address, await (await fetch(address)).text()] as const),
    )
  })
  const lines = new Map<string, boolean[]>()
  for (const [address, text] of scripts) {
    let ours = false
    lines.set(
      address,
      text.split('\n').map((line) => {
        const region = /^\s*\/\/#region (.*)/.exec(line)
        if (region !== null) ours = /(^|\/)packages\//.test(region[1] as string)
        else if (/^\s*\/\/#endregion/.test(line)) ours = false
        return ours
      }),
    )
  }
  return (url, line) => lines.get(url)?.[line] === true
}
