import { wrap } from 'comlink'
import type { Contender, Store } from './store.ts'

/** A store that lies in a worker of its own, behind one message a call: the script exposes `open` by Comlink. */
export const inWorker = (start: () => Worker): Contender => ({
  flushes: true,
  async open(name) {
    const worker = start()
    const { open, insert, load, first, close } = wrap<OpenStore>(worker)
    await open(name)
    return {
      insert,
      load,
      first,
      async close() {
        await close()
        worker.terminate()
      },
    }
  },
})

/** What such a script exposes: there is one database in it. */
export interface OpenStore extends Store {
  open(database: string): Promise<void>
}

/** SQLite alone, through our wasm: the least that the same rows take in a worker. */
export const bare = inWorker(
  () => new Worker(new URL('./bare-worker.ts', import.meta.url), { type: 'module' }),
)

/** No SQLite at all: one write of 4,096 bytes and one flush a commit. Its start is a compiled wasm, two handles, one page. */
export const floor = inWorker(
  () => new Worker(new URL('./floor-worker.ts', import.meta.url), { type: 'module' }),
)
