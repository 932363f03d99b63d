import type { DrivenPage, Driver } from './driver.ts'
import type { Site } from './site.ts'
import { describe, makeSteps, type Step } from './steps.ts'
import { faultsOf, type Known, kindOf, type Report, type StoredOf } from './writes.ts'

/** How long a step, a question or the end may take before the run fails. Generous: a machine may be busy. */
const STUCK = 120_000
/** A beat of a page, in seconds. */
const BEAT = 0.1

/** What is held to; what is not built yet is left out, and said so in the figures. */
export interface Promises {
  /** What showed is not lost by reload, close or navigation. */
  readonly journal: boolean
  /** A tab that has worked once goes on without the network. */
  readonly offline: boolean
  /** A worker that ends without a word is noticed. */
  readonly watchedWorker: boolean
  /** The longest that a visible tab may be without an answer, in seconds. */
  readonly silence: number
}

export interface RunOptions {
  readonly seed: number
  readonly steps: number
  /** Tabs at most. */
  readonly slots: number
  readonly promises: Promises
  readonly durability: 'strict' | 'relaxed'
  /** Hears of each step as it begins. */
  readonly log?: (line: string) => void
}

/** What a run came to. */
export interface Figures {
  readonly steps: number
  readonly seconds: number
  readonly actions: Readonly<Record<string, number>>
  readonly writers: number
  readonly showed: number
  readonly acknowledged: number
  readonly rejected: number
  /** Showed, not acknowledged, and there in the end: of pages that went. */
  readonly keptWithoutAnswer: number
  /** Showed, and not there in the end: of pages that went without a crash, and of pages that crashed. */
  readonly lostOnLeaving: number
  readonly lostInCrash: number
  /** Pages that came out of the back/forward cache, and that were frozen. */
  readonly restored: number
  readonly frozen: number
  /** The longest times without an answer to a visible tab, in s: with the network, and where it was cut meanwhile. */
  readonly silence: number
  readonly silenceCut: number
  /** Times without an answer of more than 1, 2, 3 s, with the network. */
  readonly silences: readonly [number, number, number]
  readonly longest: readonly string[]
  /** Errors that pages were told, by code. */
  readonly errors: Readonly<Record<string, number>>
  readonly faults: readonly string[]
}

interface Silence {
  readonly beats: number
  /** The network was cut meanwhile. */
  readonly cut: boolean
  readonly what: string
}

interface Writer {
  readonly writer: string
  readonly showed: Set<number>
  readonly committed: Set<number>
  readonly rejected: Set<number>
  connected: boolean
  crashed: boolean
  /** The last time that it had no answer. */
  silence: Silence | undefined
}

interface Slot {
  page: DrivenPage | undefined
  /** Of the page that is loaded, or was last. */
  writer: Writer | undefined
  state: 'absent' | 'open' | 'away' | 'frozen'
  /** Ends with the step under way. */
  idle: Promise<void>
  waiting: { accepts: (report: Report) => boolean; resolve: (report: Report) => void }[]
}

/**
 * Runs the steps that follow from a seed. Steps of one tab come one after the other, those of several tabs overlap.
 * What went wrong is in `faults`, and ends it.
 */
export async function runTabs(driver: Driver, site: Site, options: RunOptions): Promise<Figures> {
  const run = new Run(driver, site, options)
  return run.run()
}

class Run {
  readonly #driver: Driver
  readonly #site: Site
  readonly #options: RunOptions
  readonly #slots: Slot[]
  readonly #writers = new Map<string, Writer>()
  readonly #actions: Record<string, number> = {}
  readonly #errors: Record<string, number> = {}
  readonly #faults: string[] = []
  readonly #silences: Silence[] = []

  #step: Step | undefined
  #restored = 0
  #frozen = 0
  /** When the network was cut or restored the last time. */
  #networkChanged = Number.NEGATIVE_INFINITY

  constructor(driver: Driver, site: Site, options: RunOptions) {
    this.#driver = driver
    this.#site = site
    this.#options = options
    this.#slots = Array.from({ length: options.slots }, () => ({
      page: undefined,
      writer: undefined,
      state: 'absent',
      idle: Promise.resolve(),
      waiting: [],
    }))
  }

  async run(): Promise<Figures> {
    const { seed, slots, log } = this.#options
    const started = performance.now()
    const steps = makeSteps({ seed, steps: this.#options.steps, slots, actions: this.#driver.actions })
    for (const step of steps) {
      if (this.#faults.length > 0) break
      this.#step = step
      log?.(describe(step))
      this.#actions[step.action] = (this.#actions[step.action] ?? 0) + 1
      await this.#begin(step)
      await pause(step.pause)
    }
    const stored =
      this.#faults.length > 0 ? [] : await this.#end().catch((error) => this.#failed('the end', error))
    return this.#figures(stored ?? [], (performance.now() - started) / 1000)
  }

  async #begin(step: Step): Promise<void> {
    const slot = this.#slots[step.slot]
    if (slot !== undefined) {
      await slot.idle
      slot.idle = within(this.#perform(step, slot)).catch(async (error) =>
        this.#failed(`${describe(step)}, ${await whereIs(slot.page)}`, error),
      )
      return
    }
    // What is being loaded must not be cut off.
    await Promise.all(this.#slots.map(({ idle }) => idle))
    if (step.action === 'check') {
      await this.#check().catch((error) => this.#failed(describe(step), error))
    } else {
      this.#setNetwork(step.action === 'restore')
    }
  }

  async #perform(step: Step, slot: Slot): Promise<void> {
    const page = slot.page as DrivenPage
    const { writer } = slot
    switch (step.action) {
      case 'open':
        await this.#open(step, slot)
        return
      case 'reload':
        return this.#expect(slot, isReady, async () => {
          if (step.inside) ended(page.evaluate(`tab.leave('reload', ${step.writes})`))
          else {
            await page.evaluate(`tab.burst(${step.writes})`)
            ended(page.reload())
          }
        })
      case 'away':
        return this.#expect(
          slot,
          ({ type }) => type === 'elsewhere',
          async () => {
            slot.state = 'away'
            if (step.inside) ended(page.evaluate(`tab.leave('away', ${step.writes})`))
            else {
              await page.evaluate(`tab.burst(${step.writes})`)
              ended(page.navigate(this.#site.url('tabs/elsewhere.html')))
            }
          },
        )
      case 'back':
        return this.#expect(
          slot,
          (report) => report.type === 'restored' || isReady(report),
          () => ended(page.back()),
        )
      case 'close':
        slot.state = 'absent'
        slot.page = undefined
        await page.close()
        return
      case 'crash':
        if (writer) writer.crashed = true
        slot.state = 'absent'
        slot.page = undefined
        ended(page.crash?.())
        await pause(100)
        await page.close()
        return
      case 'freeze':
        await this.#hide(slot)
        slot.state = 'frozen'
        await page.setLifecycle?.('frozen')
        return
      case 'resume':
        await page.setLifecycle?.('active')
        slot.state = 'open'
        return
      case 'show':
        return page.show()
      case 'block':
        return page.evaluate(`tab.block(${step.ms})`)
      case 'terminate':
        return page.evaluate(`tab.terminate(${!this.#options.promises.watchedWorker})`)
      case 'burst':
        return page.evaluate(`tab.burst(${step.writes})`)
    }
  }

  async #open(step: Step, slot: Slot): Promise<void> {
    const { durability } = this.#options
    const address = this.#site.url(`tabs/page.html?slot=${step.slot}&durability=${durability}`)
    await this.#expect(slot, isReady, async () => {
      slot.page = await this.#driver.newPage(address, {
        window: step.inside,
        report: (text) => this.#hear(step.slot, JSON.parse(text)),
      })
    })
  }

  /** Does something, and waits until the page says that it is done. */
  async #expect(slot: Slot, accepts: (report: Report) => boolean, act: () => unknown): Promise<void> {
    const reported = new Promise<Report>((resolve) => slot.waiting.push({ accepts, resolve }))
    await act()
    await reported
  }

  /** A page freezes only where it is hidden: another tab comes before it. */
  async #hide(slot: Slot): Promise<void> {
    const other = this.#slots.find((each) => each !== slot && each.page !== undefined)
    await other?.page?.show().catch(() => {})
  }

  #hear(number: number, report: Report): void {
    const slot = this.#slots[number] as Slot
    if (report.type !== 'elsewhere') this.#learn(slot, report)
    for (const waiting of slot.waiting.filter(({ accepts }) => accepts(report))) {
      slot.waiting.splice(slot.waiting.indexOf(waiting), 1)
      waiting.resolve(report)
    }
  }

  #learn(slot: Slot, report: Exclude<Report, { type: 'elsewhere' }>): void {
    if (report.type === 'ready') {
      slot.state = 'open'
      slot.writer = newWriter(report.writer)
      this.#writers.set(report.writer, slot.writer)
    }
    const writer = this.#writers.get(report.writer) as Writer
    switch (report.type) {
      case 'ready':
        return
      case 'connected':
        writer.connected = true
        return
      case 'showed':
        writer.showed.add(report.serial)
        return
      case 'committed':
        writer.committed.add(report.serial)
        if (kindOf(report.serial) === 'refused')
          this.#fault(`${writer.writer}: ${report.serial} was to be refused`)
        return
      case 'rejected':
        writer.rejected.add(report.serial)
        if (kindOf(report.serial) !== 'refused' || report.code !== 'WRITE_REJECTED') {
          this.#fault(`${writer.writer}: ${report.serial} was rejected with ${report.code}`)
        }
        return
      case 'silent':
        this.#silent(slot, writer, report.beats, report.state)
        return
      case 'refusedRead':
        this.#count(report.code)
        this.#options.log?.(`   ${report.writer} was told ${report.code}: ${report.message}`)
        return
      case 'error':
        this.#count(`uncaught: ${report.message}`)
        return
      case 'frozen':
        this.#frozen++
        return
      case 'restored':
        this.#restored++
        slot.state = 'open'
    }
  }

  /** Told at each beat of a silence; its last one is kept. */
  #silent(slot: Slot, writer: Writer, beats: number, state: string): void {
    const cut = this.#site.cut || performance.now() - this.#networkChanged < beats * BEAT * 1000 + 2_000
    const seconds = beats * BEAT
    const what = `tab ${this.#slots.indexOf(slot)} (${state}) at step ${this.#step?.number}: ${seconds.toFixed(1)} s`
    if (writer.silence === undefined || beats <= writer.silence.beats) {
      writer.silence = { beats, cut, what }
      this.#silences.push(writer.silence)
    } else {
      Object.assign(writer.silence, { beats, cut: cut || writer.silence.cut, what })
    }
    const { silence, offline } = this.#options.promises
    if (seconds > silence && (offline || !cut)) this.#fault(`No answer: ${what}`)
  }

  #setNetwork(up: boolean): void {
    if (this.#site.cut !== up) return
    this.#site.cut = !up
    this.#networkChanged = performance.now()
  }

  async #check(): Promise<void> {
    const slot = this.#slots.find(({ state, writer }) => state === 'open' && writer?.connected)
    if (slot === undefined) return
    // What is acknowledged before the question must be in the answer.
    const before = this.#known()
    const stored = await within((slot.page as DrivenPage).evaluate<StoredOf[]>('tab.client.stored()'))
    this.#compare(before, stored, false)
  }

  /** Everybody stops, and what is there is looked at. */
  async #end(): Promise<StoredOf[]> {
    const { promises, slots } = this.#options
    await Promise.all(this.#slots.map(({ idle }) => idle))
    this.#setNetwork(true)
    const number = slots
    const looker: Slot = {
      page: undefined,
      writer: undefined,
      state: 'absent',
      idle: Promise.resolve(),
      waiting: [],
    }
    this.#slots.push(looker)
    const connected = this.#expect(
      looker,
      ({ type }) => type === 'connected',
      async () => {
        const address = this.#site.url(
          `tabs/page.html?slot=${number}&writes=no&durability=${this.#options.durability}`,
        )
        looker.page = await this.#driver.newPage(address, {
          window: true,
          report: (text) => this.#hear(number, JSON.parse(text)),
        })
      },
    )
    await within(connected, 'a new tab connects:')
    for (const slot of this.#slots.filter(({ state }) => state === 'frozen')) {
      await slot.page?.setLifecycle?.('active')
      slot.state = 'open'
    }
    const open = this.#slots.flatMap((slot, number) => (slot.state === 'open' ? [{ ...slot, number }] : []))
    const stop = `(async () => { while (true) { try { await tab.client.stop(); return } catch { await new Promise((r) => setTimeout(r, 100)) } } })()`
    await Promise.all(
      open.map(({ page, number }) =>
        within((page as DrivenPage).evaluate(stop), `tab ${number} has its writes answered:`),
      ),
    )
    const page = looker.page as DrivenPage
    // What a page left behind is written by those that are there; there is no telling when they have done so.
    let stored = await page.evaluate<StoredOf[]>('tab.client.stored()')
    for (
      let tries = 0;
      tries < 50 && this.#faultsIn(this.#known(), stored, promises.journal).length > 0;
      tries++
    ) {
      await pause(100)
      stored = await page.evaluate<StoredOf[]>('tab.client.stored()')
    }
    this.#compare(this.#known(), stored, promises.journal)
    const integrity = await within(page.evaluate<string>('tab.client.integrity()'), 'integrity_check:')
    if (integrity !== 'ok') this.#fault(`integrity_check: ${integrity}`)
    for (const { page, number } of open) {
      for (const differing of await within(
        (page as DrivenPage).evaluate<string[]>('tab.client.differing()'),
        `tab ${number} compares its live queries:`,
      )) {
        this.#fault(`Not what the query gives: ${differing}`)
      }
    }
    return stored
  }

  /** The writers as they are known now. */
  #known(): Known[] {
    return [...this.#writers.values()].map(({ writer, showed, committed, crashed }) => ({
      writer,
      showed: new Set(showed),
      committed: new Set([...committed].filter((serial) => kindOf(serial) !== 'refused')),
      crashed,
    }))
  }

  #faultsIn(known: Known[], stored: readonly StoredOf[], journal: boolean): string[] {
    const byWriter = new Map(stored.map((each) => [each.writer, each]))
    return known.flatMap((each) => faultsOf(each, byWriter.get(each.writer), journal))
  }

  #compare(known: Known[], stored: readonly StoredOf[], journal: boolean): void {
    for (const fault of this.#faultsIn(known, stored, journal)) this.#fault(fault)
  }

  #fault(what: string): void {
    this.#faults.push(`${this.#step ? `at step ${this.#step.number}: ` : ''}${what}`)
  }

  #failed(what: string, error: unknown): undefined {
    this.#fault(`${what}: ${error instanceof Error ? error.message : error}`)
  }

  #count(code: string): void {
    this.#errors[code] = (this.#errors[code] ?? 0) + 1
  }

  #figures(stored: readonly StoredOf[], seconds: number): Figures {
    const writers = [...this.#writers.values()]
    const sum = (of: (writer: Writer) => number) => writers.reduce((total, writer) => total + of(writer), 0)
    const entries = new Map(
      stored.map(({ writer, entries }) => [writer, new Set(entries.split(',').map(Number))]),
    )
    const isThere = ({ writer }: Writer, serial: number) => entries.get(writer)?.has(serial) === true
    const unanswered = (writer: Writer) =>
      [...writer.showed].filter(
        (serial) => !writer.committed.has(serial) && /insert|all/.test(kindOf(serial)),
      )
    const lost = (writer: Writer) => unanswered(writer).filter((serial) => !isThere(writer, serial)).length
    const up = this.#silences.filter(({ cut }) => !cut).map(({ beats }) => beats * BEAT)
    const longest = [...this.#silences].sort((a, b) => b.beats - a.beats).slice(0, 8)
    return {
      steps: this.#step?.number ?? 0,
      seconds,
      actions: this.#actions,
      writers: writers.length,
      showed: sum(({ showed }) => showed.size),
      acknowledged: sum(({ committed }) => committed.size),
      rejected: sum(({ rejected }) => rejected.size),
      keptWithoutAnswer: sum(
        (writer) => unanswered(writer).filter((serial) => isThere(writer, serial)).length,
      ),
      lostOnLeaving: sum((writer) => (writer.crashed ? 0 : lost(writer))),
      lostInCrash: sum((writer) => (writer.crashed ? lost(writer) : 0)),
      restored: this.#restored,
      frozen: this.#frozen,
      silence: Math.max(0, ...up),
      silenceCut: Math.max(0, ...this.#silences.filter(({ cut }) => cut).map(({ beats }) => beats * BEAT)),
      silences: [1, 2, 3].map((s) => up.filter((silence) => silence > s).length) as [number, number, number],
      longest: longest.map(({ what, cut }) => `${what}${cut ? ', network cut' : ''}`),
      errors: this.#errors,
      faults: this.#faults,
    }
  }
}

function newWriter(writer: string): Writer {
  return {
    writer,
    showed: new Set(),
    committed: new Set(),
    rejected: new Set(),
    connected: false,
    crashed: false,
    silence: undefined,
  }
}

/** How far a page came that does not answer: its address, and what it has loaded and has not. */
async function whereIs(page: DrivenPage | undefined): Promise<string> {
  const loads = `performance.getEntriesByType('resource').map((e) => e.name.split('/').pop() + ' ' + e.responseStatus + ' ' + Math.round(e.startTime) + '-' + Math.round(e.responseEnd))`
  const asked = page?.evaluate<string>(
    `JSON.stringify({ href: location.href, readyState: document.readyState, visibility: document.visibilityState, ran: 'tab' in window, loads: ${loads} })`,
  )
  const silent = pause(5_000).then(() => 'whose page does not answer')
  return Promise.race([asked ?? 'which has no page', silent]).catch(
    (error) => `whose page does not answer: ${error}`,
  )
}

const isReady = ({ type }: Report) => type === 'ready'

/** Of what ends its page, and so may end with an error or not at all. */
function ended(promise: Promise<unknown> | undefined): void {
  promise?.catch(() => {})
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function within<T>(promise: Promise<T>, what = ''): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const timeUp = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} not done within ${STUCK / 1000} s`)), STUCK)
  })
  return Promise.race([promise, timeUp]).finally(() => clearTimeout(timer))
}
