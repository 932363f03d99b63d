import type { TableEntry } from './query.ts'

/** What no strategy but the last can keep: see docs/architecture.md. */
const TEXTS: readonly Omit<TableEntry, 'strategy'>[] = [
  {
    name: 'a number for each row',
    sql: 'SELECT id, row_number() OVER (PARTITION BY project_id ORDER BY created_at, id) AS n FROM issue',
  },
  {
    name: 'a running total',
    sql: 'SELECT id, sum(amount) OVER (ORDER BY id ROWS 3 PRECEDING) FROM activity WHERE amount < 1000 ORDER BY id',
    order: 'total',
  },
  {
    name: 'latest comment: by row_number',
    sql: `SELECT issue_id, id FROM (SELECT *, row_number() OVER (PARTITION BY issue_id ORDER BY created_at DESC, id DESC) AS n
      FROM comment) WHERE n = 1`,
  },
  {
    name: 'a rank in a CTE',
    sql: `WITH ranked AS (SELECT id, rank() OVER (ORDER BY priority) AS place FROM issue)
      SELECT i.id, r.place FROM issue i JOIN ranked r ON r.id = i.id WHERE i.project_id = ?`,
    parameters: ['p1'],
  },
  {
    name: 'UNION',
    sql: 'SELECT author_id FROM comment UNION SELECT assignee_id FROM issue ORDER BY 1',
    order: 'total',
  },
  { name: 'EXCEPT', sql: 'SELECT id FROM member EXCEPT SELECT assignee_id FROM issue' },
  {
    name: 'INTERSECT',
    sql: 'SELECT member_id FROM mention INTERSECT SELECT author_id FROM comment',
  },
  {
    name: 'UNION ALL and UNION mixed',
    sql: 'SELECT id FROM list UNION ALL SELECT list_id FROM todo UNION SELECT folder_id FROM list',
  },
  {
    name: 'all that is below an issue',
    sql: `WITH RECURSIVE below(id, depth) AS (SELECT id, 0 FROM issue WHERE id = ?
        UNION SELECT i.id, depth + 1 FROM issue i JOIN below b ON i.parent_id = b.id WHERE depth < 8)
      SELECT i.id, i.title, depth FROM below JOIN issue i USING (id) ORDER BY depth, i.id`,
    parameters: ['i1'],
    order: 'total',
  },
  {
    name: 'full text',
    sql: 'SELECT issue_id, title FROM issue_text WHERE issue_text MATCH ? ORDER BY rowid',
    parameters: ['log*'],
  },
  {
    name: 'full text, joined to what it is about',
    sql: `SELECT i.id, i.status FROM issue_text JOIN issue i ON i.id = issue_text.issue_id WHERE issue_text MATCH ? AND i.closed_at IS NULL`,
    parameters: ['crash OR slow'],
  },
  { name: 'shuffled', sql: 'SELECT id FROM label ORDER BY random()' },
  { name: 'overdue now', sql: "SELECT id FROM todo WHERE due_on < date('now') AND done = 0" },
  { name: 'older than now', sql: 'SELECT id FROM comment WHERE created_at < CURRENT_TIMESTAMP' },
  {
    name: 'older than a day',
    sql: "SELECT count(*) FROM notification WHERE at < datetime('now', '-1 day')",
  },
  { name: 'changes()', sql: 'SELECT id, changes() >= 0 FROM folder' },
  { name: 'last_insert_rowid()', sql: 'SELECT id, last_insert_rowid() IS NULL FROM folder' },
  {
    name: 'full join',
    sql: 'SELECT l.id, t.id FROM list l FULL JOIN todo t ON t.list_id = l.id',
  },
  {
    name: 'the newest ten and what they belong to',
    sql: `SELECT n.id, p.name FROM (SELECT id, project_id FROM issue ORDER BY created_at DESC, id LIMIT 10) n JOIN project p ON p.id = n.project_id`,
  },
  {
    name: 'a limit in a CTE',
    sql: `WITH newest AS (SELECT * FROM comment ORDER BY created_at DESC, id LIMIT 5) SELECT author_id, count(*) FROM newest GROUP BY author_id`,
  },
  {
    name: 'counters side by side, without FROM',
    sql: `SELECT (SELECT count(*) FROM todo WHERE done = 0) AS open, (SELECT count(*) FROM todo WHERE starred) AS starred,
      EXISTS (SELECT 1 FROM todo WHERE due_on < ?) AS late`,
    parameters: ['2024-05-15'],
  },
  { name: 'nothing but a value', sql: 'SELECT 1 AS one, ? AS two', parameters: ['x'], still: true },
  { name: 'VALUES', sql: "VALUES (1, 'a'), (2, 'b')", still: true },
  { name: 'sqlite_master', sql: "SELECT name FROM sqlite_master WHERE type = 'view'", still: true },
  { name: 'crsql_changes', sql: `SELECT "table", count(*) FROM crsql_changes GROUP BY "table"` },
  {
    name: 'json_each in the top FROM',
    sql: `SELECT i.id, w.value FROM issue i, json_each(i.meta, '$.watchers') w WHERE i.project_id = ?`,
    parameters: ['p1'],
  },
  {
    name: 'cloud of watchers, from a JSON column',
    sql: `SELECT w.value, count(*) FROM issue i JOIN json_each(i.meta, '$.watchers') w GROUP BY w.value`,
  },
  {
    name: 'an offset beyond what is held',
    sql: 'SELECT id FROM todo ORDER BY title, id LIMIT 10 OFFSET 20000',
    order: 'total',
    still: true,
  },
  {
    name: 'an offset beyond what is held, as a parameter',
    sql: 'SELECT id FROM todo ORDER BY title, id LIMIT ? OFFSET ?',
    parameters: [10, 20_000],
    order: 'total',
    still: true,
  },
  {
    name: 'DISTINCT over groups',
    sql: 'SELECT DISTINCT count(*) FROM issue GROUP BY assignee_id',
  },
  { name: 'DISTINCT of an aggregate', sql: 'SELECT DISTINCT max(due_on), count(due_on) FROM todo' },
]

export const RERUN: readonly TableEntry[] = TEXTS.map((text) => ({ ...text, strategy: 'rerun' }))
