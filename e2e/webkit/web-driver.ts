import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'

/** Debian keeps it where no PATH leads. */
const MINI_BROWSER = ['4.1', '4.0']
  .map(
    (version) =>
      `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/webkit2gtk-${version}/MiniBrowser`,
  )
  .find(existsSync)

/** WebKitGTK, over WebDriver: without Playwright, which would bring a WebKit of its own. */
export class WebKit {
  readonly #driver: ChildProcess
  readonly #address: string

  private constructor(driver: ChildProcess, address: string) {
    this.#driver = driver
    this.#address = address
  }

  static async launch(): Promise<WebKit> {
    const port = await freePort()
    const driver = spawn('xvfb-run', ['-a', 'WebKitWebDriver', `--port=${port}`], {
      stdio: 'ignore',
      detached: true,
      env: { ...process.env, WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1', GDK_BACKEND: 'x11' },
    })
    const kill = () => process.kill(-(driver.pid as number), 'SIGKILL')
    process.once('exit', kill)
    driver.once('exit', () => process.off('exit', kill))
    const address = `http://127.0.0.1:${port}/session`
    const capabilities = {
      alwaysMatch: { 'webkitgtk:browserOptions': { binary: MINI_BROWSER, args: ['--automation'] } },
    }
    for (let tries = 0; ; tries++) {
      try {
        const { sessionId } = (await call('POST', address, { capabilities })) as { sessionId: string }
        return new WebKit(driver, `${address}/${sessionId}`)
      } catch (error) {
        if (tries === 50) throw error
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
    }
  }

  async goto(url: string): Promise<void> {
    await call('POST', `${this.#address}/url`, { url })
  }

  /** The value of the body of a function. */
  run<T>(script: string): Promise<T> {
    return call('POST', `${this.#address}/execute/sync`, { script, args: [] }) as Promise<T>
  }

  async type(selector: string, text: string): Promise<void> {
    const element = await call('POST', `${this.#address}/element`, { using: 'css selector', value: selector })
    const [id] = Object.values(element as Record<string, string>)
    await call('POST', `${this.#address}/element/${id}/value`, { text })
  }

  async close(): Promise<void> {
    await call('DELETE', this.#address).catch(() => {})
    process.kill(-(this.#driver.pid as number), 'SIGKILL')
  }
}

async function call(method: string, address: string, body?: object): Promise<unknown> {
  const response = await fetch(address, { method, ...(body && { body: JSON.stringify(body) }) })
  const { value } = (await response.json()) as { value: { error?: string; message?: string } }
  if (!response.ok) throw new Error(`${value.error}: ${value.message}`)
  return value
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
