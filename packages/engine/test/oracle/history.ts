import type { Operation, SqlValue } from '@millrace/protocol'
import fc from 'fast-check'
import type { RandomSchema, RandomTable } from './schema.ts'
import { boundValue, kindOf, literal, literals, maybe, oneOf, sql, type Values } from './text.ts'

/** What happens between two comparisons. */
export type Step =
  /** One transaction. */
  | { readonly type: 'write'; readonly operations: readonly Operation[] }
  /** Writes that are committed together, each under its own savepoint. */
  | { readonly type: 'group'; readonly writes: readonly (readonly Operation[])[] }
  /** Statements on a second site, whose changes are then merged. */
  | { readonly type: 'merge'; readonly statements: readonly string[] }
  /** Every `nth` live query loses its subscriber, and has it again after the operations. */
  | { readonly type: 'rest'; readonly nth: number; readonly operations: readonly Operation[] }

/** How a statement meets what is there already. In long transactions nothing is refused, or little would come of them. */
type Manner = 'any' | 'mild'

const CONFLICT: Record<Manner, fc.Arbitrary<string>> = {
  any: oneOf('', '', '', 'OR REPLACE ', 'OR REPLACE ', 'OR IGNORE ', 'OR FAIL ', 'OR ABORT ', 'OR ROLLBACK '),
  mild: oneOf('OR REPLACE ', 'OR IGNORE ', 'OR IGNORE '),
}

/** The writes of a step on this site. */
export const writesOf = (step: Step): readonly (readonly Operation[])[] =>
  step.type === 'merge' ? [] : step.type === 'group' ? step.writes : [step.operations]

const exec = (sql: string): Operation => ({ type: 'exec', sql, parameters: [] })

/** A literal for a column: one of its own mostly. */
function columnLiteral(column: string, values: Values): fc.Arbitrary<string> {
  const own = fc.constantFrom(...literals(values, kindOf(column)))
  return values === 'all' ? fc.oneof({ arbitrary: own, weight: 5 }, literal) : own
}

const rowOf = (table: RandomTable, values: Values): fc.Arbitrary<string> =>
  fc
    .tuple(
      ...table.columns.map((column) =>
        column === 'r' && table.target !== undefined
          ? sql`(SELECT id FROM ${table.target} LIMIT 1 OFFSET ${oneOf('0', '1', '3', '5')})`
          : columnLiteral(column, values),
      ),
    )
    .map((values) => `(${values.join(', ')})`)

/** SQL text that writes. */
export function statementArbitrary(
  schema: RandomSchema,
  table: RandomTable,
  other: RandomTable,
  manner: Manner,
): fc.Arbitrary<string> {
  const { name, columns, key } = table
  const { values } = schema
  const conflict = CONFLICT[manner]
  const free = columns.filter((column) => !table.crr || !key.includes(column))
  const test = fc
    .constantFrom(...columns, ...key)
    .chain(
      (column) => sql`${column} ${oneOf('=', '=', '=', 'IS', '>', '<>')} ${columnLiteral(column, values)}`,
    )
  const where = fc.oneof(
    { arbitrary: sql` WHERE ${test}`, weight: 16 },
    // Many rows at once, as windows lose them.
    { arbitrary: sql` WHERE id ${oneOf('BETWEEN 1 AND 12', '> 10', 'BETWEEN 5 AND 30')}`, weight: 2 },
    { arbitrary: sql` WHERE a IN (SELECT ${oneOf('a', 'r')} FROM ${other.name})`, weight: 2 },
    fc.constant(''),
  )
  const row = rowOf(table, values)
  const rows = fc.array(row, { minLength: 1, maxLength: 4 }).map((rows) => rows.join(', '))
  const assignOne = fc
    .constantFrom(...free)
    .chain((column) => sql`${column} = ${columnLiteral(column, values)}`)
  const assign = fc.oneof(
    { arbitrary: assignOne, weight: 5 },
    sql`a = a + 1`,
    sql`a = 3 - a`,
    sql`(a, b) = (${columnLiteral('a', values)}, ${columnLiteral('b', values)})`,
    ...(values === 'plain' ? [sql`c = b`] : [sql`b = upper(b)`, sql`c = ${oneOf('id', 'b', 'c', 'd')}`]),
    ...(table.crr
      ? []
      : [
          sql`id = ${oneOf('id + 1', '3 - id', 'id + 7', ...(values === 'plain' ? [] : ['id * 1.0', 'upper(id)', 'lower(id)']))}`,
          ...(table.rowid ? [sql`rowid = ${oneOf('1', '2', 'rowid + 1', '7 - rowid')}`] : []),
        ]),
  )
  const conflictColumns = key.length > 0 ? oneOf('', `(${key.join(', ')})`, '(b)', '(a)') : oneOf('', '(b)')
  const upsertColumns = manner === 'any' ? conflictColumns : oneOf('')
  const all = columns.join(', ')
  return fc.oneof(
    { arbitrary: sql`INSERT ${conflict}INTO ${name} (${all}) VALUES ${rows}`, weight: 8 },
    sql`INSERT ${conflict}INTO ${name} (id, a) VALUES (${columnLiteral('id', values)}, ${columnLiteral('a', values)})`,
    maybe(sql`INSERT ${conflict}INTO ${name} DEFAULT VALUES`).map(
      (text) => text || `DELETE FROM ${name} WHERE 0`,
    ),
    {
      arbitrary: sql`INSERT INTO ${name} (${all}) VALUES ${rows} ON CONFLICT ${upsertColumns} DO ${oneOf('NOTHING', 'UPDATE SET a = excluded.a, b = excluded.b', "UPDATE SET c = 'up' WHERE a > 0", 'UPDATE SET a = coalesce(a, 0) + 1')}`,
      weight: 3,
    },
    sql`INSERT ${conflict}INTO ${name} (${all}) SELECT ${oneOf("id || 'x'", 'id + 10', 'id')}${columns
      .slice(1)
      .map((column) => `, ${column}`)
      .join('')} FROM ${name} LIMIT 4`,
    sql`INSERT ${conflict}INTO ${name} (id, a, b) SELECT id, a, b FROM ${other.name} LIMIT 4`,
    { arbitrary: sql`UPDATE ${conflict}${name} SET ${assign}${where}`, weight: 9 },
    sql`UPDATE ${conflict}${name} SET ${assign}, d = d + 1${where}`,
    sql`UPDATE ${conflict}${name} SET b = o.b, c = o.a FROM ${other.name} AS o WHERE o.a = ${name}.a`,
    { arbitrary: sql`DELETE FROM ${name}${where}`, weight: 4 },
    sql`DELETE FROM ${name} WHERE ${test} RETURNING *`,
    sql`UPDATE ${name} SET a = a WHERE a > 0`,
  )
}

/** A write that names its row, or inserts one. */
export function operationArbitrary({ values }: RandomSchema, table: RandomTable): fc.Arbitrary<Operation> {
  const { name, columns, key } = table
  const free = columns.filter((column) => !table.crr || !key.includes(column))
  const value = (column: string): fc.Arbitrary<SqlValue> => columnLiteral(column, values).map(boundValue)
  const some = (names: readonly string[]) =>
    fc
      .tuple(
        ...names.map((column) =>
          fc.option(value(column), { nil: undefined }).map((value) => [column, value] as const),
        ),
      )
      .map((entries) =>
        Object.fromEntries(
          entries.filter((entry): entry is readonly [string, SqlValue] => entry[1] !== undefined),
        ),
      )
  const keyValues = fc.tuple(...key.map(value))
  return fc.oneof(
    some(columns).map((row): Operation => ({ type: 'insert', table: name, row })),
    fc
      .tuple(keyValues, some(free))
      .map(([key, patch]): Operation => ({ type: 'update', table: name, key, patch })),
    keyValues.map((key): Operation => ({ type: 'delete', table: name, key })),
  )
}

/**
 * Rows to begin with: none, some, enough that groups have size, or more than is held of a window, so that it runs out.
 * A write for each few.
 */
export function fillArbitrary(schema: RandomSchema): fc.Arbitrary<readonly Step[]> {
  const ofTable = (table: RandomTable): fc.Arbitrary<readonly Step[]> =>
    fc
      .oneof(
        { arbitrary: fc.integer({ min: 10, max: 25 }), weight: 10 },
        { arbitrary: fc.integer({ min: 40, max: 60 }), weight: 1 },
        { arbitrary: fc.integer({ min: 0, max: 7 }), weight: 2 },
      )
      .chain((size) =>
        fc.array(rowOf(table, schema.values), { minLength: size, maxLength: size, size: 'max' }),
      )
      .map((rows) => {
        // Ids one after the other, or most rows would have one that is there.
        const operations = rows.map((row, i) =>
          exec(
            `INSERT OR IGNORE INTO ${table.name} (${table.columns.join(', ')}) VALUES ${row.replace(/^\([^,]*/, `(${i + 1}`)}`,
          ),
        )
        const chunks: Step[] = []
        for (let at = 0; at < operations.length; at += 6)
          chunks.push({ type: 'write', operations: operations.slice(at, at + 6) })
        return chunks
      })
  return fc.tuple(...schema.tables.map(ofTable)).map((steps) => steps.flat())
}

/** An integer overflow: SQLite finds it when the statement runs, and all that the write did before is undone. */
const refusal = (table: RandomTable) =>
  exec(`INSERT INTO ${table.name} (id) VALUES (abs(-9223372036854775807 - 1))`)

export function historyArbitrary(schema: RandomSchema, maxLength: number): fc.Arbitrary<readonly Step[]> {
  const pair = fc.tuple(fc.constantFrom(...schema.tables), fc.constantFrom(...schema.tables))
  const one = (manner: Manner): fc.Arbitrary<Operation> =>
    pair.chain(([table, other]) =>
      fc.oneof(
        { arbitrary: statementArbitrary(schema, table, other, manner).map(exec), weight: 6 },
        ...(manner === 'any' ? [operationArbitrary(schema, table)] : []),
      ),
    )
  const several = (manner: Manner, least: number, most: number) =>
    fc.array(one(manner), { minLength: least, maxLength: most, size: 'max' })
  const refused = fc
    .tuple(several('mild', 1, 4), fc.constantFrom(...schema.tables))
    .map(([operations, table]) => [...operations, refusal(table)])
  // One statement often: of many, one is soon refused, and all are undone.
  const operations = fc.oneof(
    { arbitrary: several('any', 1, 1), weight: 10 },
    { arbitrary: several('any', 2, 6), weight: 3 },
    { arbitrary: several('mild', 2, 6), weight: 4 },
    { arbitrary: several('mild', 7, 20), weight: 3 },
    { arbitrary: refused, weight: 1 },
  )
  const write = operations.map((operations): Step => ({ type: 'write', operations }))
  const group = fc
    .array(operations, { minLength: 2, maxLength: 4, size: 'max' })
    .map((writes): Step => ({ type: 'group', writes }))
  const rest = fc
    .tuple(fc.integer({ min: 1, max: 3 }), operations)
    .map(([nth, operations]): Step => ({ type: 'rest', nth, operations }))
  const replicated = schema.tables.filter((table) => table.crr)
  const statements = fc.array(
    fc
      .constantFrom(...(replicated.length > 0 ? replicated : schema.tables))
      .chain((table) => statementArbitrary(schema, table, table, 'mild')),
    { minLength: 1, maxLength: 5 },
  )
  const merge = statements.map((statements): Step => ({ type: 'merge', statements }))
  const step = fc.oneof(
    { arbitrary: write, weight: 16 },
    { arbitrary: group, weight: 2 },
    { arbitrary: rest, weight: 1 },
    { arbitrary: merge, weight: replicated.length > 0 ? 5 : 0 },
  )
  return fc.array(step, { minLength: 1, maxLength, size: 'max' })
}
