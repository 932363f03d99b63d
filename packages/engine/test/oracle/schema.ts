import fc from 'fast-check'
import { maybe, oneOf, sql } from './text.ts'

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
  readonly crr: boolean
  /** Its rows have a rowid that can be written. */
  readonly rowid: boolean
  readonly statements: readonly string[]
}

export interface RandomSchema {
  readonly tables: readonly RandomTable[]
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

function table(name: string, targets: readonly string[]): fc.Arbitrary<RandomTable> {
  return fc.boolean().chain((crr) => {
    const keys = crr
      ? (['integer', 'text', 'composite', 'without rowid', 'composite without rowid'] as const)
      : KEYS
    const none = fc.constant('')
    return fc
      .record({
        key: fc.constantFrom<Key>(...keys),
        nocase: fc.boolean(),
        generated: fc.constantFrom(
          '',
          ', g INTEGER AS (coalesce(a, 0) + 1)',
          ', g TEXT AS (upper(b)) STORED',
          ', g COLLATE NOCASE AS (b)',
        ),
        rules: crr
          ? none
          : fc.constantFrom(
              '',
              '',
              ' UNIQUE',
              ' UNIQUE ON CONFLICT REPLACE',
              ' CHECK (a < 4)',
              ' UNIQUE ON CONFLICT ROLLBACK',
            ),
        reference:
          crr || targets.length === 0
            ? none
            : sql` REFERENCES ${oneOf(...targets)} ${maybe(oneOf('ON DELETE CASCADE', 'ON DELETE SET NULL', 'ON UPDATE CASCADE ON DELETE CASCADE', 'DEFERRABLE INITIALLY DEFERRED'))}`,
        notNull: fc.constantFrom('', ' NOT NULL DEFAULT 0', " DEFAULT 'none'", ' DEFAULT (1 + 1)'),
        index: fc.constantFrom(
          '',
          '',
          `CREATE INDEX ${name}_i ON ${name} (a, b)`,
          ...(crr
            ? []
            : [
                `CREATE UNIQUE INDEX ${name}_i ON ${name} (b)`,
                `CREATE UNIQUE INDEX ${name}_i ON ${name} (b COLLATE NOCASE)`,
                `CREATE UNIQUE INDEX ${name}_i ON ${name} (b COLLATE RTRIM, a)`,
                `CREATE UNIQUE INDEX ${name}_i ON ${name} (lower(b))`,
                `CREATE UNIQUE INDEX ${name}_i ON ${name} (a) WHERE c IS NOT NULL`,
              ]),
        ),
        trigger: fc.constantFrom(
          '',
          '',
          '',
          `CREATE TRIGGER ${name}_x AFTER INSERT ON ${name} BEGIN UPDATE ${name} SET d = 9 WHERE a IS NEW.a; END`,
          `CREATE TRIGGER ${name}_x BEFORE UPDATE ON ${name} BEGIN DELETE FROM ${name} WHERE a = 3; END`,
          `CREATE TRIGGER ${name}_x AFTER DELETE ON ${name} WHEN OLD.a = 0 BEGIN INSERT OR IGNORE INTO ${name} (id, a) VALUES (OLD.id, 1); END`,
          `CREATE TRIGGER ${name}_x BEFORE INSERT ON ${name} WHEN NEW.a = 2 BEGIN SELECT RAISE(ABORT, 'no two'); END`,
          `CREATE TRIGGER ${name}_x AFTER UPDATE OF b ON ${name} WHEN NEW.b = 'b' BEGIN SELECT RAISE(ROLLBACK, 'no b'); END`,
        ),
      })
      .map(({ key, nocase, generated, rules, reference, notNull, index, trigger }) => {
        const parts = keyParts(key, crr)
        // A reference is to a key of one column that the target has; others are left to fail at CREATE.
        const create = `CREATE TABLE ${name} (${parts.id}, a INTEGER${rules}, b TEXT${nocase ? ' COLLATE NOCASE' : ''}, c${notNull}, d REAL, r${reference}${generated}${parts.tail === '' ? ')' : parts.tail.startsWith(',') ? parts.tail : parts.tail}`
        return {
          name,
          columns: ['id', ...(parts.tail.startsWith(',') ? ['k'] : []), 'a', 'b', 'c', 'd', 'r'],
          key: parts.key,
          crr,
          rowid: !parts.tail.includes('WITHOUT ROWID'),
          statements: [
            create,
            ...(index === '' ? [] : [index]),
            ...(trigger === '' ? [] : [trigger]),
            ...(crr ? [`SELECT crsql_as_crr('${name}')`] : []),
          ],
        }
      })
  })
}

export const schemaArbitrary: fc.Arbitrary<RandomSchema> = table('t0', [])
  .chain((first) => {
    // Replicated tables cannot be referred to; neither can what is not unique.
    const target = !first.crr && first.key.length === 1 ? ['t0'] : []
    return fc.tuple(fc.constant(first), table('t1', target), table('t2', target))
  })
  .map((tables) => {
    const views = [
      'CREATE VIEW v0 AS SELECT id, b, a FROM t0 WHERE a > 0',
      'CREATE VIEW v1 AS SELECT x.id AS id, y.b AS b, y.a AS a FROM t0 x LEFT JOIN t1 y ON y.a = x.a',
    ]
    return {
      tables,
      views: ['v0', 'v1'],
      text: [...tables.flatMap((table) => table.statements), ...views]
        .map((statement) => `${statement};`)
        .join('\n'),
    }
  })
