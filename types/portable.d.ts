// The only globals that protocol and engine may use beside ES2023. Each exists in Node, in a page, in a worker and on
// a server. Whatever is not listed here comes in as an argument (port, clock, scheduler, random source, storage);
// add a name only if the same is true of it.

declare class TextEncoder {
  encode(input?: string): Uint8Array<ArrayBuffer>
  encodeInto(source: string, destination: Uint8Array): { read: number; written: number }
}

declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean })
  decode(input?: ArrayBufferView | ArrayBuffer, options?: { stream?: boolean }): string
}

declare function queueMicrotask(callback: () => void): void
declare function structuredClone<T>(value: T): T

declare namespace WebAssembly {
  type Module = object
  type Instance = object
  type Imports = Record<string, Record<string, unknown>>
  function instantiate(module: Module, imports?: Imports): Promise<Instance>
}
declare const performance: {
  /** Milliseconds since the start; it never goes back. */
  now(): number
}

interface AbortSignal {
  readonly aborted: boolean
  readonly reason: unknown
  addEventListener(type: 'abort', listener: () => void): void
}
declare class AbortController {
  readonly signal: AbortSignal
  abort(reason?: unknown): void
}
