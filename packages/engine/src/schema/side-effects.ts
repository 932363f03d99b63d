import type { Expr, SideEffect } from '@millrace/protocol'
import { type CreateTriggerStmt, parseStmt, type TriggerCmd } from 'sqlite3-parser'
import { resolve } from '../compile/expression.ts'
import { same, unquote } from '../compile/names.ts'
import type { Database } from '../database/database.ts'
import { type Catalog, findTable, type Table } from './catalog.ts'

/*
 * What a write to a table changes in others, by triggers and by foreign keys, and what that changes in turn. Of what is not
 * understood everything is expected.
 */

type Event = 'insert' | 'update' | 'delete'

/** A kind of change of a table's rows; of an update the columns, null where any may change. */
interface Does {
  readonly table: string
  readonly event: Event
  readonly columns: readonly string[] | null
}

interface Rule {
  readonly on: Event
  /** Only where one of these columns is updated; null: any. */
  readonly of: readonly string[] | null
  readonly when: Expr | null
  readonly does: readonly Does[]
}

const EVENTS: readonly Event[] = ['insert', 'update', 'delete']

/** By table. */
export function readSideEffects(
  database: Database,
  catalog: Catalog,
): ReadonlyMap<string, readonly SideEffect[]> {
  const rules = new Map<string, Rule[]>()
  const add = (table: Table, rule: Rule) => rules.set(table.name, [...(rules.get(table.name) ?? []), rule])
  addTriggers(database, catalog, add)
  addForeignKeys(database, catalog, add)
  const effects = [...rules].map(([name, all]) => {
    const table = findTable(catalog, name) as Table
    return [name, all.flatMap((rule) => effectOf(rule, table, catalog, rules) ?? [])] as const
  })
  return new Map(effects)
}

function effectOf(
  { on, of, when, does }: Rule,
  table: Table,
  catalog: Catalog,
  rules: ReadonlyMap<string, readonly Rule[]>,
): SideEffect | undefined {
  const tables = reachedBy(does, catalog, rules)
  if (tables.size === 0) return undefined
  const position = (name: string) => table.columns.findIndex((column) => same(column.name, name))
  return { on, of: of?.map(position) ?? null, when, tables: [...tables] }
}

/** The tables that change, also by rules that the changes set off. */
function reachedBy(
  does: readonly Does[],
  catalog: Catalog,
  rules: ReadonlyMap<string, readonly Rule[]>,
): ReadonlySet<string> {
  const tables = new Set<string>()
  const seen = new Set<string>()
  const rest = [...does]
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    const { event, columns } = next
    const name = findTable(catalog, next.table)?.name
    const key = JSON.stringify([name, event, columns])
    if (name === undefined || seen.has(key)) continue
    seen.add(key)
    tables.add(name)
    for (const rule of rules.get(name) ?? []) {
      const isSetOff =
        rule.on === event &&
        (rule.of === null ||
          columns === null ||
          rule.of.some((one) => columns.some((other) => same(one, other))))
      if (isSetOff) rest.push(...rule.does)
    }
  }
  return tables
}

function addTriggers(database: Database, catalog: Catalog, add: (table: Table, rule: Rule) => void): void {
  for (const [of, sql] of database.all(
    `SELECT tbl_name, sql FROM sqlite_master WHERE type = 'trigger' AND name NOT LIKE '%\\_\\_crsql\\_%' ESCAPE '\\'`,
  )) {
    const table = findTable(catalog, String(of))
    // Of a view nobody writes rows by key.
    if (table === undefined) continue
    const parsed = parseStmt(String(sql))
    if (parsed.status === 'ok' && parsed.root.type === 'CreateTriggerStmt') {
      add(table, ruleOf(parsed.root, table, catalog))
      continue
    }
    const does = [...catalog.values()].flatMap(({ name }) => everythingTo(name))
    for (const on of EVENTS) add(table, { on, of: null, when: null, does })
  }
}

function ruleOf({ event, whenClause, commands }: CreateTriggerStmt, table: Table, catalog: Catalog): Rule {
  const sources = [
    { table, alias: 'new' },
    { table, alias: 'old' },
  ]
  const scope = { sources, parameters: new Map(), aliases: new Set<string>() }
  return {
    on:
      event.type === 'InsertTriggerEvent'
        ? 'insert'
        : event.type === 'DeleteTriggerEvent'
          ? 'delete'
          : 'update',
    of: event.type === 'UpdateOfTriggerEvent' ? [...event.columns].map(({ text }) => unquote(text)) : null,
    when: whenClause === undefined ? null : resolve(whenClause, scope),
    does: commands.flatMap((command) => changesBy(command, catalog)),
  }
}

function changesBy(command: TriggerCmd, catalog: Catalog): readonly Does[] {
  if (command.type === 'SelectTriggerCmd') return []
  const table = unquote(command.tblName.objName.text)
  switch (command.type) {
    case 'DeleteTriggerCmd':
      return [{ table, event: 'delete', columns: null }]
    case 'UpdateTriggerCmd': {
      if (command.orConflict === 'Replace') return everythingTo(table)
      const columns = command.sets.flatMap(({ colNames }) => colNames.map(({ text }) => unquote(text)))
      return [{ table, event: 'update', columns }]
    }
    case 'InsertTriggerCmd': {
      const isPlain =
        command.orConflict !== 'Replace' &&
        command.upsert === undefined &&
        findTable(catalog, table)?.info.replaces !== true
      return isPlain ? [{ table, event: 'insert', columns: null }] : everythingTo(table)
    }
  }
}

const everythingTo = (table: string): readonly Does[] =>
  EVENTS.map((event) => ({ table, event, columns: null }))

function addForeignKeys(database: Database, catalog: Catalog, add: (table: Table, rule: Rule) => void): void {
  for (const child of catalog.values()) {
    for (const [of, from, to, onUpdate, onDelete] of database.all(
      'SELECT "table", "from", "to", on_update, on_delete FROM pragma_foreign_key_list(?)',
      [child.name],
    )) {
      const parent = findTable(catalog, String(of))
      if (parent === undefined) continue
      const columns = [String(from)]
      const set: Does = { table: child.name, event: 'update', columns }
      if (acts(onDelete)) {
        const does = onDelete === 'CASCADE' ? { ...set, event: 'delete' as const, columns: null } : set
        add(parent, { on: 'delete', of: null, when: null, does: [does] })
      }
      // Without a name it is of the key.
      const named = to === null ? parent.info.key.map((at) => parent.columns[at]?.name ?? '') : [String(to)]
      if (acts(onUpdate)) add(parent, { on: 'update', of: named, when: null, does: [set] })
    }
  }
}

const acts = (action: unknown): boolean => action !== 'NO ACTION' && action !== 'RESTRICT'
