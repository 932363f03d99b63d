import type { Operation, SqlValue } from '@millrace/protocol'

/** The data of all benchmarks: todos in lists of a thousand, the same in each run. */
export const schema = (replicated: boolean) => `
  CREATE TABLE todo (
    id TEXT PRIMARY KEY NOT NULL, list TEXT NOT NULL DEFAULT '', title TEXT NOT NULL DEFAULT '',
    done INTEGER NOT NULL DEFAULT 0, position TEXT NOT NULL DEFAULT ''
  );
  CREATE INDEX todo_in_order ON todo (list, position, id);
  ${replicated ? `SELECT crsql_as_crr('todo');` : ''}`

export const idOf = (i: number) => `todo-${String(i).padStart(7, '0')}`

/** Statements that fill the table with `count` rows. */
export function fill(count: number, list = (i: number) => `list-${Math.floor(i / 1000)}`): Operation[] {
  const operations: Operation[] = []
  for (let start = 0; start < count; start += 10_000) {
    const rows: SqlValue[][] = []
    for (let i = start; i < Math.min(count, start + 10_000); i++) {
      rows.push([idOf(i), list(i), `Todo number ${i}`, i % 3 === 0 ? 1 : 0, String(i).padStart(8, '0')])
    }
    operations.push({
      type: 'exec',
      sql: `INSERT INTO todo (id, list, title, done, position)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?)`,
      parameters: [JSON.stringify(rows)],
    })
  }
  return operations
}
