import type { SqlValue } from '@millrace/protocol'
import { type Change, listOf, toggle } from './todos.ts'

/** A live query, and what changes one row that it reads. */
export interface Work {
  readonly sql: string
  readonly parameters: readonly SqlValue[]
  readonly change: Change
}

/** Live queries of one text. */
export interface Family {
  readonly sql: string
  readonly parameters: (i: number) => readonly SqlValue[]
}

const title: Change = { column: 'title', value: (n) => `changed ${n}` }
const points: Change = { column: 'points', value: (n) => 999 + (n % 2) }
const move: Change = { column: 'list', value: (n) => listOf(1 + (n % 2)) }

const first = listOf(0)

/** Of each class one live query, and a change that it must answer. */
export const classes: Record<string, Work> = {
  'a filter': { sql: 'SELECT id, title, done FROM todo WHERE list = ?', parameters: [first], change: toggle },
  'a whole list in order': {
    sql: 'SELECT * FROM todo WHERE list = ? ORDER BY position',
    parameters: [first],
    change: toggle,
  },
  'the first 50 of all': {
    sql: 'SELECT * FROM todo ORDER BY position LIMIT 50',
    parameters: [],
    change: toggle,
  },
  'a join over n:m': {
    sql: `SELECT todo.id, todo.title, tag.name FROM todo
      JOIN todo_tag ON todo_tag.todo = todo.id JOIN tag ON tag.id = todo_tag.tag WHERE todo.list = ?`,
    parameters: [first],
    change: title,
  },
  'counts over a left join': {
    sql: 'SELECT list.id, list.name, count(todo.id) FROM list LEFT JOIN todo ON todo.list = list.id GROUP BY list.id',
    parameters: [],
    change: move,
  },
  EXISTS: {
    sql: 'SELECT id, name FROM list WHERE EXISTS (SELECT 1 FROM todo WHERE todo.list = list.id AND points = 1000)',
    parameters: [],
    change: points,
  },
  'an array per parent': {
    sql: `SELECT list.id, (SELECT coalesce(json_group_array(json_object('id', agg.id, 'title', agg.title)), '[]')
      FROM (SELECT todo.id, todo.title FROM todo WHERE todo.list = list.id ORDER BY todo.position) AS agg) AS todos FROM list`,
    parameters: [],
    change: title,
  },
  'counts by group': {
    sql: 'SELECT owner, count(*) FROM todo WHERE done = 0 GROUP BY owner',
    parameters: [],
    change: toggle,
  },
  'a count with FILTER': {
    sql: 'SELECT count(*), count(*) FILTER (WHERE done = 0) FROM todo',
    parameters: [],
    change: toggle,
  },
  'a sum of integers': {
    sql: 'SELECT owner, sum(points) FROM todo GROUP BY owner',
    parameters: [],
    change: points,
  },
  DISTINCT: { sql: 'SELECT DISTINCT list FROM todo', parameters: [], change: move },
  'the latest of each parent': {
    sql: `SELECT list.id, latest.title FROM list LEFT JOIN todo AS latest
      ON latest.id = (SELECT id FROM todo WHERE todo.list = list.id ORDER BY position DESC LIMIT 1)`,
    parameters: [],
    change: move,
  },
  'UNION ALL of two filters': {
    sql: 'SELECT id, title FROM todo WHERE list = ? UNION ALL SELECT id, title FROM todo WHERE list = ?',
    parameters: [listOf(1), listOf(2)],
    change: title,
  },
}

/** A toggle hits the first of each, or all. */
export const families = {
  'one list each, one hit': {
    sql: 'SELECT id, title, done FROM todo WHERE list = ?',
    parameters: (i) => [listOf(i)],
  },
  'the first 50 of one list each, one hit': {
    sql: 'SELECT * FROM todo WHERE list = ? ORDER BY position LIMIT 50',
    parameters: (i) => [listOf(i)],
  },
  'counts of one list each, one hit': {
    sql: 'SELECT count(*), count(*) FILTER (WHERE done = 0) FROM todo WHERE list = ?',
    parameters: (i) => [listOf(i)],
  },
  'one range each, one hit': {
    sql: 'SELECT id, title, done FROM todo WHERE position >= ? AND position < ?',
    parameters: (i) => [`${String(i * 10).padStart(8, '0')}`, `${String(i * 10 + 10).padStart(8, '0')}`],
  },
  'all hit': {
    sql: 'SELECT id, title, done FROM todo WHERE list = ? AND points > ?',
    parameters: (i) => [first, -1 - i],
  },
} satisfies Record<string, Family>

/** What an app may have open: twenty queries. */
export const mix: readonly (readonly [sql: string, ...parameters: SqlValue[]])[] = [
  ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(
    (i) => ['SELECT * FROM todo WHERE list = ? ORDER BY position', listOf(i)] as const,
  ),
  ['SELECT * FROM todo ORDER BY position LIMIT 50'],
  ['SELECT * FROM todo ORDER BY position DESC LIMIT 50'],
  ['SELECT id, title FROM todo WHERE list = ? ORDER BY position LIMIT 50', listOf(20)],
  ['SELECT id, title FROM todo WHERE done = 0 ORDER BY position LIMIT 50'],
  ['SELECT owner, count(*) FROM todo GROUP BY owner'],
  ['SELECT owner, count(*), sum(points) FROM todo WHERE done = 0 GROUP BY owner'],
  ['SELECT list, count(*) FROM todo GROUP BY list'],
  [
    'SELECT todo.id, todo.title, list.name FROM todo JOIN list ON list.id = todo.list WHERE todo.list = ?',
    listOf(3),
  ],
  ['SELECT id, name FROM list WHERE EXISTS (SELECT 1 FROM todo WHERE todo.list = list.id AND points = 6)'],
  ['SELECT DISTINCT list FROM todo'],
]
