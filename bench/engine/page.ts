import { wrap } from 'comlink'
import type { BenchPage } from '../chromium.ts'
import type { Extent, OpfsTimes, WorkerCalls } from './worker.ts'

// Files can be read and written without promises in a dedicated worker only.
const worker = wrap<WorkerCalls>(new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' }))
const page: BenchPage<Extent, OpfsTimes> = {
  bench: (extent) => worker.measure(extent),
}
Object.assign(globalThis, page)
