import type { Engine } from '@millrace/engine'
import { MillraceError, type Operation, type SqlValue } from '@millrace/protocol'

interface Column {
  readonly name: string
  readonly value: () => SqlValue
}

interface Table {
  readonly name: string
  readonly key: readonly string[]
  readonly columns: readonly Column[]
  /** About how many rows it has: below, rows come more often than they go. */
  readonly size: number
  /** Others' edits of a replicated row are lost when its key changes: it does not. */
  readonly replicated?: true
}

/** The first rows of the tables, which parameters name, stay: what is asked for them has an answer. */
const KEPT = new Set<SqlValue>(['w1', 'w2', 'w3', 'm1', 'm2', 'p1', 'p2', 'l1', 'l2'])

/** A sum with it and any other amount is beyond 2^63. */
const HUGE = 9223372036854775800n

const MALFORMED = '{"from":'

/**
 * What happens to the tables, from a seed: mostly right, now and then refused. The rows that it changes are those that
 * the engine has, so that a write meets one.
 */
export class History {
  readonly #engine: Engine
  readonly #next: () => number
  readonly #tables: readonly Table[]
  #ids = 1000

  constructor(engine: Engine, next: () => number) {
    this.#engine = engine
    this.#next = next
    this.#tables = this.#describe()
  }

  /** The rows to begin with, parents first. A random row that is refused, e.g. because it is there, is tried again. */
  fill(): void {
    for (const table of this.#tables) {
      for (let i = 1; i <= table.size; ) {
        const row = this.#row(table)
        if (table.columns[0]?.name === 'id')
          row.id = table.name === 'activity' ? i : `${prefix(table.name)}${i}`
        try {
          this.#engine.write([{ type: 'insert', table: table.name, row }])
          i++
        } catch (error) {
          if (!(error instanceof MillraceError) || error.code !== 'WRITE_REJECTED') throw error
        }
      }
    }
  }

  /** One transaction: one to six operations on any tables. */
  transaction(): Operation[] {
    return Array.from({ length: 1 + this.#below(6) }, () => this.#operation(this.#table()))
  }

  #describe(): Table[] {
    const pick =
      <T extends SqlValue>(...values: readonly T[]) =>
      () =>
        this.#pick(values)
    const some = (table: string, nulls = 0) => {
      const key = () => this.#someKey(table)[0] as SqlValue
      return () => (this.#next() < nulls ? null : key())
    }
    const workspace = () => (this.#next() < 0.7 ? 'w1' : some('workspace')())
    const id = (table: string) => ({ name: 'id', value: () => `${prefix(table)}${++this.#ids}` })
    const column = (name: string, value: () => SqlValue): Column => ({ name, value })
    const digits = (n: number) => String(n).padStart(2, '0')
    const month = () =>
      this.#next() < 0.06 ? `2023-${digits(1 + this.#below(12))}` : `2024-0${4 + this.#below(3)}`
    const day = () => `${month()}-${digits(1 + this.#below(28))}`
    const dayOrNone = () => (this.#next() < 0.3 ? null : day())
    const moment = () => `${day()} ${digits(this.#below(24))}:00:00`
    const small = () => this.#below(9)
    const flag = () => (this.#next() < 0.4 ? 1 : 0)
    const name = pick('Ada', 'ada', 'ADA', 'Bea', 'bug', 'Bug', 'BUG', 'Cy', 'home', 'Home', 'log', 'Åse', '')
    const text = pick(
      'Login fails',
      'slow log',
      'Crash on @Ada',
      'crash at home',
      'Blue 🎵 theme',
      'under_score',
      'SLOW start @bea',
      'Dark mode',
      '',
    )
    const status = pick('todo', 'todo', 'doing', 'doing', 'done', 'cancelled')
    const anyStatus = () => (this.#next() < 0.05 ? 'triage' : status())
    const watchers = () => JSON.stringify({ watchers: [`m${1 + this.#below(4)}`, `m${1 + this.#below(9)}`] })
    return [
      {
        name: 'workspace',
        key: ['id'],
        size: 3,
        columns: [id('workspace'), column('name', name), column('tier', pick('free', 'team', null))],
      },
      {
        name: 'member',
        key: ['id'],
        size: 12,
        columns: [
          id('member'),
          column('workspace_id', workspace),
          column('name', name),
          column('email', () => (this.#next() < 0.3 ? null : `${this.#below(40)}@example.org`)),
          column('active', flag),
          column('manager_id', some('member', 0.3)),
        ],
      },
      {
        name: 'project',
        key: ['id'],
        size: 8,
        columns: [
          id('project'),
          column('workspace_id', workspace),
          column('name', name),
          column('lead_id', some('member', 0.3)),
          column('archived', flag),
          column('position', () => (this.#next() < 0.2 ? null : small())),
        ],
      },
      {
        name: 'issue',
        key: ['id'],
        size: 50,
        columns: [
          id('issue'),
          column('project_id', () => (this.#next() < 0.4 ? 'p1' : (this.#someKey('project')[0] as SqlValue))),
          column('parent_id', some('issue', 0.5)),
          column('number', () => this.#below(200)),
          column('title', text),
          column('status', anyStatus),
          column('priority', pick(1, 1, 2, 3, 4, null)),
          column('estimate', () => (this.#next() < 0.2 ? null : this.#below(20) / 4)),
          column('cost', pick(0.1, 0.2, 0.7, 19.99, 1e20, null)),
          column('assignee_id', () => (this.#next() < 0.2 ? 'm1' : some('member', 0.2)())),
          column('due_on', dayOrNone),
          column('created_at', moment),
          column('closed_at', () => (this.#next() < 0.6 ? null : moment())),
          column('meta', () => (this.#next() < 0.3 ? null : watchers())),
        ],
      },
      {
        name: 'label',
        key: ['id'],
        size: 8,
        columns: [
          { name: 'id', value: () => `b${++this.#ids}` },
          column('workspace_id', workspace),
          column('name', name),
          column('color', pick('red', 'blue', 'green', null)),
        ],
      },
      {
        name: 'issue_label',
        key: ['issue_id', 'label_id'],
        size: 50,
        columns: [column('issue_id', some('issue')), column('label_id', some('label'))],
      },
      {
        name: 'comment',
        key: ['id'],
        size: 50,
        columns: [
          id('comment'),
          column('issue_id', some('issue')),
          column('author_id', some('member', 0.1)),
          column('body', text),
          column('created_at', moment),
          column('edited', flag),
        ],
      },
      {
        name: 'mention',
        key: ['comment_id', 'member_id'],
        size: 35,
        columns: [column('comment_id', some('comment')), column('member_id', some('member'))],
      },
      {
        name: 'notification',
        key: ['id'],
        size: 40,
        columns: [
          id('notification'),
          column('member_id', () => (this.#next() < 0.3 ? 'm1' : some('member')())),
          column('issue_id', some('issue', 0.1)),
          column('kind', () => (this.#next() < 0.04 ? 'rare' : this.#pick(['comment', 'assigned', 'due']))),
          column('seen', flag),
          column('at', moment),
        ],
      },
      {
        name: 'issue_read',
        key: ['member_id', 'issue_id'],
        size: 45,
        columns: [
          column('member_id', () => (this.#next() < 0.4 ? 'm1' : some('member')())),
          column('issue_id', some('issue')),
          column('read_at', moment),
        ],
      },
      {
        name: 'activity',
        key: ['id'],
        size: 45,
        columns: [
          { name: 'id', value: () => ++this.#ids },
          column('issue_id', some('issue', 0.1)),
          column('member_id', some('member', 0.1)),
          column('kind', pick('opened', 'closed', 'moved')),
          column('at', moment),
          column('amount', pick(0, 8, 9, 12, 20, null)),
          column('value', pick<SqlValue>(1, 2, 2.5, 3, '2', 'x', null, 4)),
          column('data', pick('{"from": 1}', '[]', null)),
        ],
      },
      {
        name: 'scratch',
        key: [],
        size: 15,
        columns: [column('line', text), column('n', pick(1, 2, 3, null))],
      },
      {
        name: 'folder',
        key: ['id'],
        size: 6,
        columns: [id('folder'), column('parent_id', some('folder', 0.5)), column('name', name)],
      },
      {
        name: 'list',
        key: ['id'],
        size: 9,
        replicated: true,
        columns: [
          id('list'),
          column('folder_id', some('folder', 0.2)),
          column('name', name),
          column('position', () => (this.#next() < 0.1 ? null : small())),
          column('archived', () => (this.#next() < 0.2 ? 1 : 0)),
        ],
      },
      {
        name: 'todo',
        key: ['id'],
        size: 50,
        replicated: true,
        columns: [
          id('todo'),
          column('list_id', () => (this.#next() < 0.3 ? 'l1' : some('list', 0.1)())),
          column('parent_id', some('todo', 0.6)),
          column('title', text),
          column('done', flag),
          column('starred', flag),
          column('position', () => (this.#next() < 0.1 ? null : small())),
          column('due_on', dayOrNone),
        ],
      },
      {
        name: 'todo_tag',
        key: ['todo_id', 'tag'],
        size: 35,
        columns: [column('todo_id', some('todo')), column('tag', name)],
      },
    ]
  }

  /** Any table, those with many rows more often. */
  #table(): Table {
    const weight = ({ size }: Table) => size + 10
    let at = this.#next() * this.#tables.reduce((sum, table) => sum + weight(table), 0)
    const found = this.#tables.find((table) => {
      at -= weight(table)
      return at < 0
    })
    return found as Table
  }

  #operation(table: Table): Operation {
    if (this.#next() < 0.03) return this.#accident()
    const [count] = this.#engine.query(`SELECT count(*) FROM ${table.name}`).rows[0] ?? [0]
    const comes = Number(count) < table.size ? 0.5 : 0.25
    const chance = this.#next()
    if (chance < comes) return this.#insert(table)
    if (chance < comes + 0.17) return this.#delete(table)
    return this.#update(table)
  }

  /** A value comes that makes a query fail, or all such values go. */
  #accident(): Operation {
    const some = `(SELECT id FROM activity WHERE kind = 'moved' ORDER BY id LIMIT 1 OFFSET ?)`
    return this.#pick([
      exec(`UPDATE activity SET amount = ${HUGE} WHERE id = ${some}`, this.#below(9)),
      exec(`UPDATE activity SET data = '${MALFORMED}' WHERE id = ${some}`, this.#below(9)),
      exec('UPDATE activity SET amount = 1 WHERE amount > 100'),
      exec('UPDATE activity SET data = NULL WHERE data = ?', MALFORMED),
    ])
  }

  #insert(table: Table): Operation {
    const { name, key } = table
    const row = this.#row(table)
    const chance = this.#next()
    if (key.length === 0 || chance < 0.6) {
      return { type: 'insert', table: name, row }
    }
    const values = this.#someKey(name)
    const again = { ...row, ...Object.fromEntries(key.map((column, i) => [column, values[i] as SqlValue])) }
    const into = `INTO ${name} (${Object.keys(again).join(', ')}) VALUES (${Object.keys(again).map(() => '?')})`
    const parameters = Object.values(again)
    const set = Object.keys(again).filter((column) => !key.includes(column))
    if (set.length === 0 || (chance < 0.8 && !isKept(key, values))) {
      return exec(`INSERT OR REPLACE ${into}`, ...parameters)
    }
    const column = this.#pick(set)
    return exec(
      `INSERT ${into} ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${column} = excluded.${column}`,
      ...parameters,
    )
  }

  #delete(table: Table): Operation {
    const { name, key } = table
    if (key.length === 0) return exec(`DELETE FROM ${name} WHERE n IS ?`, this.#pick([1, 2, 3, null]))
    const values = this.#someKey(name)
    if (isKept(key, values)) return this.#touch(table, values)
    // All links of one thing: several rows go at once.
    if (this.#next() < 0.1 && key.length > 1)
      return exec(`DELETE FROM ${name} WHERE ${key[0]} = ?`, values[0] as SqlValue)
    return { type: 'delete', table: name, key: values }
  }

  #update(table: Table): Operation {
    const { name, key, columns } = table
    const free = columns.filter((column) => !key.includes(column.name))
    const chance = this.#next()
    if (key.length === 0) return exec(`UPDATE ${name} SET n = ? WHERE n IS ?`, this.#below(4), this.#below(4))
    if (free.length === 0 || (chance < 0.06 && table.replicated === undefined)) return this.#rekey(table)
    const column = this.#pick(free)
    if (chance < 0.15) {
      // All rows that have one value get another: a bulk change, small or large.
      const where = this.#pick(free).name
      return exec(
        `UPDATE OR IGNORE ${name} SET ${column.name} = ? WHERE ${where} IS (SELECT ${where} FROM ${name} ORDER BY ${key.join(', ')} LIMIT 1 OFFSET ?)`,
        column.value(),
        this.#below(20),
      )
    }
    const values = this.#someKey(name)
    if (chance < 0.2) return this.#touch(table, values)
    const patch = Object.fromEntries(
      [column, this.#pick(free)].slice(0, 1 + this.#below(2)).map(({ name, value }) => [name, value()]),
    )
    if (chance < 0.9) return { type: 'update', table: name, key: values, patch }
    const set = Object.keys(patch).map((column) => `${column} = ?`)
    return exec(
      `UPDATE OR REPLACE ${name} SET ${set} WHERE ${key.map((column) => `${column} = ?`).join(' AND ')}`,
      ...Object.values(patch),
      ...values,
    )
  }

  /** A row gets another key; one that is taken is replaced, or in the way. */
  #rekey(table: Table): Operation {
    const { name, key, columns } = table
    const column = columns.find((column) => column.name === key.at(-1)) as Column
    const values = this.#someKey(name)
    if (isKept(key, values)) return this.#touch(table, values)
    return exec(
      `UPDATE OR ${this.#pick(['REPLACE', 'IGNORE'])} ${name} SET ${column.name} = ? WHERE ${key.map((column) => `${column} = ?`).join(' AND ')}`,
      column.value(),
      ...values,
    )
  }

  /** An update that changes nothing. */
  #touch({ name, key, columns }: Table, values: readonly SqlValue[]): Operation {
    const column = (columns.at(-1) as Column).name
    return exec(`UPDATE ${name} SET ${column} = ${column} WHERE ${key[0]} = ?`, values[0] as SqlValue)
  }

  #row({ columns }: Table): Record<string, SqlValue> {
    return Object.fromEntries(columns.map(({ name, value }) => [name, value()]))
  }

  /** The key of some row; now and then, and where there is no row, of none. */
  #someKey(name: string): SqlValue[] {
    const key = this.#tables.find((table) => table.name === name)?.key ?? []
    const list = key.join(', ')
    const rows = this.#engine.query(`SELECT ${list} FROM ${name} ORDER BY ${list}`).rows
    if (rows.length === 0 || this.#next() < 0.005) return key.map(() => 'nowhere')
    // Some rows are written often.
    return [...this.#pick(this.#next() < 0.2 ? rows.slice(0, 4) : rows)]
  }

  #below(n: number): number {
    return Math.floor(this.#next() * n)
  }

  #pick<T>(values: readonly T[]): T {
    return values[this.#below(values.length)] as T
  }
}

const exec = (sql: string, ...parameters: SqlValue[]): Operation => ({ type: 'exec', sql, parameters })

/** Whether a row is one of those that stay. In a table of links, none is. */
const isKept = (key: readonly string[], values: readonly SqlValue[]) =>
  key.length === 1 && KEPT.has(values[0] as SqlValue)

const prefix = (table: string) => (table === 'label' ? 'b' : (table[0] as string))
