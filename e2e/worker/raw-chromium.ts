import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { chromium } from '@playwright/test'
import { chromiumOptions } from '../chromium.ts'

type Result = Record<string, unknown>

/**
 * Chromium spoken to over its debugging pipe, without Playwright: that makes every page believe that it has the focus,
 * and such a page is never hidden and never freezes.
 */
export class RawChromium {
  readonly #process
  readonly #profile: string
  readonly #waiting = new Map<number, { resolve: (result: Result) => void; reject: (error: Error) => void }>()

  #lastId = 0
  #buffer = ''

  private constructor(profile: string) {
    this.#profile = profile
    const path = chromiumOptions.executablePath ?? chromium.executablePath()
    const args = ['--headless=new', '--remote-debugging-pipe', `--user-data-dir=${profile}`]
    this.#process = spawn(path, [...args, ...(chromiumOptions.args ?? [])], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    })
    ;(this.#process.stdio[4] as Readable)
      .setEncoding('utf8')
      .on('data', (text: string) => this.#receive(text))
  }

  static async launch(): Promise<RawChromium> {
    return new RawChromium(await mkdtemp(join(tmpdir(), 'millrace-')))
  }

  async newPage(url: string): Promise<RawPage> {
    const { targetId } = await this.send('Target.createTarget', { url })
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true })
    return new RawPage(this, targetId as string, sessionId as string)
  }

  send(method: string, params: object = {}, sessionId?: string): Promise<Result> {
    const id = ++this.#lastId
    ;(this.#process.stdio[3] as Writable).write(`${JSON.stringify({ id, method, params, sessionId })}\0`)
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve))
    // It may be gone before it answers.
    this.send('Browser.close').catch(() => {})
    await ended
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 })
  }

  #receive(text: string): void {
    this.#buffer += text
    const messages = this.#buffer.split('\0')
    this.#buffer = messages.pop() as string
    for (const message of messages) {
      const { id, result, error } = JSON.parse(message)
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error) waiting?.reject(new Error(error.message))
      else waiting?.resolve(result)
    }
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
    const answer = await this.#browser.send(
      'Runtime.evaluate',
      { expression, awaitPromise: true, returnByValue: true },
      this.#session,
    )
    if (answer.exceptionDetails) throw new Error(JSON.stringify(answer.exceptionDetails))
    return (answer.result as { value: T }).value
  }

  /** Shows this tab, and so hides the others of its window. */
  async show(): Promise<void> {
    await this.#browser.send('Target.activateTarget', { targetId: this.#target })
  }

  async setLifecycle(state: 'frozen' | 'active'): Promise<void> {
    await this.#browser.send('Page.setWebLifecycleState', { state }, this.#session)
  }
}
