import type { Expr, SideEffect } from '@millrace/protocol'
import { type CreateTriggerStmt, parseStmt, type TriggerCmd } from 'sqlite3-parser'
import { resolve } from '../compile/expression.ts'
import { same, unquote } from '../compile/names.ts'
import type { Database } from '../database/database.ts'
import { type Catalog, findTable, type Table } from './catalog.ts'
import { readForeignKeys } from './foreign-keys.ts'

/*
 * What a write to a table changes in other tables, by triggers and by actions of foreign keys, and what these changes
 * set off in turn. A trigger that cannot be parsed may change every table.
 */

/** A change of rows that a trigger or a foreign key makes. */
interface Action {
  readonly table: string
  readonly event: SideEffect['on']
  /** Of an update: the columns that it sets. Null: any. */
  readonly columns: readonly string[] | null
}

/** A trigger, or one action of a foreign key. */
interface Rule {
  readonly on: SideEffect['on']
  /** Only an update of one of these columns fires it. Null: any. */
  readonly of: readonly string[] | null
  readonly when: Expr | null
  readonly actions: readonly Action[]
}

const EVENTS = ['insert', 'update', 'delete'] as const

/** By table name. */
export function readSideEffects(
  database: Database,
  catalog: Catalog,
): ReadonlyMap<string, readonly SideEffect[]> {
  const rules = new Map<string, Rule[]>()
  for (const [table, rule] of [...triggers(database, catalog), ...foreignKeyActions(database, catalog)]) {
    const ofTable = rules.get(table.name) ?? []
    rules.set(table.name, ofTable)
    ofTable.push(rule)
  }
  const effects = [...rules].map(([name, ofTable]) => {
    const table = findTable(catalog, name) as Table
    return [name, ofTable.flatMap((rule) => effectOf(rule, table, catalog, rules) ?? [])] as const
  })
  return new Map(effects)
}

function effectOf(
  { on, of, when, actions }: Rule,
  table: Table,
  catalog: Catalog,
  rules: ReadonlyMap<string, readonly Rule[]>,
): SideEffect | undefined {
  const tables = changedBy(actions, catalog, rules)
  if (tables.size === 0) return undefined
  const position = (name: string) => table.columns.findIndex((column) => same(column.name, name))
  return { on, of: of?.map(position) ?? null, when, tables: [...tables] }
}

/** The tables that the actions change, and those that change by the rules that the actions fire. */
function changedBy(
  actions: readonly Action[],
  catalog: Catalog,
  rules: ReadonlyMap<string, readonly Rule[]>,
): ReadonlySet<string> {
  const tables = new Set<string>()
  const visited = new Set<string>()
  const queue = [...actions]
  for (let action = queue.pop(); action !== undefined; action = queue.pop()) {
    const { event, columns } = action
    const name = findTable(catalog, action.table)?.name
    const id = JSON.stringify([name, event, columns])
    if (name === undefined || visited.has(id)) continue
    visited.add(id)
    tables.add(name)
    for (const rule of rules.get(name) ?? [])
      if (rule.on === event && mayContain(rule.of, columns)) queue.push(...rule.actions)
  }
  return tables
}

function mayContain(of: readonly string[] | null, columns: readonly string[] | null): boolean {
  return of === null || columns === null || of.some((one) => columns.some((other) => same(one, other)))
}

function triggers(database: Database, catalog: Catalog): (readonly [Table, Rule])[] {
  const all = database.all(
    `SELECT tbl_name, sql FROM sqlite_master WHERE type = 'trigger' AND name NOT LIKE '%\\_\\_crsql\\_%' ESCAPE '\\'`,
  )
  return all.flatMap(([on, sql]) => {
    const table = findTable(catalog, String(on))
    // The triggers of a view: `insert`, `update` and `delete` do not write to views.
    if (table === undefined) return []
    const parsed = parseStmt(String(sql))
    if (parsed.status === 'ok' && parsed.root.type === 'CreateTriggerStmt')
      return [[table, triggerRule(parsed.root, table, catalog)] as const]
    const actions = [...catalog.values()].flatMap(({ name }) => anyChangeOf(name))
    return EVENTS.map((event) => [table, { on: event, of: null, when: null, actions }] as const)
  })
}

function triggerRule(
  { event, whenClause, commands }: CreateTriggerStmt,
  table: Table,
  catalog: Catalog,
): Rule {
  const sources = [
    { table, alias: 'new' },
    { table, alias: 'old' },
  ]
  const scope = { sources, parameters: new Map(), aliases: new Set<string>() }
  const isUpdateOf = event.type === 'UpdateOfTriggerEvent'
  return {
    on: isUpdateOf ? 'update' : (event.type.replace('TriggerEvent', '').toLowerCase() as SideEffect['on']),
    of: isUpdateOf ? event.columns.map(({ text }) => unquote(text)) : null,
    when: whenClause === undefined ? null : resolve(whenClause, scope),
    actions: commands.flatMap((command) => actionsOf(command, catalog)),
  }
}

function actionsOf(command: TriggerCmd, catalog: Catalog): readonly Action[] {
  if (command.type === 'SelectTriggerCmd') return []
  const table = unquote(command.tblName.objName.text)
  if (command.type === 'DeleteTriggerCmd') return [{ table, event: 'delete', columns: null }]
  // REPLACE takes other rows away, and so does a conflict clause of the table.
  if (command.orConflict === 'Replace' || findTable(catalog, table)?.info.replaces) return anyChangeOf(table)
  if (command.type === 'UpdateTriggerCmd') {
    const columns = command.sets.flatMap(({ colNames }) => colNames.map(({ text }) => unquote(text)))
    return [{ table, event: 'update', columns }]
  }
  return command.upsert === undefined ? [{ table, event: 'insert', columns: null }] : anyChangeOf(table)
}

const anyChangeOf = (table: string): readonly Action[] =>
  EVENTS.map((event) => ({ table, event, columns: null }))

function foreignKeyActions(database: Database, catalog: Catalog): (readonly [Table, Rule])[] {
  return readForeignKeys(database, catalog).flatMap(({ child, parent, from, to, onUpdate, onDelete }) => {
    const set: Action = { table: child.name, event: 'update', columns: from }
    const rules: (readonly [Table, Rule])[] = []
    if (changesChild(onUpdate))
      rules.push([parent, { on: 'update', of: to.map(({ name }) => name), when: null, actions: [set] }])
    if (changesChild(onDelete)) {
      const action: Action = onDelete === 'CASCADE' ? { ...set, event: 'delete', columns: null } : set
      rules.push([parent, { on: 'delete', of: null, when: null, actions: [action] }])
    }
    return rules
  })
}

const changesChild = (action: string): boolean => action !== 'NO ACTION' && action !== 'RESTRICT'
