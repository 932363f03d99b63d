import { MillraceError, type Operation, type SqlValue, type TableInfo } from '@millrace/protocol'
import { addDefaults } from './defaults.ts'
import { targetOf } from './exec-plans.ts'
import { ownValue } from './own-value.ts'
import { columnAt } from './table.ts'
import type { Key } from './types.ts'

/** Makes operations of what users give, checked against the schema, so that mistakes are met where they are made. */
export class Operations {
  /** By lower-case name: SQLite's names know no case. */
  readonly #tables: ReadonlyMap<string, TableInfo>
  /** As most write them. */
  readonly #byName: ReadonlyMap<string, TableInfo>

  constructor(tables: readonly TableInfo[]) {
    this.#tables = new Map(tables.map((table) => [table.name.toLowerCase(), table]))
    this.#byName = new Map(tables.map((table) => [table.name, table]))
  }

  /** @throws MillraceError `SCHEMA_MISMATCH` */
  table(name: string): TableInfo {
    const table = this.#byName.get(name) ?? this.#tables.get(String(name).toLowerCase())
    if (table !== undefined) return table
    const known = [...this.#tables.values()].map((other) => other.name).join(', ')
    throw new MillraceError(
      'SCHEMA_MISMATCH',
      `There is no table ${name}. The schema has: ${known || 'no tables'}.`,
    )
  }

  find(name: string): TableInfo | undefined {
    return this.#byName.get(name) ?? this.#tables.get(name.toLowerCase())
  }

  /** The table that SQL text writes to; all of them where it may be any, by a view. */
  writtenBy(sql: string): readonly string[] {
    const table = this.find(targetOf(sql) ?? '')
    return table === undefined ? [...this.#byName.keys()] : [table.name]
  }

  insert(name: string, row: object): Operation {
    const table = this.table(name)
    const columns = columnsOf(table, row)
    addDefaults(table, columns)
    return { type: 'insert', table: table.name, row: columns }
  }

  update(name: string, key: Key, patch: object): Operation {
    const table = this.table(name)
    return { type: 'update', table: table.name, key: keyOf(table, key), patch: columnsOf(table, patch) }
  }

  delete(name: string, key: Key): Operation {
    const table = this.table(name)
    return { type: 'delete', table: table.name, key: keyOf(table, key) }
  }
}

/** Names as the schema writes them, values as SQLite holds them; undefined columns are left out. */
function columnsOf(table: TableInfo, given: object): Record<string, SqlValue> {
  if (typeof given !== 'object' || given === null) {
    throw new MillraceError(
      'SCHEMA_MISMATCH',
      `A row of ${table.name} was expected as an object by column, but ${String(given)} was given.`,
    )
  }
  const columns: Record<string, SqlValue> = {}
  for (const name of Object.keys(given)) {
    const value: unknown = (given as Record<string, unknown>)[name]
    const at =
      columnAt(table, name) ??
      table.columns.findIndex((known) => known.name.toLowerCase() === name.toLowerCase())
    const column = table.columns[at]
    if (column === undefined) {
      throw new MillraceError(
        'SCHEMA_MISMATCH',
        `The table ${table.name} has no column ${name}. It has: ${table.columns.map((known) => known.name).join(', ')}.`,
      )
    }
    if (column.generated) {
      throw new MillraceError(
        'SCHEMA_MISMATCH',
        `The column ${name} of ${table.name} is generated, and cannot be written.`,
      )
    }
    if (value !== undefined) columns[column.name] = ownValue(value, `${table.name}.${column.name}`)
  }
  return columns
}

function keyOf(table: TableInfo, key: Key): SqlValue[] {
  const names = table.key.map((column) => table.columns[column]?.name ?? '')
  if (names.length === 0) {
    throw new MillraceError(
      'SCHEMA_MISMATCH',
      `Rows of ${table.name} cannot be named by a key, for it has no primary key that is never NULL: declare one, or use exec with a WHERE of your own.`,
    )
  }
  let values: readonly unknown[]
  if (Array.isArray(key)) values = key
  else if (
    typeof key === 'object' &&
    key !== null &&
    !(key instanceof Uint8Array) &&
    !(key instanceof Date)
  ) {
    values = names.map((name) => (key as Record<string, unknown>)[name])
  } else values = [key]
  if (values.length !== names.length) {
    throw new MillraceError(
      'SCHEMA_MISMATCH',
      `The key of ${table.name} has ${names.length} column${names.length === 1 ? '' : 's'} (${names.join(', ')}), but ${values.length} value${values.length === 1 ? ' was' : 's were'} given.`,
    )
  }
  return values.map((value, i) => ownValue(value, `the key ${table.name}.${names[i]}`))
}
