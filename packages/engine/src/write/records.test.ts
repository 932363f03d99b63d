import { type ClientId, MillraceError, type WriteId } from '@millrace/protocol'
import { beforeEach, expect, test } from 'vitest'
import { sqlite } from '../../test/oracle/connect.ts'
import { Database } from '../database/database.ts'
import { WriteRecords } from './records.ts'

const client = (i: number) => `client ${i}` as ClientId
const write = (id: number) => ({ id: id as WriteId, operations: [] })

let database: Database
beforeEach(async () => {
  database = new Database((await sqlite()).open(':memory:'))
  return () => database.close()
})

test('those of the thousand clients that wrote last outlive any time and any number of openings', () => {
  const first = new WriteRecords(database)
  for (let i = 0; i < 1005; i++) first.applied(client(i), write(1), i)
  // An early one wrote again.
  first.applied(client(2), write(2), 7)
  const later = new WriteRecords(database)
  expect(later.find(client(2), write(1))).toEqual({ changes: 2 })
  expect(later.find(client(2), write(2))).toEqual({ changes: 7 })
  expect(later.find(client(1004), write(1))).toEqual({ changes: 1004 })
  expect([0, 1, 3, 4, 5].map((i) => later.find(client(i), write(1)))).toEqual(Array(5).fill(undefined))
  // What comes after the opening is newer than what was there.
  later.applied(client(2000), write(1), 1)
  const [order] = database.get("SELECT max(at) FROM millrace_write WHERE client <> 'client 2000'") ?? []
  const [newest] = database.get("SELECT at FROM millrace_write WHERE client = 'client 2000'") ?? []
  expect(newest).toBeGreaterThan(order as number)
})

test('a table from before rejections were recorded goes on', () => {
  database.connection.exec(`
    CREATE TABLE millrace_write (
      client TEXT NOT NULL, id INTEGER NOT NULL, changes INTEGER NOT NULL, at INTEGER NOT NULL,
      PRIMARY KEY (client, id)
    ) WITHOUT ROWID;
    INSERT INTO millrace_write VALUES ('client 1', 1, 3, 1764400000000)`)
  const records = new WriteRecords(database)
  expect(records.find(client(1), write(1))).toEqual({ changes: 3 })
  records.rejected(client(1), write(2), new MillraceError('WRITE_REJECTED', 'no'))
  expect(new WriteRecords(database).find(client(1), write(2))).toMatchObject({
    error: { code: 'WRITE_REJECTED', message: 'no' },
  })
})

test('what was answered is told apart from what never came', () => {
  const records = new WriteRecords(database)
  expect(records.find(client(1), write(1))).toBeUndefined()
  records.applied(client(1), write(1), 1)
  records.forget(client(1), 1)
  records.applied(client(1), write(2), 1)
  expect(records.find(client(1), write(1))).toBe('answered')
  expect(records.find(client(1), write(3))).toBeUndefined()
})
