import type { CreateTriggerStmt, Expr, TriggerCmd } from 'sqlite3-parser'
import { parseStmt } from 'sqlite3-parser'
import type { Database } from '../database/database.ts'
import { type Catalog, findTable, type Table } from './catalog.ts'

/** How an FTS5 table comes by what it answers (sqlite.org/fts5.html, 4.4). */
export interface FullText {
  /** Where the values of its columns are: in a table of its own, nowhere, or in another table or view. */
  readonly content: 'own' | 'none' | { readonly table: string; readonly rowid: string }
  /**
   * The tables from which triggers copy rows into the index, with the columns that they copy: a row of which none of
   * these has changed was taken out and put in as it was. Null where triggers do more than copy, so that what they
   * did cannot be told from what they read.
   */
  readonly copied: ReadonlyMap<Table, ReadonlySet<number>> | null
}

/** In FTS5's order, for it takes the first that begins with what is given. */
const OPTIONS = [
  'prefix',
  'tokenize',
  'content',
  'contentless_delete',
  'content_rowid',
  'columnsize',
  'detail',
]

/** Undefined: of another module. */
export function readFullText(database: Database, catalog: Catalog, table: Table): FullText | undefined {
  const options = optionsOf(String(definitionOf(database, 'table', table.name)))
  if (options === undefined) return undefined
  const name = options.get('content')
  // Of an own table it is of no matter how it is written: what is stored says all.
  if (name === undefined) return { content: 'own', copied: null }
  const content = name === '' ? 'none' : { table: name, rowid: options.get('content_rowid') ?? 'rowid' }
  const replaces = Number(options.get('contentless_delete') ?? 0) !== 0
  return { content, copied: copiedInto(database, catalog, table, replaces) }
}

function definitionOf(database: Database, type: string, name: string) {
  return database.get('SELECT sql FROM sqlite_master WHERE type = ? AND name = ?', [type, name])?.[0]
}

function optionsOf(ddl: string): ReadonlyMap<string, string> | undefined {
  const parsed = parseStmt(ddl)
  if (parsed.status !== 'ok' || parsed.root.type !== 'CreateVirtualTableStmt') return undefined
  const { moduleName, args } = parsed.root
  if (!/^fts5$/i.test(moduleName.text)) return undefined
  const options = new Map<string, string>()
  for (const argument of args ?? []) {
    const [, given, value] = /^\s*(\w+)\s*=\s*(.*?)\s*$/s.exec(argument) ?? []
    const option = OPTIONS.find((name) => given !== undefined && name.startsWith(given.toLowerCase()))
    if (option !== undefined) options.set(option, unquoted(value ?? ''))
  }
  return options
}

function unquoted(text: string): string {
  const end = { "'": "'", '"': '"', '`': '`', '[': ']' }[text.charAt(0)]
  if (end === undefined) return text
  const inner = text.slice(1, -1)
  return end === ']' ? inner : inner.replaceAll(end + end, end)
}

/** A statement of a trigger that takes a row out of the index, or puts it in, as it is in the trigger's table. */
interface Copy {
  readonly takes: boolean
  readonly puts: boolean
  /** Column of the index → column of the trigger's table. In lower case. */
  readonly columns: ReadonlyMap<string, string>
}

function copiedInto(
  database: Database,
  catalog: Catalog,
  table: Table,
  replaces: boolean,
): ReadonlyMap<Table, ReadonlySet<number>> | null {
  const copied = new Map<Table, Set<number>>()
  const updates = new Map<Table, Copy[]>()
  for (const [sql] of database.all(`SELECT sql FROM sqlite_master WHERE type = 'trigger'`)) {
    const trigger = triggerOf(String(sql))
    if (trigger === undefined) {
      if (String(sql).toLowerCase().includes(table.name.toLowerCase())) return null
      continue
    }
    const commands = trigger.commands.filter((command) => isInto(command, table))
    if (commands.length === 0) continue
    const from = findTable(catalog, trigger.tblName.objName.text)
    const copies = commands.flatMap((command) => copyOf(command, table, replaces) ?? [])
    if (from === undefined || copies.length < commands.length || !firesAlways(trigger, copies)) return null
    const columns = copied.get(from) ?? new Set()
    copied.set(from, columns)
    for (const name of copies.flatMap((copy) => [...copy.columns.values()])) {
      const position = from.columns.findIndex((column) => column.name.toLowerCase() === name)
      if (position !== -1) columns.add(position)
    }
    if (/^Update/.test(trigger.event.type)) updates.set(from, [...(updates.get(from) ?? []), ...copies])
  }
  // An update that only puts in would leave the row there twice. Where a row is known by rowid alone, it is replaced.
  return replaces || [...updates.values()].every(takesWhatItPuts) ? copied : null
}

function triggerOf(sql: string): CreateTriggerStmt | undefined {
  const parsed = parseStmt(sql)
  return parsed.status === 'ok' && parsed.root.type === 'CreateTriggerStmt' ? parsed.root : undefined
}

function isInto(command: TriggerCmd, { name }: Table): boolean {
  return (
    command.type !== 'SelectTriggerCmd' && command.tblName.objName.text.toLowerCase() === name.toLowerCase()
  )
}

/** Whether it runs for each row of which something that is copied changes, so that the index is never behind. */
function firesAlways({ event, whenClause }: CreateTriggerStmt, copies: readonly Copy[]): boolean {
  if (whenClause !== undefined) return false
  if (event.type !== 'UpdateOfTriggerEvent') return true
  const named = new Set(event.columns.map(({ text }) => text.toLowerCase()))
  return copies.every(({ columns }) =>
    [...columns].every(([into, from]) => into === 'rowid' || named.has(from)),
  )
}

function takesWhatItPuts(copies: readonly Copy[]): boolean {
  const texts = (part: readonly Copy[]) =>
    part
      .map(({ columns }) =>
        [...columns]
          .map((pair) => pair.join('='))
          .sort()
          .join(),
      )
      .sort()
      .join(';')
  return texts(copies.filter(({ takes }) => takes)) === texts(copies.filter(({ puts }) => puts))
}

/** Undefined: it does something else. `replaces`: of a table whose rows are taken out by rowid (contentless_delete). */
function copyOf(command: TriggerCmd, table: Table, replaces: boolean): Copy | undefined {
  switch (command.type) {
    case 'InsertTriggerCmd': {
      const { colNames, orConflict, select, upsert } = command
      if (colNames === undefined || upsert !== undefined || (orConflict !== undefined && !replaces))
        return undefined
      if (select.select.type !== 'SelectValues' || select.select.values.length !== 1) return undefined
      const values = select.select.values[0]?.values ?? []
      const given = colNames.map(({ text }, i) => [text.toLowerCase(), values[i] as Expr] as const)
      const order = given.find(([name]) => name === table.name.toLowerCase())?.[1]
      const takes = order?.type === 'StringLiteral' && order.value === 'delete'
      if (order !== undefined && !takes) return undefined
      const cells = given.filter(([, value]) => value !== order)
      const columns = copiedFrom(takes ? /^old$/i : /^new$/i, cells)
      return columns && { takes, puts: !takes, columns }
    }
    case 'DeleteTriggerCmd': {
      const row = replaces ? rowOf(command.whereClause) : undefined
      return row && { takes: true, puts: false, columns: row }
    }
    case 'UpdateTriggerCmd': {
      const row = replaces && command.from === undefined ? rowOf(command.whereClause) : undefined
      const cells = command.sets.map(
        ({ colNames, expr }) => [colNames.map(({ text }) => text).join(), expr] as const,
      )
      const columns = copiedFrom(/^new$/i, cells)
      return row && columns && { takes: true, puts: true, columns: new Map([...columns, ...row]) }
    }
    default:
      return undefined
  }
}

/** Undefined unless each cell is a column of that row. */
function copiedFrom(
  row: RegExp,
  cells: readonly (readonly [string, Expr])[],
): Map<string, string> | undefined {
  const columns = new Map<string, string>()
  for (const [name, value] of cells) {
    if (value.type !== 'QualifiedExpr' || !row.test(value.table.text)) return undefined
    columns.set(name.toLowerCase(), value.column.text.toLowerCase())
  }
  return columns
}

/** The column of `rowid = OLD.column`. */
function rowOf(where: Expr | undefined): Map<string, string> | undefined {
  if (where?.type !== 'BinaryExpr' || where.op !== 'Equals' || where.left.type !== 'Id') return undefined
  if (!/^rowid$/i.test(where.left.name)) return undefined
  return copiedFrom(/^(old|new)$/i, [['rowid', where.right]])
}
