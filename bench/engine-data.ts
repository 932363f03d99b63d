import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { type Engine, loadSqlite } from '@millrace/engine'
import { openEngine } from '@millrace/engine/node'
import type { Operation, SqlValue } from '@millrace/protocol'
import loadWasm from '@vlcn.io/wa-sqlite/dist/crsqlite-sync.mjs'
import { Factory } from '@vlcn.io/wa-sqlite/src/sqlite-api.js'
import { idOf } from './todos.ts'

/** A live query, and what changes one row that it reads. */
export interface Work {
  readonly sql: string
  readonly parameters: readonly SqlValue[]
  readonly change: Change
}

/** An update of one column of one todo: the n-th of this column, counted over all classes, for each must change something. */
export interface Change {
  readonly column: string
  readonly value: (n: number) => SqlValue
}

export const listOf = (i: number) => `list-${String(i).padStart(5, '0')}`

/** Changed in turn, all of the first list. Their number is odd: what alternates, alternates for each. */
const changedId = (n: number) => idOf(n % 9)

export const toggle: Change = { column: 'done', value: (n) => (n + 1) % 2 }
const title: Change = { column: 'title', value: (n) => `changed ${n}` }
const points: Change = { column: 'points', value: (n) => 999 + (n % 2) }
const move: Change = { column: 'list', value: (n) => listOf(1 + (n % 2)) }

/** Todos in lists, with ten owners, and two tags each. */
const schema = (replicated: boolean) => `
  CREATE TABLE list (id TEXT PRIMARY KEY NOT NULL, name TEXT);
  CREATE TABLE todo (
    id TEXT PRIMARY KEY NOT NULL, list TEXT, owner INTEGER, title TEXT, done INTEGER, position TEXT, points INTEGER
  );
  CREATE INDEX todo_in_list ON todo (list, position, id);
  CREATE INDEX todo_in_order ON todo (position, id);
  CREATE TABLE tag (id INTEGER PRIMARY KEY NOT NULL, name TEXT);
  CREATE TABLE todo_tag (todo TEXT NOT NULL, tag INTEGER NOT NULL, PRIMARY KEY (todo, tag)) WITHOUT ROWID;
  CREATE INDEX todo_tag_by_tag ON todo_tag (tag, todo);
  ${replicated ? `SELECT crsql_as_crr('todo');` : ''}`

export interface Size {
  readonly rows: number
  readonly perList: number
  readonly replicated: boolean
}

/** The statements that fill it. All data is made in SQLite: a million rows cross no border. */
const fill = ({ rows, perList }: Size) => [
  `INSERT INTO todo (id, list, owner, title, done, position, points)
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows - 1})
    SELECT printf('todo-%07d', i), printf('list-%05d', i / ${perList}), i % 10, 'Todo number ' || i, i % 2, printf('%08d', i), i % 7 FROM n`,
  `INSERT INTO list SELECT DISTINCT list, 'The list ' || list FROM todo`,
  // The first of each thousand are tagged: enough for joins, and filled soon.
  `INSERT INTO tag WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99) SELECT i, 'Tag ' || i FROM n`,
  `INSERT INTO todo_tag SELECT id, CAST(substr(id, -2) AS INTEGER) FROM todo WHERE substr(id, -3) < '100'
    UNION SELECT id, 1 FROM todo WHERE substr(id, -3) < '100'`,
]

/** How many changes of each column were made to one database. */
class Changes {
  readonly #made = new Map<string, number>()

  next({ column, value }: Change): { readonly id: string; readonly value: SqlValue } {
    const n = this.#made.get(column) ?? 0
    this.#made.set(column, n + 1)
    return { id: changedId(n), value: value(n) }
  }
}

export class Ours {
  readonly engine: Engine
  readonly #changes = new Changes()

  private constructor(engine: Engine) {
    this.engine = engine
  }

  static async filled(size: Size): Promise<Ours> {
    const engine = await openEngine({ schema: schema(size.replicated) })
    engine.write(fill(size).map((sql): Operation => ({ type: 'exec', sql, parameters: [] })))
    return new Ours(engine)
  }

  subscribe(sql: string, parameters: readonly SqlValue[]): () => void {
    return this.engine.subscribe(sql, parameters, () => {})
  }

  /** A commit of one update. */
  write(change: Change): () => void {
    return () => {
      const { id, value } = this.#changes.next(change)
      this.engine.write([{ type: 'update', table: 'todo', key: [id], patch: { [change.column]: value } }])
    }
  }
}

type Connection = ReturnType<Awaited<ReturnType<typeof loadSqlite>>['open']>

/** The same data in SQLite alone, with statements prepared ahead: the least that the same work takes without an engine. */
export class Bare {
  readonly #connection: Connection
  readonly #changes = new Changes()

  private constructor(connection: Connection) {
    this.#connection = connection
  }

  static async filled(size: Size): Promise<Bare> {
    const wasm = createRequire(import.meta.url).resolve('@vlcn.io/wa-sqlite/dist/crsqlite-sync.wasm')
    const sqlite = await loadSqlite({ wasmBinary: await readFile(wasm), locateFile: (file) => file })
    const connection = sqlite.open(':memory:')
    connection.exec(`PRAGMA temp_store = memory; ${schema(size.replicated)}`)
    for (const sql of fill(size)) connection.exec(sql)
    return new Bare(connection)
  }

  /** A transaction of one update. */
  write(change: Change): () => void {
    const begin = this.#connection.prepare('BEGIN')
    const update = this.#connection.prepare(`UPDATE todo SET ${change.column} = ? WHERE id = ?`)
    const commit = this.#connection.prepare('COMMIT')
    return () => {
      const { id, value } = this.#changes.next(change)
      begin.step()
      begin.reset()
      update.bind([value, id])
      update.step()
      update.reset()
      commit.step()
      commit.reset()
    }
  }

  /** Runs a query for each list of parameters, and reads all rows. */
  rerun(sql: string, parameters: readonly (readonly SqlValue[])[]): () => void {
    const statement = this.#connection.prepare(sql)
    return () => {
      for (const values of parameters) {
        statement.bind(values)
        while (statement.step()) statement.row()
        statement.reset()
      }
    }
  }
}

/** A transaction of one update through wa-sqlite's own JS API, which is what an app without an engine would call. */
export class ApiWrite {
  readonly #api: WaSqlite
  readonly #statements: Statements
  readonly #changes = new Changes()
  readonly #change: Change

  private constructor(api: WaSqlite, statements: Statements, change: Change) {
    this.#api = api
    this.#statements = statements
    this.#change = change
  }

  static async filled(size: Size, change: Change): Promise<ApiWrite> {
    const require = createRequire(import.meta.url)
    const wasmBinary = await readFile(require.resolve('@vlcn.io/wa-sqlite/dist/crsqlite-sync.wasm'))
    const api = Factory(await loadWasm({ wasmBinary, locateFile: (file: string) => file })) as WaSqlite
    const db = await api.open_v2(':memory:')
    await api.exec(db, `PRAGMA temp_store = memory; ${schema(size.replicated)}`)
    for (const sql of fill(size)) await api.exec(db, sql)
    const prepare = async (sql: string) =>
      (await api.prepare_v2(db, api.str_value(api.str_new(db, sql)))).stmt
    const statements = {
      begin: await prepare('BEGIN'),
      update: await prepare(`UPDATE todo SET ${change.column} = ? WHERE id = ?`),
      commit: await prepare('COMMIT'),
    }
    return new ApiWrite(api, statements, change)
  }

  async run(): Promise<void> {
    const { begin, update, commit } = this.#statements
    const { id, value } = this.#changes.next(this.#change)
    await this.#api.step(begin)
    await this.#api.reset(begin)
    this.#api.bind_collection(update, [value, id])
    await this.#api.step(update)
    await this.#api.reset(update)
    await this.#api.step(commit)
    await this.#api.reset(commit)
  }
}

interface Statements {
  readonly begin: number
  readonly update: number
  readonly commit: number
}

/** The part of it that is measured. */
interface WaSqlite {
  open_v2(name: string): Promise<number>
  exec(db: number, sql: string): Promise<number>
  str_new(db: number, text: string): number
  str_value(text: number): number
  prepare_v2(db: number, text: number): Promise<{ readonly stmt: number }>
  bind_collection(statement: number, values: readonly SqlValue[]): number
  step(statement: number): Promise<number>
  reset(statement: number): Promise<number>
}

const first = listOf(0)

/** Of each class one live query, and a change that it must answer. */
export const classes: Record<string, Work> = {
  'a filter': { sql: 'SELECT id, title, done FROM todo WHERE list = ?', parameters: [first], change: toggle },
  'a whole list in order': {
    sql: 'SELECT * FROM todo WHERE list = ? ORDER BY position',
    parameters: [first],
    change: toggle,
  },
  'the first 50 of all': {
    sql: 'SELECT * FROM todo ORDER BY position LIMIT 50',
    parameters: [],
    change: toggle,
  },
  'a join over n:m': {
    sql: `SELECT todo.id, todo.title, tag.name FROM todo
      JOIN todo_tag ON todo_tag.todo = todo.id JOIN tag ON tag.id = todo_tag.tag WHERE todo.list = ?`,
    parameters: [first],
    change: title,
  },
  'counts over a left join': {
    sql: 'SELECT list.id, list.name, count(todo.id) FROM list LEFT JOIN todo ON todo.list = list.id GROUP BY list.id',
    parameters: [],
    change: move,
  },
  EXISTS: {
    sql: 'SELECT id, name FROM list WHERE EXISTS (SELECT 1 FROM todo WHERE todo.list = list.id AND points = 1000)',
    parameters: [],
    change: points,
  },
  'an array per parent': {
    sql: `SELECT list.id, (SELECT coalesce(json_group_array(json_object('id', agg.id, 'title', agg.title)), '[]')
      FROM (SELECT todo.id, todo.title FROM todo WHERE todo.list = list.id ORDER BY todo.position) AS agg) AS todos FROM list`,
    parameters: [],
    change: title,
  },
  'counts by group': {
    sql: 'SELECT owner, count(*) FROM todo WHERE done = 0 GROUP BY owner',
    parameters: [],
    change: toggle,
  },
  'a count with FILTER': {
    sql: 'SELECT count(*), count(*) FILTER (WHERE done = 0) FROM todo',
    parameters: [],
    change: toggle,
  },
  'a sum of integers': {
    sql: 'SELECT owner, sum(points) FROM todo GROUP BY owner',
    parameters: [],
    change: points,
  },
  DISTINCT: { sql: 'SELECT DISTINCT list FROM todo', parameters: [], change: move },
  'the latest of each parent': {
    sql: `SELECT list.id, latest.title FROM list LEFT JOIN todo AS latest
      ON latest.id = (SELECT id FROM todo WHERE todo.list = list.id ORDER BY position DESC LIMIT 1)`,
    parameters: [],
    change: move,
  },
  'UNION ALL of two filters': {
    sql: 'SELECT id, title FROM todo WHERE list = ? UNION ALL SELECT id, title FROM todo WHERE list = ?',
    parameters: [listOf(1), listOf(2)],
    change: title,
  },
}

/** Of one text many live queries, by number: a toggle hits the first, or all. */
export const families: Record<
  string,
  { readonly sql: string; readonly parameters: (i: number) => readonly SqlValue[] }
> = {
  'one list each, one hit': {
    sql: 'SELECT id, title, done FROM todo WHERE list = ?',
    parameters: (i) => [listOf(i)],
  },
  'the first 50 of one list each, one hit': {
    sql: 'SELECT * FROM todo WHERE list = ? ORDER BY position LIMIT 50',
    parameters: (i) => [listOf(i)],
  },
  'counts of one list each, one hit': {
    sql: 'SELECT count(*), count(*) FILTER (WHERE done = 0) FROM todo WHERE list = ?',
    parameters: (i) => [listOf(i)],
  },
  'one range each, one hit': {
    sql: 'SELECT id, title, done FROM todo WHERE position >= ? AND position < ?',
    parameters: (i) => [`${String(i * 10).padStart(8, '0')}`, `${String(i * 10 + 10).padStart(8, '0')}`],
  },
  'all hit': {
    sql: 'SELECT id, title, done FROM todo WHERE list = ? AND points > ?',
    parameters: (i) => [first, -1 - i],
  },
}

/** What an app may have open: twenty queries. */
export const mix: readonly (readonly [sql: string, ...parameters: SqlValue[]])[] = [
  ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(
    (i) => ['SELECT * FROM todo WHERE list = ? ORDER BY position', listOf(i)] as const,
  ),
  ['SELECT * FROM todo ORDER BY position LIMIT 50'],
  ['SELECT * FROM todo ORDER BY position DESC LIMIT 50'],
  ['SELECT id, title FROM todo WHERE list = ? ORDER BY position LIMIT 50', listOf(20)],
  ['SELECT id, title FROM todo WHERE done = 0 ORDER BY position LIMIT 50'],
  ['SELECT owner, count(*) FROM todo GROUP BY owner'],
  ['SELECT owner, count(*), sum(points) FROM todo WHERE done = 0 GROUP BY owner'],
  ['SELECT list, count(*) FROM todo GROUP BY list'],
  [
    'SELECT todo.id, todo.title, list.name FROM todo JOIN list ON list.id = todo.list WHERE todo.list = ?',
    listOf(3),
  ],
  ['SELECT id, name FROM list WHERE EXISTS (SELECT 1 FROM todo WHERE todo.list = list.id AND points = 6)'],
  ['SELECT DISTINCT list FROM todo'],
]
