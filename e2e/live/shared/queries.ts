import { sql } from '@millrace/client'
import type { Todo } from './database.ts'

/** `?order=title` orders by what is typed. */
const byTitle = new URLSearchParams(location.search).get('order') === 'title'

export const EDITED = sql<Todo>`SELECT * FROM todo WHERE id = 'edited'`

export const FIRST_FIVE = byTitle
  ? sql<Todo>`SELECT * FROM todo WHERE done = 0 ORDER BY title, id LIMIT 5`
  : sql<Todo>`SELECT * FROM todo WHERE done = 0 ORDER BY id LIMIT 5`

export const OPEN = sql<Todo>`SELECT * FROM todo WHERE done = 0 ORDER BY id`

export const COUNT = sql<{ n: number }>`SELECT count(*) AS n FROM todo WHERE done = 0`

export const GROUPS = sql<{ list: string; n: number; longest: number }>`
  SELECT list, count(*) AS n, max(length(title)) AS longest FROM todo GROUP BY list ORDER BY list`
