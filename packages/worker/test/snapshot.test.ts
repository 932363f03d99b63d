import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { loadSqlite, ReadConnection } from '@millrace/engine'
import type { Operation } from '@millrace/protocol'
import { beforeAll, expect, test } from 'vitest'
import { DATABASE_FILE, FileVfs } from '../src/storage/file-vfs.ts'
import { MAIN_FILE } from '../src/storage/folder.ts'
import { type Snapshot, SnapshotFile } from '../src/storage/snapshot.ts'
import type { SyncFile } from '../src/storage/sync-file.ts'
import { FaultyDisk, generator } from './faulty-disk.ts'
import { abandon, type Opened, open } from './opened.ts'

/*
 * Readers beside the owner: each sees the database as it was when its snapshot was taken, whatever is written, spilled and
 * checkpointed meanwhile. The files are those of the owner; only the browser's way to read them is made of them here.
 */

const SCHEMA = 'CREATE TABLE item (id INTEGER PRIMARY KEY NOT NULL, data BLOB)'
const SUMS = 'SELECT count(*), total(length(data)), total(id * unicode(hex(data))) FROM item'

beforeAll(() => {
  Object.assign(globalThis, {
    FileReaderSync: class {
      readAsArrayBuffer = (part: ArrayBuffer) => part
    },
  })
})

function folderOf(files: FaultyDisk): FileSystemDirectoryHandle {
  const fileOf = (file: SyncFile) => ({
    slice(start: number, end: number) {
      const data = new Uint8Array(Math.max(0, Math.min(end, file.getSize()) - start))
      file.read(data, { at: start })
      return data.buffer
    },
  })
  return {
    getFileHandle: async (name: string) => ({
      getFile: async () => fileOf(files.file(name === MAIN_FILE ? 'main' : 'log')),
    }),
  } as unknown as FileSystemDirectoryHandle
}

const path = createRequire(import.meta.url).resolve('@vlcn.io/wa-sqlite/dist/crsqlite-sync.wasm')
const wasmBinary = await readFile(path)

async function newReader(snapshot: Snapshot) {
  const file = new SnapshotFile()
  await file.show(snapshot)
  const sqlite = await loadSqlite({ wasmBinary, locateFile: (name) => name })
  const vfs = new FileVfs('', file, new Uint8Array(), () => {})
  sqlite.registerVfs(vfs)
  const connection = new ReadConnection(sqlite, DATABASE_FILE, vfs.name)
  return {
    show: (next: Snapshot) => file.show(next),
    rows: (sql = SUMS) => connection.query(sql, [], Number.POSITIVE_INFINITY).rows,
  }
}

const exec = (sql: string): Operation => ({ type: 'exec', sql, parameters: [] })
const rowsOf = ({ engine }: Opened) => engine.query(SUMS).rows

for (const seed of [1, 2, 3]) {
  test(`a snapshot stays as it was taken: seed ${seed}`, async () => {
    const random = generator(seed)
    const below = (n: number) => Math.floor(random() * n)
    const files = new FaultyDisk(random)
    const opened = open(files, SCHEMA, 'strict')
    const { engine, disk } = opened
    const folder = folderOf(files)
    const take = () => ({ snapshot: { ...disk.hold(), folder }, rows: rowsOf(opened) })
    const write = () => {
      const sql = [
        `INSERT INTO item (data) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${1 + below(60)}) SELECT randomblob(${below(100_000)}) FROM n`,
        `UPDATE item SET data = randomblob(${below(9000)}) WHERE id % 7 = ${below(7)}`,
        `DELETE FROM item WHERE id % 5 = ${below(5)}`,
        'DELETE FROM item',
      ]
      engine.write([exec(sql[below(20) === 0 ? 3 : below(3)] as string)])
    }
    write()
    let held = take()
    const reader = await newReader(held.snapshot)
    for (let step = 0; step < 40; step++) {
      const action = below(4)
      if (action <= 1) write()
      // Checkpoints, as far as it may.
      else if (action === 2) disk.close()
      else {
        // Not before: what SQLite has read it would not read again.
        expect(reader.rows(), `step ${step}`).toEqual(held.rows)
        disk.release()
        if (below(2) === 0) disk.close()
        held = take()
        await reader.show(held.snapshot)
      }
    }
    expect(reader.rows()).toEqual(held.rows)
    expect(reader.rows('SELECT * FROM pragma_integrity_check')).toEqual([['ok']])
    disk.release()
    abandon(engine)
  })
}
