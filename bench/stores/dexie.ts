import { Dexie } from './peers/dexie.js'
import { type Contender, FIRST, type Todo } from './store.ts'

export const dexie = (durability: 'default' | 'strict'): Contender => ({
  flushes: durability === 'strict',
  async open(name) {
    const db = new Dexie(name, { chromeTransactionDurability: durability })
    db.version(1).stores({ todo: 'id' })
    await db.open()
    const todo = db.table('todo')
    return {
      insert: (row) => todo.add(row),
      load: (rows) => todo.bulkAdd(rows),
      first: () => todo.orderBy('id').limit(FIRST).toArray() as Promise<Todo[]>,
      async close() {
        db.close()
      },
    }
  },
})
