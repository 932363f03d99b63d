import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { type LoadOptions, loadSqlite } from '@millrace/engine'
import type { Place } from './contenders.ts'

/** In the memory of this process of Node. */
export const inMemory: Place = {
  async room() {
    return {
      sqlite: await loadSqlite(await wasm()),
      filename: ':memory:',
      storage: { type: 'memory', reason: 'For a benchmark.' },
      async clear() {},
    }
  },
  /** Of the processor: the machine does other things meanwhile. */
  clock() {
    const { user, system } = process.cpuUsage()
    return user + system
  },
}

export async function wasm(): Promise<LoadOptions> {
  const path = createRequire(import.meta.url).resolve('@vlcn.io/wa-sqlite/dist/crsqlite-sync.wasm')
  return { wasmBinary: await readFile(path), locateFile: (file) => file }
}
