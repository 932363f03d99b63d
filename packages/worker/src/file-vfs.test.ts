import type { MillraceError } from '@millrace/protocol'
import { expect, test, vi } from 'vitest'
import { FileVfs } from './file-vfs.ts'

const MAIN = 1
const OPEN_MAIN_DB = 0x100
const OPEN_TEMP_DB = 0x200
const OK = 0
const IOERR = 10
const FULL = 13
const CANTOPEN = 14
const SHORT_READ = 522

/** A VFS with its database open, over a handle that answers as told. */
function opened(handle: Partial<FileSystemSyncAccessHandle>) {
  const broken = vi.fn<(error: MillraceError) => void>()
  const main = handle as FileSystemSyncAccessHandle
  const vfs = new FileVfs('test', { main, journal: main }, broken)
  vfs.xOpen('main.db', MAIN, OPEN_MAIN_DB, new DataView(new ArrayBuffer(4)))
  return { vfs, broken }
}

test('a read beyond the end gives zeros', () => {
  const { vfs, broken } = opened({ read: () => 1 })
  const data = Uint8Array.of(7, 7, 7)
  expect(vfs.xRead(MAIN, data, 0)).toBe(SHORT_READ)
  expect([...data]).toEqual([7, 0, 0])
  expect(broken).not.toHaveBeenCalled()
})

test('a read that answers with an error code is a fault, told once, and the end of this file', () => {
  // What Chromium answers when the file was deleted: -4, unsigned.
  const { vfs, broken } = opened({ read: () => 4294967292, write: () => 3, flush() {} })
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
  const { vfs, broken } = opened({ write })
  expect(vfs.xWrite(MAIN, new Uint8Array(3), 0)).toBe(FULL)
  expect(broken).not.toHaveBeenCalled()
})

test('nothing is thrown through SQLite', () => {
  const { vfs, broken } = opened({
    flush() {
      throw new DOMException('closed', 'InvalidStateError')
    },
  })
  expect(vfs.xSync(MAIN, 0)).toBe(IOERR)
  expect(broken).toHaveBeenCalledTimes(1)
})

test('the journal is there while it has content', () => {
  let size = 512
  const { vfs } = opened({
    getSize: () => size,
    truncate(to) {
      size = to
    },
    flush() {},
  })
  const exists = new DataView(new ArrayBuffer(4))
  vfs.xAccess('main.db-journal', 0, exists)
  expect(exists.getInt32(0, true)).toBe(1)
  expect(vfs.xDelete('main.db-journal', 1)).toBe(OK)
  vfs.xAccess('main.db-journal', 0, exists)
  expect(exists.getInt32(0, true)).toBe(0)
  vfs.xAccess('main.db-wal', 0, exists)
  expect(exists.getInt32(0, true)).toBe(0)
})

test('there are no other files', () => {
  const { vfs } = opened({})
  expect(vfs.xOpen(null, 2, OPEN_TEMP_DB, new DataView(new ArrayBuffer(4)))).toBe(CANTOPEN)
})
