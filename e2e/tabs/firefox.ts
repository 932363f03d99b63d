import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocket } from 'ws'
import { type DrivenPage, type Driver, EVERYWHERE } from './driver.ts'

type Result = Record<string, unknown>

/** Where Debian has it; `PLAYWRIGHT_FIREFOX` names another. Playwright's own build does not speak BiDi. */
const PATH = process.env.PLAYWRIGHT_FIREFOX || '/usr/bin/firefox-esr'

/** Firefox over WebDriver BiDi, which stock builds speak. */
export async function launchFirefox(): Promise<Driver> {
  const profile = await mkdtemp(join(tmpdir(), 'millrace-'))
  const child = spawn(
    PATH,
    ['--headless', '--no-remote', '--remote-debugging-port=0', '--profile', profile],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    },
  )
  const exited = new Promise((resolve) => child.once('exit', resolve))
  const kill = () => process.kill(-(child.pid as number), 'SIGKILL')
  // Unlike Chromium, whose pipe closes, it would go on after the end of a test that did not come to its own end.
  process.once('exit', kill)
  const address = await new Promise<string>((resolve, reject) => {
    let told = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      told += text
      const match = /WebDriver BiDi listening on (ws:\S+)/.exec(told)
      if (match) resolve(match[1] as string)
    })
    exited.then(() => reject(new Error(`Firefox ended: ${told}`)))
  })
  const session = await BidiSession.connect(`${address}/session`)
  await session.send('session.new', { capabilities: {} })
  await session.send('session.subscribe', { events: ['script.message'] })
  return {
    actions: new Set(EVERYWHERE),
    async newPage(url, { window, report }) {
      const { context } = await session.sendAlone('browsingContext.create', {
        type: window ? 'window' : 'tab',
      })
      const channel = context as string
      session.listeners.set(channel, report)
      await session.send('script.addPreloadScript', {
        functionDeclaration: '(report) => { window.report = report }',
        arguments: [{ type: 'channel', value: { channel, serializationOptions: { maxDomDepth: 0 } } }],
        contexts: [context],
      })
      const page = new FirefoxPage(session, channel)
      await page.navigate(url)
      return page
    },
    async close() {
      session.close()
      process.off('exit', kill)
      kill()
      await exited
      await rm(profile, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

class FirefoxPage implements DrivenPage {
  readonly #session: BidiSession
  readonly #context: string

  constructor(session: BidiSession, context: string) {
    this.#session = session
    this.#context = context
  }

  /** The value comes as JSON: BiDi's own form of values is another. */
  async evaluate<T>(expression: string): Promise<T> {
    const answer = await this.#session.send('script.evaluate', {
      expression: `Promise.resolve(${expression}).then((value) => JSON.stringify(value))`,
      target: { context: this.#context },
      awaitPromise: true,
    })
    if (answer.type === 'exception') throw new Error(JSON.stringify(answer.exceptionDetails))
    const { value } = answer.result as { value?: string }
    return (value === undefined ? undefined : JSON.parse(value)) as T
  }

  async navigate(url: string): Promise<void> {
    await this.#send('browsingContext.navigate', { url, wait: 'none' })
  }

  async reload(): Promise<void> {
    await this.#send('browsingContext.reload', { wait: 'none' })
  }

  async back(): Promise<void> {
    await this.#send('browsingContext.traverseHistory', { delta: -1 })
  }

  async close(): Promise<void> {
    await this.#send('browsingContext.close')
  }

  async show(): Promise<void> {
    await this.#session.sendAlone('browsingContext.activate', { context: this.#context })
  }

  async #send(method: string, params: object = {}): Promise<void> {
    await this.#session.send(method, { context: this.#context, ...params })
  }
}

class BidiSession {
  /** By channel. */
  readonly listeners = new Map<string, (text: string) => void>()
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, { resolve: (result: Result) => void; reject: (error: Error) => void }>()
  #lastId = 0
  #alone: Promise<unknown> = Promise.resolve()

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.on('message', (data) => this.#receive(String(data)))
    socket.on('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('The browser has ended.'))
    })
  }

  static async connect(address: string): Promise<BidiSession> {
    const socket = new WebSocket(address)
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
    return new BidiSession(socket)
  }

  send(method: string, params: object): Promise<Result> {
    const id = ++this.#lastId
    this.#socket.send(JSON.stringify({ id, method, params }))
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
  }

  /** What shows a tab waits until it is shown, and for ever where another one was shown meanwhile: one at a time. */
  sendAlone(method: string, params: object): Promise<Result> {
    const answer = this.#alone.then(() => this.send(method, params))
    this.#alone = answer.catch(() => {})
    return answer
  }

  close(): void {
    this.#socket.close()
  }

  #receive(message: string): void {
    const { id, method, params, result, error, message: why } = JSON.parse(message)
    if (method === 'script.message') {
      this.listeners.get(params.channel)?.(params.data.value)
      return
    }
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error) waiting?.reject(new Error(`${error}: ${why}`))
    else waiting?.resolve(result)
  }
}
