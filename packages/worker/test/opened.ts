import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createEngine, type Durability, type Engine, loadSqlite } from '@millrace/engine'
import { MillraceError } from '@millrace/protocol'
import { FileDisk } from '../src/storage/file-disk.ts'
import { DATABASE_FILE, FileVfs } from '../src/storage/file-vfs.ts'
import type { FaultyDisk } from './faulty-disk.ts'

const path = createRequire(import.meta.url).resolve('@vlcn.io/wa-sqlite/dist/crsqlite-sync.wasm')
export const sqlite = await loadSqlite({ wasmBinary: await readFile(path), locateFile: (file) => file })

/** SQLite takes a VFS once: this one passes all on to that of the database that is open now. */
let current: FileVfs
const passing: { readonly name: string } & Record<string, unknown> = { name: 'millrace-opfs' }
for (const method of Object.getOwnPropertyNames(FileVfs.prototype)) {
  if (!method.startsWith('x')) continue
  passing[method] = (...values: unknown[]) => Reflect.apply(Reflect.get(current, method), current, values)
}
sqlite.registerVfs(passing)

/** A database open on a disk, as the worker opens it. */
export interface Opened {
  readonly engine: Engine
  readonly disk: FileDisk
  /** Runs what the engine has put off, and gives how much that was. */
  runDelayed(): number
}

export function open(files: FaultyDisk, schema: string, durability: Durability): Opened {
  const handles = { main: files.file('main'), log: files.file('log'), journal: files.found('journal') }
  const disk = new FileDisk('test', handles, durability, () => {})
  current = disk.vfs
  const delayed: (() => void)[] = []
  const engine = createEngine({
    delay: (run) => delayed.push(run),
    sqlite,
    filename: DATABASE_FILE,
    vfs: disk.vfs.name,
    schema,
    disk,
    durability,
    storage: { type: 'opfs', reason: '' },
  })
  const runDelayed = () => {
    const due = delayed.splice(0)
    for (const run of due) run()
    return due.length
  }
  return { engine, disk, runDelayed }
}

/** Frees the memory of an engine whose process ended, or whose file is broken. */
export function abandon(engine: Engine): void {
  try {
    engine.close()
  } catch {
    // Its file is gone.
  }
}

export const codeOf = (error: unknown) => (error instanceof MillraceError ? error.code : String(error))
