import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page } from '@playwright/test'
import { build, preview } from 'vite'
import { inPage } from './chromium.ts'
import { printTable } from './measure.ts'

const OURS = 'ours'

/** A task of the main thread that is longer than this keeps the page from answering. */
const LONG = 50

interface TraceEvent {
  readonly name: string
  readonly ph: string
  readonly pid: number
  readonly tid: number
  readonly ts: number
  readonly dur?: number
  /** Of `dur`, what the thread had of a processor. */
  readonly tdur?: number
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
 * The demo with 100,000 todos in a real browser: the longest task of the main thread in each phase of use, from a trace (its time on the processor),
 * and how much of it ran in functions of packages/*.
 */
export async function benchLongTasks(): Promise<void> {
  const outDir = join(tmpdir(), `millrace-trace-${process.pid}`)
  const configFile = fileURLToPath(new URL('../vite.config.ts', import.meta.url))
  // Our packages in a file of their own, by which a profile tells whose a function is.
  const output = { codeSplitting: { groups: [{ name: OURS, test: /\/packages\// }] } }
  const site = {
    configFile,
    logLevel: 'warn' as const,
    build: { outDir, emptyOutDir: true, minify: false, rolldownOptions: { output } },
  }
  await build(site)
  const server = await preview({ ...site, preview: { port: 4399, strictPort: true } })
  const rows: string[][] = []
  try {
    for (const framework of ['react', 'solid'])
      await inPage(async (page) => {
        const traced = await traceDemo(page, `http://localhost:4399/${framework}/`)
        rows.push(...traced.map((row) => [framework, ...row]))
      })
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

async function traceDemo(page: Page, url: string): Promise<string[][]> {
  await page.goto(url)
  const settled = () => page.waitForTimeout(1500)
  const titles = page.locator('.todo-list > li label')
  const rows: string[][] = []
  // Said as it comes: all phases take minutes.
  const phase = async (name: string, run: () => Promise<unknown>) => {
    rows.push([
      name,
      ...(await trace(page, async () => {
        await run()
        await settled()
      })),
    ])
    console.log(url, ...(rows.at(-1) as string[]))
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
  // Starting the profiler is a long task of its own.
  await page.waitForTimeout(700)
  await page.evaluate(() => console.timeStamp('begin'))
  await run()
  const complete = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve))
  await session.send('Tracing.end')
  await complete
  await session.detach()

  const main = mainThread(events)
  const begin = events.find(({ name }) => name === 'TimeStamp')?.ts ?? 0
  const tasks = events.filter(
    (event) =>
      event.ts > begin &&
      event.name === 'ThreadControllerImpl::RunTask' &&
      event.pid === main?.pid &&
      event.tid === main.tid,
  )
  const samples = samplesOf(events, main)
  tasks.sort((x, y) => x.ts - y.ts)
  samples.sort((x, y) => x.ts - y.ts)
  let next = 0
  const measured = tasks.map(({ ts, dur = 0, tdur = dur }) => {
    let ours = 0
    const byName = new Map<string, number>()
    while (next < samples.length && (samples[next] as Sample).ts < ts) next++
    for (; next < samples.length && (samples[next] as Sample).ts < ts + dur; next++) {
      const { us, name, ours: isOurs } = samples[next] as Sample
      if (isOurs) ours += us
      byName.set(name, (byName.get(name) ?? 0) + us)
    }
    return { ms: tdur / 1000, ours: Math.min(ours, tdur) / 1000, byName }
  })
  measured.sort((a, b) => b.ms - a.ms)
  const long = measured.filter(({ ms }) => ms > LONG)
  const [longest] = measured
  const ms = (value: number | undefined) => `${(value ?? 0).toFixed(0)} ms`
  const most = [...(longest?.byName ?? [])].sort(([, a], [, b]) => b - a).slice(0, 3)
  const spent = most.map(([name, us]) => `${name} ${(us / 1000).toFixed(0)}`).join(', ')
  return [
    ms(longest?.ms),
    spent,
    ms(longest?.ours),
    String(long.length),
    ms(Math.max(0, ...long.map(({ ours }) => ours))),
  ]
}

interface Sample {
  readonly ts: number
  readonly us: number
  readonly ours: boolean
  /** The function, or what V8 was at: (program) is the browser itself, (garbage collector). */
  readonly name: string
}

/** Of the main threads of all renderers the one that worked most: that of our page. */
function mainThread(events: readonly TraceEvent[]): TraceEvent | undefined {
  const work = (thread: TraceEvent) =>
    events.reduce(
      (sum, { pid, tid, dur }) => (pid === thread.pid && tid === thread.tid ? sum + (dur ?? 0) : sum),
      0,
    )
  return events
    .filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
    .map((thread) => ({ thread, work: work(thread) }))
    .sort((a, b) => b.work - a.work)[0]?.thread
}

/** Profile samples of a thread, each with its time and whether it was in a function of ours, or a built-in one called there. */
function samplesOf(events: readonly TraceEvent[], main: TraceEvent | undefined): Sample[] {
  const samples: Sample[] = []
  const profiles = events.filter(
    ({ name, pid, tid }) => name === 'Profile' && pid === main?.pid && tid === main.tid,
  )
  for (const profile of profiles) {
    const ours = new Map<number, boolean>()
    const names = new Map<number, string>()
    let ts = profile.args.data?.startTime ?? profile.ts
    const chunks = events
      .filter(({ name, pid, id }) => name === 'ProfileChunk' && pid === profile.pid && id === profile.id)
      .sort((a, b) => a.ts - b.ts)
    for (const { args } of chunks) {
      for (const { id, parent, callFrame } of args.data?.cpuProfile?.nodes ?? []) {
        const isOurs = callFrame.url
          ? callFrame.url.includes(`/${OURS}-`)
          : parent !== undefined && ours.get(parent) === true
        ours.set(id, isOurs)
        names.set(id, callFrame.functionName || 'anonymous')
      }
      args.data?.cpuProfile?.samples?.forEach((node, i) => {
        const us = Math.max(0, args.data?.timeDeltas?.[i] ?? 0)
        ts += us
        samples.push({ ts, us, ours: ours.get(node) === true, name: names.get(node) ?? '' })
      })
    }
  }
  return samples
}
