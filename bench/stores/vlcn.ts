import initialize from '@vlcn.io/crsqlite-wasm'
import wasmAddress from '@vlcn.io/crsqlite-wasm/crsqlite.wasm?url'
import { type Contender, INSERT, SCHEMA, SELECT_FIRST, type Todo, values } from './store.ts'

export const vlcn: Contender = {
  flushes: false,
  async open(name) {
    const sqlite = await initialize(() => wasmAddress)
    const db = await sqlite.open(name)
    await db.exec(SCHEMA)
    return {
      insert: (row) => db.exec(INSERT, [...values(row)]),
      load: (rows) =>
        db.tx(async (tx) => {
          const insert = await tx.prepare(INSERT)
          for (const row of rows) await insert.run(tx, ...values(row))
          await insert.finalize(tx)
        }),
      first: () => db.execO<Todo>(SELECT_FIRST),
      close: () => db.close(),
    }
  },
}
