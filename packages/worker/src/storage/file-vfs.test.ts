import type { MillraceError } from '@millrace/protocol'
import { expect, test, vi } from 'vitest'
import { DatabaseFile } from './database-file.ts'
import { FileVfs } from './file-vfs.ts'
import type { SyncFile } from './sync-file.ts'

const MAIN = 1
const JOURNAL = 2
const OPEN_MAIN_DB = 0x100
const OPEN_MAIN_JOURNAL = 0x800
const OPEN_TEMP_DB = 0x200
const OK = 0
const IOERR = 10
const FULL = 13
const CANTOPEN = 14
const SHORT_READ = 522

/** A VFS with its database open, over handles that answer as told. */
function opened({
  main,
  log,
  journal,
}: {
  main?: Partial<SyncFile>
  log?: Partial<SyncFile>
  journal?: Uint8Array
}) {
  const broken = vi.fn<(error: MillraceError) => void>()
  const files = { main: answering(main), log: answering(log) }
  const file = new DatabaseFile(files, 'strict', () => {})
  const vfs = new FileVfs('test', file, journal ?? new Uint8Array(), broken)
  vfs.xOpen('main.db', MAIN, OPEN_MAIN_DB, new DataView(new ArrayBuffer(4)))
  file.commitOpening()
  return { vfs, file, broken }
}

function answering(told: Partial<SyncFile> = {}): SyncFile {
  return {
    getSize: () => 0,
    read: () => 0,
    write: (data) => data.byteLength,
    truncate() {},
    flush() {},
    close() {},
    ...told,
  }
}

/** A log that can be begun and goes on as told. */
function after(beginning: number, told: () => number): Partial<SyncFile> {
  let writes = 0
  return { write: (data) => (writes++ < beginning ? data.byteLength : told()), getSize: () => 4096 }
}

const block = () => new Uint8Array(4096).fill(7)

test('a read beyond the end gives zeros', () => {
  const { vfs, broken } = opened({ main: { getSize: () => 1, read: () => 1 } })
  const data = Uint8Array.of(7, 7, 7)
  expect(vfs.xRead(MAIN, data, 0)).toBe(SHORT_READ)
  expect([...data]).toEqual([7, 0, 0])
  expect(broken).not.toHaveBeenCalled()
})

test('a read that answers with an error code is a fault, told once, and the end of this file', () => {
  // What Chromium answers when the file was deleted: -4, unsigned.
  const { vfs, broken } = opened({ main: { getSize: () => 4096, read: () => 4294967292 } })
  expect(vfs.xRead(MAIN, new Uint8Array(3), 0)).toBe(IOERR)
  expect(vfs.xWrite(MAIN, new Uint8Array(3), 0)).toBe(IOERR)
  expect(vfs.xSync(MAIN, 0)).toBe(IOERR)
  expect(broken.mock.calls.map(([error]) => error.code)).toEqual(['STORAGE_FAILED'])
})

test.each([
  ['Chromium, disk full: -8, unsigned', () => 4294967288],
  ['a part was written', () => 2],
  [
    'the quota is used up',
    () => {
      throw new DOMException('no room', 'QuotaExceededError')
    },
  ],
])('no room is SQLITE_FULL, and no fault: %s', (_name, write) => {
  const { vfs, broken } = opened({ log: after(1, write) })
  expect(vfs.xWrite(MAIN, block(), 0)).toBe(OK)
  expect(vfs.xSync(MAIN, 0)).toBe(FULL)
  expect(broken).not.toHaveBeenCalled()
})

test('nothing is thrown through SQLite', () => {
  const { vfs, broken } = opened({
    log: after(1, () => {
      throw new DOMException('closed', 'InvalidStateError')
    }),
  })
  expect(vfs.xWrite(MAIN, block(), 0)).toBe(OK)
  expect(vfs.xSync(MAIN, 0)).toBe(IOERR)
  expect(broken).toHaveBeenCalledTimes(1)
})

test('the journal is there while it has content', () => {
  const { vfs } = opened({ journal: Uint8Array.of(1, 2, 3) })
  const exists = new DataView(new ArrayBuffer(4))
  vfs.xAccess('main.db-journal', 0, exists)
  expect(exists.getInt32(0, true)).toBe(1)
  vfs.xOpen('main.db-journal', JOURNAL, OPEN_MAIN_JOURNAL, new DataView(new ArrayBuffer(4)))
  const data = new Uint8Array(3)
  expect(vfs.xWrite(JOURNAL, Uint8Array.of(9), 3)).toBe(OK)
  expect(vfs.xRead(JOURNAL, data, 1)).toBe(OK)
  expect([...data]).toEqual([2, 3, 9])
  expect(vfs.xDelete('main.db-journal', 1)).toBe(OK)
  vfs.xAccess('main.db-journal', 0, exists)
  expect(exists.getInt32(0, true)).toBe(0)
  vfs.xAccess('main.db-wal', 0, exists)
  expect(exists.getInt32(0, true)).toBe(0)
})

test('there are no other files', () => {
  const { vfs } = opened({})
  expect(vfs.xOpen(null, 3, OPEN_TEMP_DB, new DataView(new ArrayBuffer(4)))).toBe(CANTOPEN)
})
