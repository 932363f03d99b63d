import { column, PowerSyncDatabase, Schema, Table } from './peers/powersync.js'
import { type Contender, INSERT, SELECT_FIRST, type Todo, values } from './store.ts'

const { text, integer } = column
const schema = new Schema({
  todo: new Table({ list: text, title: text, done: integer }, { localOnly: true }),
})

/** `vfs`: another place of the files than its default, which is IndexedDB. */
export const powersync = (flushes: boolean, vfs?: string): Contender => ({
  flushes,
  async open(name) {
    const database = { dbFilename: `${name}.db`, ...(vfs && { vfs }) }
    const db = new PowerSyncDatabase({ schema, database })
    await db.init()
    return {
      insert: (row) => db.execute(INSERT, values(row)),
      load: (rows) => db.executeBatch(INSERT, rows.map(values)),
      first: () => db.getAll(SELECT_FIRST) as Promise<Todo[]>,
      close: () => db.close(),
    }
  },
})
