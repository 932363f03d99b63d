import { SQLocal } from './peers/sqlocal.js'
import { type Contender, INSERT, SCHEMA, SELECT_FIRST, type Todo, values } from './store.ts'

export const sqlocal: Contender = {
  flushes: true,
  async open(name) {
    const db = new SQLocal(`${name}.sqlite3`)
    await db.sql(SCHEMA)
    return {
      insert: (row) => db.sql(INSERT, ...values(row)),
      load: (rows) => db.batch((sql) => rows.map((row) => sql(INSERT, ...values(row)))),
      first: () => db.sql(SELECT_FIRST) as Promise<Todo[]>,
      close: () => db.destroy(),
    }
  },
}
