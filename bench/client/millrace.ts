import {
  type Change,
  type Database,
  type LiveQuery,
  open,
  type PortSource,
  type SqlQuery,
  type Write as Stored,
  sql,
} from '@millrace/client'
import {
  type Contender,
  type Filled,
  type Group,
  MAX_OPENING,
  Reader,
  type Reads,
  type Shown,
  type Todo,
  type View,
  type Write,
} from './contender.ts'

const schema = `
  CREATE TABLE todo (
    id TEXT PRIMARY KEY NOT NULL, list TEXT NOT NULL, title TEXT NOT NULL, done INTEGER NOT NULL,
    owner INTEGER NOT NULL, points INTEGER NOT NULL, position TEXT NOT NULL
  );
  CREATE INDEX todo_in_order ON todo (position, id);
  CREATE INDEX todo_in_list ON todo (list, position, id);`

/** A live query that has lost its last subscriber stays live for a second: it would be measured with the next ones. */
const WARM = 1_200

interface Tables {
  todo: Todo
}

/** Ours, by its public API, on the real engine behind whatever port. Each database has a name of its own. */
export function millrace(portTo: (name: string, schema: string) => PortSource): Contender {
  let databases = 0
  return {
    name: 'Millrace',
    async fill(rows) {
      const db = await open<Tables>({ port: portTo(`bench-${databases++}`, schema) })
      for (let start = 0; start < rows.length; start += 10_000) {
        const json = JSON.stringify(rows.slice(start, start + 10_000))
        await db.exec(sql`INSERT INTO todo (id, list, title, done, owner, points, position)
          SELECT value ->> 'id', value ->> 'list', value ->> 'title', value ->> 'done', value ->> 'owner',
            value ->> 'points', value ->> 'position' FROM json_each(${json})`)
      }
      return new MillraceDatabase(db)
    },
  }
}

class MillraceDatabase implements Filled {
  readonly #db: Database<Tables>

  constructor(db: Database<Tables>) {
    this.#db = db
  }

  async show(views: readonly View[], reads: Reads): Promise<Shown> {
    const lives = views.flatMap((view) => queriesOf(view).map((query) => this.#db.live(query)))
    const shown = new MillraceShown(this.#db, lives, reads)
    await shown.opened()
    return shown
  }

  async close(): Promise<void> {
    await this.#db.close()
  }
}

class MillraceShown implements Shown {
  readonly reader = new Reader()
  readonly #db: Database<Tables>
  readonly #lives: readonly LiveQuery<Todo | Group>[]
  readonly #undo: (() => void)[]
  #unsettled: Stored[] = []

  constructor(db: Database<Tables>, lives: readonly LiveQuery<Todo | Group>[], reads: Reads) {
    this.#db = db
    this.#lives = lives
    const { reader } = this
    const read = (change: Change<Todo | Group>) => {
      if (reads === 'array' || change.edits === null) return reader.array(change.snapshot.data)
      reader.told++
      for (const edit of change.edits) if (edit.type !== 'remove') reader.row(edit.row)
    }
    this.#undo = lives.map((live, i) => live.subscribe(i === 0 ? read : () => {}))
  }

  async opened(): Promise<void> {
    const end = performance.now() + MAX_OPENING
    while (this.#lives.some(({ snapshot }) => snapshot.status !== 'live')) {
      const failed = this.#lives.find(({ snapshot }) => snapshot.status === 'error')
      if (failed !== undefined) throw failed.snapshot.error
      if (performance.now() > end) throw new Error('Views of Millrace have no rows after half a minute.')
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  write(write: Write): void {
    this.#unsettled.push(this.#write(write))
  }

  #write(write: Write): Stored {
    switch (write.type) {
      case 'insert':
        return this.#db.insert('todo', write.row)
      case 'update':
        return this.#db.update('todo', write.id, write.patch)
      case 'delete':
        return this.#db.delete('todo', write.id)
    }
  }

  async settled(): Promise<void> {
    const writes = this.#unsettled
    this.#unsettled = []
    await Promise.all(writes.map(({ stored }) => stored))
  }

  rows(): readonly (Todo | Group)[] {
    return (this.#lives[0] as LiveQuery<Todo | Group>).snapshot.data
  }

  async close(): Promise<void> {
    for (const undo of this.#undo) undo()
    await new Promise((resolve) => setTimeout(resolve, WARM))
  }
}

/** The view's query first. */
function queriesOf(view: View): SqlQuery<Todo | Group>[] {
  switch (view.type) {
    case 'whole':
      return [sql<Todo>`SELECT * FROM todo ORDER BY position, id`]
    case 'window':
      return [sql<Todo>`SELECT * FROM todo ORDER BY position, id LIMIT ${view.limit}`]
    case 'list':
      return [sql<Todo>`SELECT * FROM todo WHERE list = ${view.list} ORDER BY position, id`]
    case 'groups':
      // Which group a row leaves is predicted from what is known of it: from another query, which is measured as well.
      return [
        sql<Group>`SELECT owner, count(*) AS todos, sum(points) AS points FROM todo GROUP BY owner ORDER BY owner`,
        sql<Todo>`SELECT * FROM todo WHERE id = ${view.shown}`,
      ]
  }
}
