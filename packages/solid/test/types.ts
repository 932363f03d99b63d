// What must compile, and what must not: checked by `npm run types`, never run.
import { type Database, type SqlQuery, sql } from '@millrace/client'
import { useDb, useQuery } from '@millrace/solid'
import {
  DummyDriver,
  type Generated,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'

interface Tables {
  todo: { id: Generated<number>; title: string; done: number; due: string | null }
}

interface Todo {
  readonly id: number
  readonly title: string
}

const kysely = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
})

export function Rows(props: { list: string | undefined }) {
  const tagged: readonly Todo[] = useQuery(() => sql<Todo>`SELECT id, title FROM todo`).data
  const built: readonly { id: number; title: string }[] = useQuery(() =>
    kysely.selectFrom('todo').select(['id', 'title']).where('done', '=', 0),
  ).data
  const skipped: readonly Todo[] = useQuery(
    () => props.list !== undefined && sql<Todo>`SELECT * FROM todo WHERE list = ${props.list}`,
  ).data

  const rows = useQuery(() => kysely.selectFrom('todo').select(['id', 'due']))
  const due: string | null | undefined = rows.data[0]?.due
  // @ts-expect-error -- not selected
  rows.data[0]?.title
  // @ts-expect-error -- `due` may be null
  const text: string | undefined = rows.data[0]?.due
  // @ts-expect-error -- the store is written by the database
  rows.data.push({ id: 1, due: null })
  // @ts-expect-error -- and so is the tagged query's
  tagged[0].title = ''
  // @ts-expect-error -- an accessor is wanted, else its signals are not followed
  useQuery(sql<Todo>`SELECT id, title FROM todo`)
  // @ts-expect-error -- a text is no query: the sql tag keeps values out of the text
  useQuery(() => 'SELECT * FROM todo')
  // @ts-expect-error -- a Date is no SQL value
  useQuery(() => sql<Todo>`SELECT * FROM todo WHERE due < ${new Date()}`)

  return [tagged, built, skipped, due, text]
}

export function Writes() {
  const db: Database<Tables> = useDb<Tables>()
  db.insert('todo', { title: 'due and id may be left out', done: false })
  db.update('todo', 1, { done: true })
  // @ts-expect-error -- `done` has no default
  db.insert('todo', { title: 'a' })
  // @ts-expect-error -- no such table
  db.insert('todos', { title: 'a', done: 0 })
  // @ts-expect-error -- no such column
  db.update('todo', 1, { titel: 'a' })
  // @ts-expect-error -- a number is wanted
  db.update('todo', 1, { done: 'yes' })

  const query: SqlQuery<Todo> = sql`SELECT * FROM todo`
  return [db, query]
}
