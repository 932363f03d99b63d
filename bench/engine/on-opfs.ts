import { type EngineOptions, loadSqlite } from '@millrace/engine'
import wasmAddress from '@vlcn.io/wa-sqlite/dist/crsqlite-sync.wasm?url'
// biome-ignore lint/style/noRestrictedImports: how the worker package keeps its files is no API, and it is what is measured.
import { databaseFolder } from '../../packages/worker/src/names.ts'
// biome-ignore lint/style/noRestrictedImports: the same.
import { openStorage } from '../../packages/worker/src/storage/storage.ts'
import type { Place } from './contenders.ts'

let rooms = 0

/** In the private file system of a browser, from a dedicated worker: as the worker package opens databases there. */
export function onOpfs(durability: NonNullable<EngineOptions['durability']>): Place {
  return {
    async room() {
      const name = `bench-${rooms++}`
      const sqlite = await loadSqlite({ locateFile: () => new URL(wasmAddress, import.meta.url).href })
      const { file, info, disk, release } = await openStorage(
        sqlite,
        name,
        ['opfs'],
        durability,
        console.error,
      )
      return {
        ...file,
        sqlite,
        storage: info,
        disk,
        durability,
        async clear() {
          release()
          const root = await navigator.storage.getDirectory()
          const databases = await root.getDirectoryHandle('millrace')
          await databases.removeEntry(databaseFolder(name), { recursive: true })
        },
      }
    },
    /** Of the day: most of a write to a file is waiting. */
    clock: () => performance.now() * 1000,
  }
}
