import type { Operation, SqlValue } from '@millrace/protocol'
import fc from 'fast-check'
import type { RandomSchema, RandomTable } from './schema.ts'
import { literal, maybe, oneOf, sql } from './text.ts'

/** One transaction: operations of one write, or statements on a second site whose changes are then merged. */
export type Step =
  | { readonly type: 'write'; readonly operations: readonly Operation[] }
  | { readonly type: 'merge'; readonly statements: readonly string[] }

const CONFLICT = oneOf('', '', 'OR REPLACE ', 'OR IGNORE ', 'OR FAIL ', 'OR ABORT ', 'OR ROLLBACK ')
const value: fc.Arbitrary<SqlValue> = fc.constantFrom<SqlValue>(
  1,
  2,
  0,
  3,
  null,
  'a',
  'A',
  'b',
  1.5,
  'é',
  3e9,
  9007199254740993n,
  new Uint8Array([0x61]),
  new Uint8Array(),
)

function statement(table: RandomTable, other: RandomTable): fc.Arbitrary<string> {
  const { name, columns, key } = table
  const column = oneOf(...columns)
  const free = columns.filter((column) => !table.crr || !key.includes(column))
  const where = maybe(
    fc.oneof(
      sql` WHERE ${column} ${oneOf('=', 'IS', '>', '<>')} ${literal}`,
      sql` WHERE a IN (SELECT ${oneOf('a', 'r')} FROM ${other.name})`,
    ),
  )
  const row = fc.tuple(...columns.map(() => literal)).map((values) => `(${values.join(', ')})`)
  const rows = fc.array(row, { minLength: 1, maxLength: 3 }).map((rows) => rows.join(', '))
  const assign = fc.oneof(
    { arbitrary: sql`${oneOf(...free)} = ${literal}`, weight: 4 },
    sql`a = a + 1`,
    sql`b = upper(b)`,
    sql`a = 3 - a`,
    sql`(a, b) = (${literal}, ${literal})`,
    sql`c = ${oneOf('id', 'b', 'c', 'd')}`,
    ...(table.crr
      ? []
      : [
          sql`id = ${oneOf('id + 1', 'upper(id)', '3 - id', 'lower(id)', 'id * 1.0')}`,
          ...(table.rowid ? [sql`rowid = ${oneOf('1', '2', 'rowid + 1', '7 - rowid')}`] : []),
        ]),
  )
  const conflictColumns = key.length > 0 ? oneOf('', `(${key.join(', ')})`, '(b)', '(a)') : oneOf('', '(b)')
  return fc.oneof(
    { arbitrary: sql`INSERT ${CONFLICT}INTO ${name} (${columns.join(', ')}) VALUES ${rows}`, weight: 6 },
    sql`INSERT ${CONFLICT}INTO ${name} (id, a) VALUES (${literal}, ${literal})`,
    sql`INSERT ${CONFLICT}INTO ${name} DEFAULT VALUES`,
    sql`INSERT INTO ${name} (${columns.join(', ')}) VALUES ${rows} ON CONFLICT ${conflictColumns} DO ${oneOf('NOTHING', 'UPDATE SET a = excluded.a, b = excluded.b', "UPDATE SET c = 'up' WHERE a > 0", 'UPDATE SET a = coalesce(a, 0) + 1')}`,
    sql`INSERT ${CONFLICT}INTO ${name} (${columns.join(', ')}) SELECT ${oneOf("id || 'x'", 'id + 10', 'id')}${columns
      .slice(1)
      .map((column) => `, ${column}`)
      .join('')} FROM ${name} LIMIT 4`,
    sql`INSERT ${CONFLICT}INTO ${name} (id, a, b) SELECT id, a, b FROM ${other.name} LIMIT 4`,
    { arbitrary: sql`UPDATE ${CONFLICT}${name} SET ${assign}${where}`, weight: 5 },
    sql`UPDATE ${CONFLICT}${name} SET ${assign}, d = d + 1${where}`,
    sql`UPDATE ${CONFLICT}${name} SET b = o.b, c = o.a FROM ${other.name} AS o WHERE o.a = ${name}.a`,
    { arbitrary: sql`DELETE FROM ${name}${where}`, weight: 2 },
    sql`DELETE FROM ${name} WHERE ${column} = ${literal} RETURNING *`,
    sql`UPDATE ${name} SET a = a WHERE a > 0`,
  )
}

function operation(table: RandomTable): fc.Arbitrary<Operation> {
  const { name, columns, key } = table
  const free = columns.filter((column) => !table.crr || !key.includes(column))
  const some = (names: readonly string[]) =>
    fc
      .tuple(
        ...names.map((column) =>
          fc.option(value, { nil: undefined }).map((value) => [column, value] as const),
        ),
      )
      .map((entries) =>
        Object.fromEntries(
          entries.filter((entry): entry is readonly [string, SqlValue] => entry[1] !== undefined),
        ),
      )
  const keyValues = fc.tuple(...key.map(() => value))
  return fc.oneof(
    some(columns).map((row): Operation => ({ type: 'insert', table: name, row })),
    fc
      .tuple(keyValues, some(free))
      .map(([key, patch]): Operation => ({ type: 'update', table: name, key, patch })),
    keyValues.map((key): Operation => ({ type: 'delete', table: name, key })),
  )
}

export function historyArbitrary(schema: RandomSchema, maxLength: number): fc.Arbitrary<readonly Step[]> {
  const pair = fc.tuple(fc.constantFrom(...schema.tables), fc.constantFrom(...schema.tables))
  const one: fc.Arbitrary<Operation> = pair.chain(([table, other]) =>
    fc.oneof(
      {
        arbitrary: statement(table, other).map((sql): Operation => ({ type: 'exec', sql, parameters: [] })),
        weight: 5,
      },
      operation(table),
    ),
  )
  // One statement often: of many, one is soon refused, and all are undone.
  const write: fc.Arbitrary<Step> = fc
    .oneof(
      fc.array(one, { minLength: 1, maxLength: 1 }),
      fc.array(one, { minLength: 1, maxLength: 6, size: 'max' }),
    )
    .map((operations) => ({ type: 'write', operations }))
  const replicated = schema.tables.filter((table) => table.crr)
  const merge: fc.Arbitrary<Step> | undefined =
    replicated.length === 0
      ? undefined
      : fc
          .array(
            fc.constantFrom(...replicated).chain((table) => statement(table, table)),
            { minLength: 1, maxLength: 4 },
          )
          .map((statements) => ({ type: 'merge', statements }))
  const step =
    merge === undefined ? write : fc.oneof({ arbitrary: write, weight: 5 }, { arbitrary: merge, weight: 2 })
  return fc.array(step, { minLength: 1, maxLength, size: 'max' })
}
