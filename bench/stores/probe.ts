/*
 * What a worker does, counted from outside: files, calls into the wasm, and when it got what it asked the browser for.
 * Imported before the script that is looked at, which knows nothing of it.
 */

export interface Count {
  calls: number
  /** Milliseconds in them. */
  time: number
  bytes: number
}

export type FileMethod = 'read' | 'write' | 'truncate' | 'flush'

export interface Probed {
  /** Milliseconds since 1970: the first time of each, by name. */
  readonly marks: Readonly<Record<string, number>>
  readonly files: Readonly<Record<FileMethod, Count>>
  /** By the name of the export, which is a short one: calls from JavaScript that is not called by wasm itself. */
  readonly wasm: Readonly<Record<string, Count & { readonly first: number }>>
}

const CHANNEL = 'millrace-bench-probe'

/** From the page. */
export function readProbe(): Promise<Probed> {
  const channel = new BroadcastChannel(CHANNEL)
  return new Promise((resolve) => {
    channel.addEventListener('message', (event: MessageEvent<Probed | null>) => {
      if (event.data === null) return
      channel.close()
      resolve(event.data)
    })
    channel.postMessage(null)
  })
}

/** In the worker. */
export function installProbe(): void {
  const marks: Record<string, number> = {}
  const mark = (name: string, repeated = false) => {
    if (repeated || !(name in marks)) marks[name] = performance.timeOrigin + performance.now()
  }
  mark('script')
  const files = countFiles()
  const wasm = countWasm(mark)
  watchBrowser(mark)
  const channel = new BroadcastChannel(CHANNEL)
  channel.addEventListener('message', (event) => {
    if (event.data === null) channel.postMessage({ marks, files, wasm } satisfies Probed)
  })
}

type Mark = (name: string, repeated?: boolean) => void

function countFiles(): Record<FileMethod, Count> {
  const counts = { read: count(), write: count(), truncate: count(), flush: count() }
  const { prototype } = (globalThis as unknown as { FileSystemSyncAccessHandle: { prototype: Handle } })
    .FileSystemSyncAccessHandle
  for (const [name, counted] of Object.entries(counts) as [FileMethod, Count][]) {
    const method = prototype[name]
    prototype[name] = function (this: unknown, ...given: unknown[]) {
      const start = performance.now()
      const result = method.apply(this, given)
      counted.time += performance.now() - start
      counted.calls++
      counted.bytes += (given[0] as { byteLength?: number } | undefined)?.byteLength ?? 0
      return result
    }
  }
  return counts
}

type Handle = Record<FileMethod, (this: unknown, ...given: unknown[]) => unknown>

function countWasm(mark: Mark): Record<string, Count & { first: number }> {
  const counts: Record<string, Count & { first: number }> = {}
  let depth = 0
  const wrap = (name: string, call: (...given: unknown[]) => unknown) => {
    const counted = { ...count(), first: 0 }
    counts[name] = counted
    return (...given: unknown[]) => {
      if (depth > 0) return call(...given)
      const start = performance.now()
      if (counted.calls === 0) counted.first = performance.timeOrigin + start
      depth++
      try {
        return call(...given)
      } finally {
        depth--
        counted.calls++
        counted.time += performance.now() - start
      }
    }
  }
  const wrapped = ({ module, instance }: WebAssembly.WebAssemblyInstantiatedSource) => {
    mark('wasm ready')
    const exports = Object.entries(instance.exports).map(([name, value]) => [
      name,
      typeof value === 'function' ? wrap(name, value as (...given: unknown[]) => unknown) : value,
    ])
    return { module, instance: { exports: Object.fromEntries(exports) } }
  }
  const { instantiate, instantiateStreaming } = WebAssembly
  Object.assign(WebAssembly, {
    instantiateStreaming: async (source: Response, imports: WebAssembly.Imports) =>
      wrapped(await instantiateStreaming(source, imports)),
    async instantiate(source: BufferSource | WebAssembly.Module, imports: WebAssembly.Imports) {
      if (!(source instanceof WebAssembly.Module)) return wrapped(await instantiate(source, imports))
      const instance = await instantiate(source, imports)
      return wrapped({ module: source, instance }).instance
    },
  })
  return counts
}

/** When the browser was asked, and when it gave. */
function watchBrowser(mark: Mark): void {
  const watch = (target: object, method: string, asked: string, given: string) => {
    const original = Reflect.get(target, method) as (...given: unknown[]) => Promise<unknown>
    Reflect.set(target, method, async function (this: unknown, ...parameters: unknown[]) {
      mark(asked)
      const result = await original.apply(this, parameters)
      mark(given, true)
      return result
    })
  }
  watch(StorageManager.prototype, 'getDirectory', 'files asked', 'root given')
  watch(FileSystemFileHandle.prototype, 'createSyncAccessHandle', 'handle asked', 'files given')
  const { request } = LockManager.prototype
  LockManager.prototype.request = function (this: LockManager, name: string, ...rest: unknown[]) {
    const isOwner = name.endsWith('/owner')
    if (!isOwner) return Reflect.apply(request, this, [name, ...rest])
    mark('lock asked')
    const run = rest.pop() as (lock: unknown) => unknown
    return Reflect.apply(request, this, [
      name,
      ...rest,
      (lock: unknown) => {
        mark('lock given')
        return run(lock)
      },
    ])
  } as typeof request
  const scope = globalThis as unknown as DedicatedWorkerGlobalScope
  const post = scope.postMessage.bind(scope)
  scope.postMessage = (message: unknown, transfer: Transferable[] = []) => {
    mark(`said ${(message as { type?: string } | null)?.type}`)
    post(message, transfer)
  }
}

function count(): Count {
  return { calls: 0, time: 0, bytes: 0 }
}
