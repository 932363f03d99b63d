import { compileWasm } from '../wasm.ts'
import type { Inheritance } from './own-worker.ts'

/** Milliseconds after the start of the first worker. */
const KEEP_AFTER = 1000

/**
 * The script and the wasm of the worker, kept by the page from its first worker on: the network may be gone when the next
 * is needed, or the files, for the app was deployed anew.
 */
export class WorkerScript implements Inheritance {
  readonly #create: () => Worker
  readonly #wasmUrl: string | undefined
  #module: Promise<WebAssembly.Module | undefined> | undefined
  /** Undefined before the first worker runs. */
  #url: string | undefined
  #keeping: Promise<void> | undefined
  /** Of the script, as a file of this page. */
  #keptUrl: string | undefined
  /** The script could not be loaded again. */
  #isGone = false

  constructor(create: () => Worker, wasmUrl: string | undefined) {
    this.#create = create
    this.#wasmUrl = wasmUrl
  }

  /** Compiled by the page, which does not have to wait for the worker's script. */
  get module(): Promise<WebAssembly.Module | undefined> {
    this.#module ??= compileWasm(this.#wasmUrl).catch(() => {
      // Perhaps the network comes back.
      this.#module = undefined
      return undefined
    })
    return this.#module
  }

  /** Starts a worker, from the address of its script or from what was kept of it. */
  start(): Worker {
    return this.#isGone && this.#keptUrl !== undefined
      ? new Worker(this.#keptUrl, { type: 'module', name: 'millrace' })
      : this.#create()
  }

  /** A worker could not be started: the next is started the other way. */
  failed(): void {
    this.#isGone = !this.#isGone
  }

  scriptAt(url: string): void {
    if (url.startsWith('blob:') || this.#url !== undefined) return
    this.#url = url
    // Not while the page starts.
    setTimeout(() => this.kept(), KEEP_AFTER)
  }

  /** Resolves when the script was kept, or could not be. */
  async kept(): Promise<void> {
    if (this.#url === undefined) return
    // It may be forbidden (Content-Security-Policy connect-src), and is not needed today.
    this.#keeping ??= this.#keep(this.#url).catch(() => {})
    await this.#keeping
  }

  /** From the browser's cache, where the worker has put it just now. */
  async #keep(url: string): Promise<void> {
    const response = await fetch(url, { cache: 'force-cache', credentials: 'same-origin' })
    if (!response.ok) return
    // Nothing is relative to the address of a blob.
    const text = (await response.text()).replaceAll(
      /import\.meta\.url|\bself\.location\.href/g,
      JSON.stringify(url),
    )
    this.#keptUrl = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }))
  }
}
