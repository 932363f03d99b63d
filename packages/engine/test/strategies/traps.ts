import type { LiveText, TableEntry } from './query.ts'

/** Where the plain idea of running a query again for what changed breaks, and what such a query must get. */
export const TRAPS: readonly TableEntry[] = [
  // A way through a table that may be null-extended: a link there must be strict.
  {
    name: 'trap: an inner join by IS behind a left join',
    sql: `SELECT p.id, m.id, i.id FROM project p LEFT JOIN member m ON m.id = p.lead_id JOIN issue i ON i.assignee_id IS m.id`,
    strategy: 'restrict',
  },
  {
    name: 'trap: a left join behind a left join, by =',
    sql: `SELECT p.id, m.id, i.id FROM project p LEFT JOIN member m ON m.id = p.lead_id LEFT JOIN issue i ON i.assignee_id = m.id`,
    strategy: 'restrict',
  },
  {
    name: 'trap: a left join behind a left join, by coalesce',
    sql: `SELECT p.id, m.id, i.id FROM project p LEFT JOIN member m ON m.id = p.lead_id
      LEFT JOIN issue i ON i.assignee_id = coalesce(m.manager_id, 'm2')`,
    strategy: 'restrict',
  },
  {
    name: 'trap: a left join behind a left join, by IS',
    sql: `SELECT p.id, m.id, i.id FROM project p LEFT JOIN member m ON m.id = p.lead_id LEFT JOIN issue i ON i.assignee_id IS m.manager_id`,
    strategy: 'restrict',
  },
  {
    name: 'trap: a left join by coalesce of the row that is always there',
    sql: `SELECT i.id, m.id FROM issue i LEFT JOIN member m ON m.id = coalesce(i.assignee_id, 'm1')`,
    strategy: 'restrict',
  },
  // An aggregate in a subquery that belongs to the query around it.
  {
    name: 'trap: a sum of outer columns in a subquery',
    sql: 'SELECT (SELECT sum(p.position) FROM issue) FROM project p',
    strategy: 'rerun',
  },
  {
    name: 'trap: a sum of inner and outer columns in a subquery',
    sql: `SELECT p.id, (SELECT sum(i.priority + p.position) FROM issue i WHERE i.project_id = p.id) FROM project p`,
    strategy: 'restrict',
  },
  // NULL in a list, or on its left.
  {
    name: 'trap: NOT IN a list that may hold NULL',
    sql: "SELECT id FROM member WHERE id NOT IN (SELECT lead_id FROM project WHERE workspace_id <> 'w1')",
    strategy: 'restrict',
  },
  {
    name: 'trap: NULL NOT IN a list that may be empty',
    sql: `SELECT id, assignee_id FROM issue WHERE assignee_id NOT IN (SELECT member_id FROM notification WHERE kind = 'rare')`,
    strategy: 'restrict',
  },
  {
    name: 'trap: IN as a value',
    sql: `SELECT id, manager_id IN (SELECT lead_id FROM project WHERE archived) AS led FROM member`,
    strategy: 'restrict',
  },
  {
    name: 'trap: IN that is unknown',
    sql: 'SELECT id FROM member WHERE (id IN (SELECT lead_id FROM project)) IS NULL',
    strategy: 'restrict',
  },
  {
    name: 'trap: NOT around IN under OR',
    sql: `SELECT id FROM issue WHERE priority = 1 OR NOT (assignee_id IN (SELECT lead_id FROM project))`,
    strategy: 'restrict',
  },
  // Several tables changed in one transaction, and a condition over three.
  {
    name: 'trap: a condition over three tables, joined',
    sql: `SELECT l.id, t.id, f.id FROM list l JOIN todo t ON 1 JOIN folder f ON f.id = 'f' || (l.position + t.position)`,
    strategy: 'restrict',
  },
  {
    name: 'trap: a condition over three tables, in a subquery',
    sql: `SELECT l.id FROM list l WHERE EXISTS (SELECT 1 FROM todo t JOIN folder f
      ON f.id = 'f' || (l.position + t.position) WHERE t.starred = 1 AND t.due_on IS NULL AND f.parent_id IS NULL)`,
    strategy: 'restrict',
  },
  // What WHERE says of a null-extended row.
  {
    name: 'trap: rows without a match',
    sql: `SELECT i.id FROM issue i LEFT JOIN comment c ON c.issue_id = i.id AND c.edited = 0 WHERE c.id IS NULL`,
    strategy: 'restrict',
  },
  {
    name: 'trap: rows without a match, in a subquery',
    sql: `SELECT p.id FROM project p WHERE EXISTS (SELECT 1 FROM issue i LEFT JOIN comment c ON c.issue_id = i.id
      WHERE i.project_id = p.id AND c.id IS NULL AND i.status = 'doing')`,
    strategy: 'restrict',
  },
  // A derived table that hides which of its rows count.
  {
    name: 'trap: a limit in a subquery of the row',
    sql: `SELECT p.id, (SELECT count(*) FROM (SELECT 1 FROM issue i WHERE i.project_id = p.id AND i.priority < 3 LIMIT 4)) AS up_to_four
      FROM project p`,
    strategy: 'restrict',
  },
  {
    name: 'trap: an offset in a subquery of the row',
    sql: `SELECT p.id, (SELECT i.title FROM issue i WHERE i.project_id = p.id ORDER BY i.number DESC LIMIT 1 OFFSET 1) AS second
      FROM project p`,
    strategy: 'restrict',
  },
  {
    name: 'trap: a limit in a derived table',
    sql: `SELECT m.id, t.id FROM member m LEFT JOIN (SELECT id, assignee_id FROM issue ORDER BY created_at, id LIMIT 6) t
      ON t.assignee_id = m.id`,
    strategy: 'rerun',
  },
  {
    name: 'trap: an aggregate of all in a derived table',
    sql: 'SELECT t.id FROM todo t JOIN (SELECT max(position) AS last FROM todo) m ON t.position = m.last',
    strategy: 'restrict',
  },
  // USING, NATURAL, parentheses.
  {
    name: 'trap: natural join of a derived table',
    sql: `SELECT id, kind, unread FROM notification NATURAL JOIN
      (SELECT member_id, issue_id, read_at < '2024-05-10' AS unread FROM issue_read) AS r`,
    strategy: 'restrict',
  },
  {
    name: 'trap: USING where two earlier tables have the column',
    sql: `SELECT n.id, r.read_at, a.id FROM notification n JOIN issue_read r USING (member_id, issue_id) JOIN activity a USING (member_id)`,
    strategy: 'restrict',
  },
  {
    name: 'trap: a join in parentheses',
    sql: `SELECT p.id, i.id, c.id FROM project p JOIN (issue i JOIN comment c ON c.issue_id = i.id) ON i.project_id = p.id WHERE c.edited`,
    strategy: 'restrict',
  },
  // GROUP BY inside: a way leads through group keys only.
  {
    name: 'trap: IN over groups, by their key',
    sql: `SELECT id, name FROM project WHERE id IN (SELECT project_id FROM issue GROUP BY project_id HAVING count(*) > 6)`,
    strategy: 'restrict',
  },
  {
    name: 'trap: IN over groups, by what they count',
    sql: 'SELECT id, position FROM project WHERE position IN (SELECT count(*) FROM issue WHERE priority = 1 GROUP BY status)',
    strategy: 'restrict',
  },
  {
    name: 'trap: a grouped table joined by what it counts',
    sql: `SELECT l.id, g.list_id FROM list l JOIN (SELECT list_id, count(*) AS n FROM todo GROUP BY list_id) g ON g.n = l.position`,
    strategy: 'restrict',
  },
  {
    name: 'trap: a grouped table joined by one of two keys',
    sql: `SELECT p.id, g.status, g.n FROM project p JOIN (SELECT project_id, status, count(*) AS n FROM issue GROUP BY 1, 2) g
      ON g.project_id = p.id WHERE g.n > 2`,
    strategy: 'restrict',
  },
  // DISTINCT: equal rows of different keys, and which of them is shown.
  {
    name: 'trap: DISTINCT over a join with many rows each',
    sql: 'SELECT DISTINCT i.project_id, c.author_id FROM issue i JOIN comment c ON c.issue_id = i.id',
    strategy: 'distinct',
  },
  {
    name: 'trap: DISTINCT of numbers, text and NULL',
    sql: 'SELECT DISTINCT value FROM activity',
    strategy: 'distinct',
  },
  // Right without special care; it must stay so.
  {
    name: 'trap: a left join by LIKE',
    sql: `SELECT t.id, f.id FROM todo t LEFT JOIN folder f ON t.title LIKE '%' || f.name || '%'`,
    strategy: 'restrict',
  },
  {
    name: 'trap: a correlation by <',
    sql: `SELECT a.id, (SELECT count(*) FROM notification b WHERE b.member_id = a.member_id AND b.at < a.at) AS earlier FROM notification a`,
    strategy: 'restrict',
  },
  {
    name: 'trap: a left join to what is not a key',
    sql: 'SELECT i.id, o.id FROM issue i LEFT JOIN issue o ON o.due_on = i.due_on AND o.id <> i.id AND o.priority = 1',
    strategy: 'restrict',
  },
  {
    name: 'trap: OR over tables',
    sql: `SELECT i.id, p.id FROM issue i JOIN project p ON p.id = i.project_id
      WHERE i.priority = 1 OR p.archived = 1 OR p.lead_id = i.assignee_id`,
    strategy: 'restrict',
  },
  {
    name: 'trap: a CTE inside the subquery of a row',
    sql: `SELECT p.id, (WITH mine AS (SELECT * FROM issue i WHERE i.project_id = p.id)
      SELECT count(*) FROM mine WHERE status = 'done') AS done FROM project p`,
    strategy: 'restrict',
  },
  {
    name: 'trap: EXISTS over UNION ALL',
    sql: `SELECT m.id FROM member m WHERE EXISTS (SELECT 1 FROM comment c WHERE c.author_id = m.id AND c.edited = 1
      UNION ALL SELECT 1 FROM mention n WHERE n.member_id = m.id)`,
    strategy: 'restrict',
  },
  {
    name: 'trap: a join under NOCASE',
    sql: 'SELECT f.id, l.id FROM folder f JOIN label l ON l.name = f.name',
    strategy: 'restrict',
  },
  {
    name: 'trap: a join of a number to text',
    sql: `SELECT i.id, a.id FROM issue i JOIN activity a ON a.value = i.priority WHERE i.project_id = ?`,
    parameters: ['p2'],
    strategy: 'restrict',
  },
  {
    name: 'trap: a row that joins itself three times',
    sql: `SELECT a.id, b.id, c.id FROM todo a JOIN todo b ON b.position = a.position + 1 AND b.list_id = a.list_id
      JOIN todo c ON c.position = b.position + 1 AND c.list_id = a.list_id`,
    strategy: 'restrict',
  },

  // Aggregates: the groups in which a row was.
  {
    name: 'trap: groups by a null-extended column',
    sql: `SELECT c.author_id, count(*) FROM issue i LEFT JOIN comment c ON c.issue_id = i.id GROUP BY c.author_id`,
    strategy: 'aggregate',
  },
  {
    name: 'trap: groups by two joined tables that change together',
    sql: `SELECT p.workspace_id, i.status, count(*), sum(i.priority) FROM project p JOIN issue i ON i.project_id = p.id GROUP BY 1, 2`,
    strategy: 'aggregate',
  },
  {
    name: 'trap: a sum of reals, large and small',
    sql: 'SELECT status, round(sum(cost), 2), round(total(cost), 2), count(cost) FROM issue GROUP BY status',
    strategy: 'aggregate',
  },
  {
    name: 'trap: an average of reals',
    sql: 'SELECT avg(estimate), sum(estimate) FROM issue WHERE estimate IS NOT NULL',
    strategy: 'aggregate',
  },
  {
    name: 'trap: a sum that overflows, and comes back',
    sql: 'SELECT kind, sum(amount) FROM activity GROUP BY kind',
    fails: true,
    strategy: 'aggregate',
  },
  {
    name: 'trap: a sum whose last real leaves, whose last value leaves',
    sql: 'SELECT issue_id, sum(value), typeof(sum(value)), total(value), count(value), avg(value) FROM activity GROUP BY issue_id',
    strategy: 'aggregate',
  },
  {
    name: 'trap: sums of nothing',
    sql: `SELECT count(*), sum(seen), total(seen), avg(seen), min(at), group_concat(kind) FROM notification WHERE kind = 'rare'`,
    upTo: 'lists',
    strategy: 'aggregate',
  },
  {
    name: 'trap: groups under NOCASE',
    sql: 'SELECT name, count(*), min(id) FROM label GROUP BY name',
    upTo: 'case',
    strategy: 'aggregate',
  },
  {
    name: 'trap: groups of numbers, text and NULL',
    sql: 'SELECT value, count(*) FROM activity GROUP BY value',
    strategy: 'aggregate',
  },
  {
    name: 'trap: groups by a collation of their own',
    sql: 'SELECT name COLLATE BINARY AS exact, count(*) FROM label GROUP BY name COLLATE BINARY',
    strategy: 'aggregate',
  },
  {
    name: 'trap: GROUP BY a number of a column',
    sql: 'SELECT priority, assignee_id, count(*) FROM issue GROUP BY 2, 1',
    strategy: 'aggregate',
  },
  {
    name: 'trap: an alias that is a column of the table too',
    sql: 'SELECT length(kind) > 0 AS kind, count(*) FROM activity GROUP BY kind',
    strategy: 'aggregate',
  },
  {
    name: 'trap: bare columns beside max()',
    sql: 'SELECT issue_id, id, body, max(created_at || id) FROM comment GROUP BY issue_id',
    strategy: 'aggregate',
  },
  {
    name: 'trap: the least of a group leaves, no index on the group',
    sql: 'SELECT kind, min(at), max(at), count(DISTINCT member_id) FROM activity GROUP BY kind ORDER BY 2, kind',
    order: 'total',
    strategy: 'aggregate',
  },
  {
    name: 'trap: HAVING lets a group in and out',
    sql: `SELECT list_id FROM todo GROUP BY list_id HAVING sum(done) < count(*) AND max(due_on) > ?`,
    parameters: ['2024-06-20'],
    strategy: 'aggregate',
  },
  {
    name: 'trap: HAVING without groups',
    sql: 'SELECT count(*) FROM todo WHERE starred = 1 HAVING count(*) % 2 = 0',
    strategy: 'aggregate',
  },

  // Errors come and go with the data.
  {
    name: 'trap: JSON that may be malformed',
    sql: "SELECT id, json_extract(data, '$.from') FROM activity WHERE kind = 'moved'",
    fails: true,
    strategy: 'restrict',
  },
  // What enters a window stands against its last row as that was.
  {
    name: 'trap: a window whose last row moves',
    sql: 'SELECT id, position FROM todo WHERE done = 0 ORDER BY position DESC, id LIMIT 4',
    order: 'total',
    strategy: 'window',
  },
  {
    name: 'trap: a window behind an offset',
    sql: 'SELECT id, due_on FROM todo ORDER BY due_on NULLS FIRST, id LIMIT 5 OFFSET 20',
    order: 'total',
    strategy: 'window',
  },
]

/** Kept true like all others; by which strategy is not promised. */
export const UNPROMISED: readonly LiveText[] = [
  {
    name: 'counters, one under the other',
    sql: `SELECT 'open' AS what, count(*) AS n FROM todo WHERE done = 0 UNION ALL SELECT 'starred', count(*) FROM todo WHERE starred = 1`,
  },
  {
    name: 'grouped rows from a derived table',
    sql: 'SELECT * FROM (SELECT list_id, count(*) AS n FROM todo GROUP BY list_id) WHERE n > 5 ORDER BY n DESC, list_id',
    order: 'total',
  },
  { name: 'a grouped view', sql: 'SELECT * FROM project_load WHERE issues > 5' },
  {
    name: 'an aggregate of groups',
    sql: 'SELECT avg(n), max(n) FROM (SELECT count(*) AS n FROM issue GROUP BY project_id)',
  },
  { name: 'a count of distinct rows', sql: 'SELECT count(*) FROM (SELECT DISTINCT todo_id FROM todo_tag)' },
  {
    name: 'the same scalar for every row',
    sql: 'SELECT id, (SELECT count(*) FROM issue WHERE priority = 1) AS urgent FROM project',
  },
  {
    name: 'the rows at the greatest value of all',
    sql: 'SELECT id, title FROM todo WHERE position = (SELECT max(position) FROM todo)',
  },
  {
    name: 'all or nothing',
    sql: "SELECT id FROM folder WHERE EXISTS (SELECT 1 FROM notification WHERE kind = 'rare' AND member_id = 'm1')",
  },
  {
    name: 'a right join later',
    sql: `SELECT c.id, i.id, m.id FROM comment c JOIN issue i ON i.id = c.issue_id RIGHT JOIN member m ON m.id = i.assignee_id`,
  },
  {
    name: 'a left join of a join in parentheses',
    sql: `SELECT i.id, l.name FROM issue i LEFT JOIN (issue_label il JOIN label l ON l.id = il.label_id) ON il.issue_id = i.id`,
  },
  {
    name: 'EXISTS over UNION',
    sql: `SELECT id FROM member m WHERE EXISTS (SELECT author_id FROM comment WHERE author_id = m.id UNION SELECT member_id FROM mention WHERE member_id = m.id)`,
  },
  {
    name: 'a union in a derived table, joined',
    sql: `SELECT m.name, t.at FROM (SELECT author_id AS who, created_at AS at FROM comment UNION ALL SELECT member_id, at FROM activity) t
      JOIN member m ON m.id = t.who ORDER BY t.at DESC`,
    order: [1],
  },
  {
    name: 'groups with a subquery for each',
    sql: `SELECT i.project_id, count(*), (SELECT p.name FROM project p WHERE p.id = i.project_id) FROM issue i GROUP BY i.project_id`,
  },
  {
    name: 'groups against a number of all',
    sql: `SELECT status, count(*) FROM issue GROUP BY status HAVING count(*) * 4 > (SELECT count(*) FROM issue)`,
  },
  { name: 'a table without a key', sql: 'SELECT line, n FROM scratch WHERE n > 1' },
  { name: 'groups of a table without a key', sql: 'SELECT n, count(*) FROM scratch GROUP BY n' },
  {
    name: 'a window that shows all',
    sql: 'SELECT id, name FROM folder ORDER BY name, id LIMIT -1',
    order: 'total',
  },
  { name: 'a window that shows nothing', sql: 'SELECT id FROM folder ORDER BY id LIMIT 0', still: true },
  {
    name: 'a limit that is worked out',
    sql: 'SELECT id, at FROM notification ORDER BY at, id LIMIT (SELECT count(*) FROM folder)',
    order: 'total',
  },
]
