import type { SqlValue } from '@millrace/protocol'

export type Strategy = 'restrict' | 'aggregate' | 'window' | 'distinct' | 'rerun'

export interface LiveText {
  readonly name: string
  readonly sql: string
  readonly parameters?: readonly SqlValue[]
  /**
   * What ORDER BY promises: `total` tells every row its place; else the output columns that it sorts by, first things
   * first. Absent: any order is right.
   */
  readonly order?: 'total' | readonly number[]
  /**
   * Where SQLite itself may answer one or the other: which of values that are equal under NOCASE is shown, in which order
   * a list was gathered, which of rows that sort alike are within LIMIT.
   */
  readonly upTo?: 'case' | 'lists' | 'ties'
  /** Some values make it fail, until they are gone. */
  readonly fails?: true
  /** Nothing that the history does can change it. */
  readonly still?: true
}

export interface TableEntry extends LiveText {
  readonly strategy: Strategy
}
