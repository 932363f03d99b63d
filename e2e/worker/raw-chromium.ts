import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { chromium } from '@playwright/test'
import { chromiumOptions } from '../chromium.ts'

type Result = Record<string, unknown>
type Listener = (method: string, params: Result) => void

/** Names that every page gets as functions: what a page calls one with is heard here, also when the page ends at once. */
export const REPORT = 'report'

/**
 * Chromium spoken to over its debugging pipe, without Playwright: that makes every page believe that it has the focus,
 * and such a page is never hidden and never freezes. It is a process group of its own, so that all of it can be killed.
 */
export class RawChromium {
  readonly profile: string

  readonly #process
  readonly #waiting = new Map<number, { resolve: (result: Result) => void; reject: (error: Error) => void }>()
  /** By session. */
  readonly #listeners = new Map<string, Listener>()
  readonly #exited: Promise<unknown>

  #lastId = 0
  #buffer = ''
  #ended = false

  private constructor(profile: string) {
    this.profile = profile
    const path = chromiumOptions.executablePath ?? chromium.executablePath()
    const args = ['--headless=new', '--remote-debugging-pipe', `--user-data-dir=${profile}`]
    this.#process = spawn(path, [...args, ...(chromiumOptions.args ?? [])], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
      detached: true,
    })
    this.#exited = new Promise((resolve) => this.#process.once('exit', resolve)).then(() => this.#end())
    ;(this.#process.stdio[3] as Writable).on('error', () => this.#end())
    ;(this.#process.stdio[4] as Readable)
      .setEncoding('utf8')
      .on('data', (text: string) => this.#receive(text))
  }

  /** On a fresh profile on disk, or on one that an earlier browser left. */
  static async launch(profile?: string): Promise<RawChromium> {
    return new RawChromium(profile ?? (await mkdtemp(join(tmpdir(), 'millrace-'))))
  }

  /** `report` hears what the page says by `window.report(text)`. */
  async newPage(
    url: string,
    { window = false, report }: { window?: boolean; report?: (text: string) => void } = {},
  ): Promise<RawPage> {
    // Not at `url` yet: the page's script may report at once.
    const { targetId } = await this.send('Target.createTarget', {
      url: report ? 'about:blank' : url,
      newWindow: window,
    })
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true })
    const page = new RawPage(this, targetId as string, sessionId as string)
    if (report) {
      this.#listeners.set(sessionId as string, (method, { payload }) => {
        if (method === 'Runtime.bindingCalled') report(payload as string)
      })
      await this.send('Runtime.enable', {}, sessionId as string)
      await this.send('Runtime.addBinding', { name: REPORT }, sessionId as string)
      await page.navigate(url)
    }
    return page
  }

  send(method: string, params: object = {}, sessionId?: string): Promise<Result> {
    if (this.#ended) return Promise.reject(new Error('The browser has ended.'))
    const id = ++this.#lastId
    ;(this.#process.stdio[3] as Writable).write(`${JSON.stringify({ id, method, params, sessionId })}\0`)
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
  }

  async close(): Promise<void> {
    // It may be gone before it answers.
    this.send('Browser.close').catch(() => {})
    await this.#exited
    await rm(this.profile, { recursive: true, force: true, maxRetries: 5 })
  }

  /** Kills all its processes at once. The profile stays as they left it. */
  async kill(): Promise<void> {
    process.kill(-(this.#process.pid as number), 'SIGKILL')
    await this.#exited
  }

  #receive(text: string): void {
    this.#buffer += text
    const messages = this.#buffer.split('\0')
    this.#buffer = messages.pop() as string
    for (const message of messages) {
      const { id, result, error, method, params, sessionId } = JSON.parse(message)
      if (id === undefined) {
        this.#listeners.get(sessionId)?.(method, params)
        continue
      }
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error) waiting?.reject(new Error(error.message))
      else waiting?.resolve(result)
    }
  }

  #end(): void {
    this.#ended = true
    for (const { reject } of this.#waiting.values()) reject(new Error('The browser has ended.'))
    this.#waiting.clear()
  }
}

export class RawPage {
  readonly #browser: RawChromium
  readonly #target: string
  readonly #session: string

  constructor(browser: RawChromium, target: string, session: string) {
    this.#browser = browser
    this.#target = target
    this.#session = session
  }

  /** The value of an expression; a promise is awaited. */
  async evaluate<T>(expression: string): Promise<T> {
    const answer = await this.#send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    })
    if (answer.exceptionDetails) throw new Error(JSON.stringify(answer.exceptionDetails))
    return (answer.result as { value: T }).value
  }

  /** Shows this tab, and so hides the others of its window. */
  async show(): Promise<void> {
    await this.#browser.send('Target.activateTarget', { targetId: this.#target })
  }

  async setLifecycle(state: 'frozen' | 'active'): Promise<void> {
    await this.#send('Page.setWebLifecycleState', { state })
  }

  async navigate(url: string): Promise<void> {
    const { errorText } = await this.#send('Page.navigate', { url })
    if (errorText) throw new Error(`${url} did not load: ${errorText}`)
  }

  async reload(): Promise<void> {
    await this.#send('Page.reload')
  }

  /** To the page before in this tab's history. */
  async back(): Promise<void> {
    const { currentIndex, entries } = (await this.#send('Page.getNavigationHistory')) as {
      currentIndex: number
      entries: { id: number }[]
    }
    await this.#send('Page.navigateToHistoryEntry', { entryId: entries[currentIndex - 1]?.id })
  }

  /** As the user does it: the page hears `pagehide`. */
  async close(): Promise<void> {
    await this.#browser.send('Target.closeTarget', { targetId: this.#target })
  }

  /** Ends its process, which cannot answer any more: not to be awaited. */
  async crash(): Promise<void> {
    await this.#send('Page.crash')
  }

  #send(method: string, params: object = {}): Promise<Result> {
    return this.#browser.send(method, params, this.#session)
  }
}
