import fc from 'fast-check'
import { maybe, oneOf, sql, type Values } from './text.ts'

/** How the rows of a table are told apart. */
const KEYS = [
  'integer',
  'text',
  'nocase',
  'untyped',
  'composite',
  'without rowid',
  'composite without rowid',
  'nullable',
  'descending',
  'none',
] as const
type Key = (typeof KEYS)[number]

export interface RandomTable {
  readonly name: string
  /** Columns that a statement may write; all tables have id, a, b, c, d and r. */
  readonly columns: readonly string[]
  readonly key: readonly string[]
  /** Columns that no two rows share and that are never all NULL: the key, where it is one that forbids NULL. */
  readonly unique: readonly string[]
  readonly crr: boolean
  /** Its rows have a rowid that can be written. */
  readonly rowid: boolean
  /** The table whose keys `r` must hold. */
  readonly target: string | undefined
  /** `*` has a column more, which no statement may write. */
  readonly generated: boolean
  readonly statements: readonly string[]
}

export interface RandomSchema {
  readonly tables: readonly RandomTable[]
  readonly values: Values
  /** Views over one table or two, with columns id and b. */
  readonly views: readonly string[]
  readonly text: string
}

function keyParts(key: Key, crr: boolean): { id: string; tail: string; key: string[] } {
  const notNull = crr ? ' NOT NULL' : ''
  switch (key) {
    case 'integer':
      return { id: `id INTEGER PRIMARY KEY${notNull}`, tail: '', key: ['id'] }
    case 'text':
      return { id: 'id TEXT PRIMARY KEY NOT NULL', tail: '', key: ['id'] }
    case 'nocase':
      return { id: 'id TEXT COLLATE NOCASE PRIMARY KEY NOT NULL', tail: '', key: ['id'] }
    case 'untyped':
      return { id: 'id PRIMARY KEY NOT NULL', tail: '', key: ['id'] }
    case 'composite':
      return {
        id: 'id TEXT NOT NULL',
        tail: ', k INTEGER NOT NULL DEFAULT 1, PRIMARY KEY (id, k))',
        key: ['id', 'k'],
      }
    case 'without rowid':
      return { id: 'id TEXT NOT NULL PRIMARY KEY', tail: ') WITHOUT ROWID', key: ['id'] }
    case 'composite without rowid':
      return {
        id: 'id NOT NULL',
        tail: `, k TEXT ${crr ? '' : 'COLLATE NOCASE '}NOT NULL DEFAULT 'k', PRIMARY KEY (k, id)) WITHOUT ROWID`,
        key: ['k', 'id'],
      }
    case 'nullable':
      return { id: 'id TEXT PRIMARY KEY', tail: '', key: ['id'] }
    case 'descending':
      return { id: 'id INTEGER PRIMARY KEY DESC', tail: '', key: ['id'] }
    case 'none':
      return { id: 'id INTEGER', tail: '', key: [] }
  }
}

/** As often as its weight says. */
const weighted = (...choices: readonly (readonly [weight: number, text: string])[]) =>
  fc.oneof(...choices.map(([weight, text]) => ({ weight, arbitrary: fc.constant(text) })))

/** What applications index: references mostly. Strategies choose by what is indexed. */
const INDEXED = [
  'r',
  'r, a',
  'a',
  'b',
  'a, d',
  'd DESC',
  'c',
  'b COLLATE NOCASE',
  'lower(b)',
  'r, d',
] as const

function indexes(name: string): fc.Arbitrary<readonly string[]> {
  return fc
    .record({ reference: weighted([60, 'r'], [40, '']), more: fc.subarray([...INDEXED], { maxLength: 2 }) })
    .map(({ reference, more }) =>
      [...new Set([...(reference === '' ? [] : [reference]), ...more])].map(
        (columns, i) => `CREATE INDEX ${name}_j${i} ON ${name} (${columns})`,
      ),
    )
}

function table(name: string, targets: readonly string[], isCalm: boolean): fc.Arbitrary<RandomTable> {
  return fc.boolean().chain((crr) => {
    const keys = crr
      ? (['integer', 'text', 'composite', 'without rowid', 'composite without rowid'] as const)
      : KEYS
    const none = fc.constant('')
    return fc
      .record({
        key: fc.constantFrom<Key>(...keys),
        nocase: fc.boolean(),
        generated: isCalm
          ? none
          : fc.constantFrom(
              '',
              ', g INTEGER AS (coalesce(a, 0) + 1)',
              ', g TEXT AS (upper(b)) STORED',
              ', g COLLATE NOCASE AS (b)',
            ),
        rules: crr
          ? none
          : weighted(
              [80, ''],
              [4, ' UNIQUE'],
              [4, ' UNIQUE ON CONFLICT REPLACE'],
              [8, ' CHECK (a < 4)'],
              [4, ' UNIQUE ON CONFLICT ROLLBACK'],
            ),
        reference:
          crr || targets.length === 0
            ? none
            : fc.oneof(
                none,
                sql` REFERENCES ${oneOf(...targets)} ${maybe(oneOf('ON DELETE CASCADE', 'ON DELETE SET NULL', 'ON UPDATE CASCADE ON DELETE CASCADE', 'DEFERRABLE INITIALLY DEFERRED'))}`,
              ),
        notNull: fc.constantFrom('', ' NOT NULL DEFAULT 0', " DEFAULT 'none'", ' DEFAULT (1 + 1)'),
        index: weighted(
          [80, ''],
          ...(crr
            ? []
            : ([
                [3, `CREATE UNIQUE INDEX ${name}_i ON ${name} (b)`],
                [3, `CREATE UNIQUE INDEX ${name}_i ON ${name} (b COLLATE NOCASE)`],
                [4, `CREATE UNIQUE INDEX ${name}_i ON ${name} (b COLLATE RTRIM, a)`],
                [3, `CREATE UNIQUE INDEX ${name}_i ON ${name} (lower(b))`],
                [4, `CREATE UNIQUE INDEX ${name}_i ON ${name} (a) WHERE c IS NOT NULL`],
              ] as const)),
        ),
        indexes: indexes(name),
        // None deletes the very row that is being updated before it is: SQLite calls the result undefined, and spoils an index.
        trigger: weighted(
          [75, ''],
          ...(isCalm
            ? []
            : ([
                [
                  5,
                  `CREATE TRIGGER ${name}_x AFTER INSERT ON ${name} BEGIN UPDATE ${name} SET d = 9 WHERE a IS NEW.a; END`,
                ],
                [
                  5,
                  `CREATE TRIGGER ${name}_x BEFORE UPDATE ON ${name} WHEN OLD.a IS NOT 3 BEGIN DELETE FROM ${name} WHERE a = 3; END`,
                ],
                [
                  5,
                  `CREATE TRIGGER ${name}_x AFTER DELETE ON ${name} WHEN OLD.a = 0 BEGIN INSERT OR IGNORE INTO ${name} (id, a) VALUES (OLD.id, 1); END`,
                ],
                [
                  5,
                  `CREATE TRIGGER ${name}_x BEFORE INSERT ON ${name} WHEN NEW.a = 2 BEGIN SELECT RAISE(ABORT, 'no two'); END`,
                ],
                [
                  5,
                  `CREATE TRIGGER ${name}_x AFTER UPDATE OF b ON ${name} WHEN NEW.b = 'b' BEGIN SELECT RAISE(ROLLBACK, 'no b'); END`,
                ],
              ] as const)),
        ),
      })
      .map(({ key, nocase, generated, rules, reference, notNull, index, indexes, trigger }) => {
        const parts = keyParts(key, crr)
        // A reference is to a key of one column that the target has; others are left to fail at CREATE.
        const create = `CREATE TABLE ${name} (${parts.id}, a INTEGER${rules}, b TEXT${nocase ? ' COLLATE NOCASE' : ''}, c${notNull}, d REAL, r${reference}${generated}${parts.tail === '' ? ')' : parts.tail}`
        return {
          name,
          columns: ['id', ...(parts.tail.startsWith(',') ? ['k'] : []), 'a', 'b', 'c', 'd', 'r'],
          key: parts.key,
          // SQLite lets NULL into a key that does not forbid it, unless it is the rowid.
          unique: key === 'nullable' || key === 'descending' ? [] : parts.key,
          crr,
          rowid: !parts.tail.includes('WITHOUT ROWID'),
          generated: generated !== '',
          target: /REFERENCES (\w+)/.exec(reference)?.[1],
          statements: [
            create,
            ...(index === '' ? [] : [index]),
            ...indexes,
            ...(trigger === '' ? [] : [trigger]),
            ...(crr ? [`SELECT crsql_as_crr('${name}')`] : []),
          ],
        }
      })
  })
}

/** `isCalm`: no triggers and no generated columns, so that what a write does is what it says. */
const schemas = (isCalm: boolean): fc.Arbitrary<RandomSchema> =>
  table('t0', [], isCalm)
    .chain((first) => {
      // Replicated tables cannot be referred to; neither can what is not unique.
      const target = !first.crr && first.key.length === 1 ? ['t0'] : []
      const rest = ['t1', 't2', 't3'].map((name) => table(name, target, isCalm))
      const values = weighted([60, 'plain'], [20, 'spelled'], [20, 'all']) as fc.Arbitrary<Values>
      return fc.tuple(values, fc.tuple(fc.constant(first), ...rest))
    })
    .map(([values, tables]) => {
      const views = [
        'CREATE VIEW v0 AS SELECT id, b, a FROM t0 WHERE a > 0',
        'CREATE VIEW v1 AS SELECT x.id AS id, y.b AS b, y.a AS a FROM t0 x LEFT JOIN t1 y ON y.a = x.a',
        'CREATE VIEW v2 AS SELECT id, b, a FROM t2 WHERE EXISTS (SELECT 1 FROM t3 WHERE t3.r = t2.id)',
      ]
      return {
        tables,
        values,
        views: ['v0', 'v1', 'v2'],
        text: [...tables.flatMap((table) => table.statements), ...views]
          .map((statement) => `${statement};`)
          .join('\n'),
      }
    })

export const schemaArbitrary = schemas(false)
export const calmSchemaArbitrary = schemas(true)
