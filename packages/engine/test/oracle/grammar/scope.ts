import type { SqlValue } from '@millrace/protocol'
import type { Dice } from '../dice.ts'
import { type Fragment, part } from '../fragment.ts'
import type { RandomSchema, RandomTable } from '../schema.ts'
import { boundValue, type Kind, kindOf, literals } from '../text.ts'

export interface Column {
  readonly name: string
  readonly kind: Kind
}

/** A table, view, derived table or CTE of FROM under the name by which the query knows it. */
export interface Source {
  readonly alias: string
  readonly columns: readonly Column[]
  /** The base table that it is, where it is one. */
  readonly table: RandomTable | undefined
  /** The one column that no two of its rows share, where there is one. */
  readonly unique: string | undefined
  /** Terms that put its rows into one order, but for rows that are alike. */
  readonly total: readonly string[]
  /** Rows of it may be missing: it stands on the weak side of an outer join. */
  readonly weak: boolean
  /** Its columns can be named without it. */
  readonly bare: boolean
}

/** A query in the making: where the dice are, and what must be remembered across its parts. */
export class Writer {
  readonly dice: Dice
  readonly schema: RandomSchema
  /** Literals that could be parameters, often are. */
  readonly parametric: boolean
  readonly ctes: { readonly text: Fragment; readonly name: string; readonly columns: readonly Column[] }[] =
    []

  /** See RandomQuery. */
  spelling = false
  unordered = false
  incremental = true
  readonly #quoted: boolean
  #names = 0

  constructor(dice: Dice, schema: RandomSchema) {
    this.dice = dice
    this.schema = schema
    this.parametric = dice.chance(30)
    // As Drizzle and Kysely write.
    this.#quoted = dice.chance(20)
  }

  name(name: string): string {
    return this.#quoted ? `"${name}"` : name
  }

  /** A name that nothing in this query has. */
  fresh(prefix: string): string {
    return `${prefix}${this.#names++}`
  }

  table(): RandomTable {
    return this.dice.pick(this.schema.tables)
  }

  /** What depends on how equal values are spelled: closed only where all are spelled alike. */
  dependsOnSpelling(): void {
    if (this.schema.values !== 'plain') this.spelling = true
  }

  ref(source: Source, column: string): string {
    return source.bare ? this.name(column) : `${this.name(source.alias)}.${this.name(column)}`
  }

  /** Mostly keys, numbers and names, as in applications. */
  column(source: Source): Column {
    const likely = source.columns.filter(({ kind }) => kind !== 'any' && kind !== 'real')
    return this.dice.pick(likely.length > 0 && this.dice.chance(70) ? likely : source.columns)
  }

  columnRef(source: Source): string {
    return this.ref(source, this.column(source).name)
  }

  literal(kind: Kind): string {
    return this.dice.pick(literals(this.schema.values, kind))
  }

  /** A literal, or a parameter. */
  value(kind: Kind): Fragment {
    return this.parametric && this.dice.chance(60) ? this.parameter(kind) : this.literal(kind)
  }

  parameter(kind: Kind): Fragment {
    return this.bound(literals(this.schema.values, kind).map(boundValue))
  }

  bound(among: readonly SqlValue[]): Fragment {
    return { type: 'parameter', value: this.dice.pick(among), among }
  }

  /** A base table under an alias. */
  base(table: RandomTable, alias: string): Source {
    const columns = table.columns.map((name) => ({ name, kind: kindOf(name) }))
    return {
      alias,
      table,
      columns,
      unique: table.unique.length === 1 ? table.unique[0] : undefined,
      total: table.unique.length > 0 ? table.unique : exactly(columns),
      weak: false,
      bare: false,
    }
  }

  /** `a, b DESC` that leaves no two different rows of the source in doubt. */
  totalOrder(source: Source): Fragment {
    const { dice } = this
    const terms = source.total.map((term) => this.#term(source, term))
    if (dice.chance(60))
      terms.unshift(`${this.columnRef(source)}${dice.pick(['', '', ' DESC', ' NULLS LAST'])}`)
    return part` ORDER BY ${terms.join(', ')}`
  }

  #term(source: Source, term: string): string {
    const [, open = '', name = '', close = ''] = /^(typeof\()?(\w+)(\)| COLLATE BINARY)?$/.exec(term) ?? []
    return `${open}${this.ref(source, name)}${close}`
  }
}

/** Terms that tell all values apart, 'a' and 'A', 1 and 1.0. */
export const exactly = (columns: readonly Column[]): string[] =>
  columns.flatMap(({ name }) => [`${name} COLLATE BINARY`, `typeof(${name})`])

/** As seen from inside a subquery. */
export const outer = (scope: readonly Source[]): readonly Source[] =>
  scope.map((source) => ({ ...source, bare: false }))
