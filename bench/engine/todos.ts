import type { SqlValue } from '@millrace/protocol'

/** An update of one column of one todo: the n-th of this column, counted over all classes, for each must change something. */
export interface Change {
  readonly column: string
  readonly value: (n: number) => SqlValue
}

export const idOf = (i: number) => `todo-${String(i).padStart(7, '0')}`
export const listOf = (i: number) => `list-${String(i).padStart(5, '0')}`

/** Changed in turn, all of the first list. Their number is odd: what alternates, alternates for each. */
const changedId = (n: number) => idOf(n % 9)

export const toggle: Change = { column: 'done', value: (n) => (n + 1) % 2 }

/** How many changes of each column were made to one database. */
export class Changes {
  readonly #made = new Map<string, number>()

  next({ column, value }: Change): { readonly id: string; readonly value: SqlValue } {
    const n = this.#made.get(column) ?? 0
    this.#made.set(column, n + 1)
    return { id: changedId(n), value: value(n) }
  }
}

export interface Size {
  readonly rows: number
  readonly perList: number
  readonly replicated: boolean
}

/** Todos in lists, with ten owners, and two tags each. */
export const schema = ({ replicated }: Size) => `
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

/** The statements that fill it. All data is made in SQLite: a million rows cross no border. */
export const fill = ({ rows, perList }: Size) => [
  `INSERT INTO todo (id, list, owner, title, done, position, points)
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows - 1})
    SELECT printf('todo-%07d', i), printf('list-%05d', i / ${perList}), i % 10, 'Todo number ' || i, i % 2, printf('%08d', i), i % 7 FROM n`,
  `INSERT INTO list SELECT DISTINCT list, 'The list ' || list FROM todo`,
  // The first of each thousand are tagged: enough for joins, and filled soon.
  `INSERT INTO tag WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99) SELECT i, 'Tag ' || i FROM n`,
  `INSERT INTO todo_tag SELECT id, CAST(substr(id, -2) AS INTEGER) FROM todo WHERE substr(id, -3) < '100'
    UNION SELECT id, 1 FROM todo WHERE substr(id, -3) < '100'`,
]
