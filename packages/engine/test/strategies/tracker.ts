import type { TableEntry } from './query.ts'

const TODAY = '2024-05-15'

/** What a project tracker asks for: m1 is signed in, w1 is the workspace, p1 the project on the screen. */
export const TRACKER: readonly TableEntry[] = [
  // One table.
  {
    name: 'all issues of a project',
    sql: 'SELECT * FROM issue WHERE project_id = ?',
    parameters: ['p1'],
    strategy: 'restrict',
  },
  {
    name: 'a column of the board',
    sql: `SELECT id, title, priority FROM issue WHERE project_id = ?1 AND status = ?2
      ORDER BY priority IS NULL, priority, id`,
    parameters: ['p1', 'doing'],
    order: 'total',
    strategy: 'restrict',
  },
  {
    name: 'my open issues, what is due first',
    sql: `SELECT id, title, due_on FROM issue WHERE assignee_id = :me AND status NOT IN ('done', 'cancelled')
      ORDER BY due_on ASC NULLS LAST, id`,
    parameters: ['m1'],
    order: 'total',
    strategy: 'restrict',
  },
  {
    name: 'nobody has it',
    sql: "SELECT id, title FROM issue WHERE assignee_id IS NULL AND status = 'todo'",
    strategy: 'restrict',
  },
  {
    name: 'overdue on a day',
    sql: 'SELECT id, due_on, title FROM issue WHERE due_on < ? AND closed_at IS NULL ORDER BY due_on, priority DESC',
    parameters: [TODAY],
    order: [1],
    strategy: 'restrict',
  },
  {
    name: 'due this week',
    sql: 'SELECT id, due_on FROM issue WHERE due_on BETWEEN ?1 AND date(?1, ?2) ORDER BY due_on',
    parameters: [TODAY, '+7 days'],
    order: [1],
    strategy: 'restrict',
  },
  {
    name: 'search titles',
    sql: "SELECT id, title FROM issue WHERE title LIKE '%' || ? || '%' ORDER BY title COLLATE NOCASE, id",
    parameters: ['log'],
    order: 'total',
    strategy: 'restrict',
  },
  {
    name: 'search titles by words in any order',
    sql: "SELECT id, title FROM issue WHERE lower(title) GLOB '*' || lower(?) || '*' OR title LIKE ? ESCAPE '!'",
    parameters: ['Crash', '%!_%'],
    strategy: 'restrict',
  },
  {
    name: 'priority in words',
    sql: `SELECT id, CASE priority WHEN 1 THEN 'urgent' WHEN 2 THEN 'high' ELSE 'later' END AS urgency,
      coalesce(estimate, 0) * 2 AS doubled FROM issue ORDER BY urgency DESC, created_at`,
    order: [1],
    strategy: 'restrict',
  },
  {
    name: 'members by name, without regard to case',
    sql: 'SELECT id, name FROM member WHERE active ORDER BY name, id',
    order: 'total',
    strategy: 'restrict',
  },
  {
    name: 'members by name, bytes and backwards',
    sql: 'SELECT id, name FROM member ORDER BY name COLLATE BINARY DESC, id DESC',
    order: 'total',
    strategy: 'restrict',
  },
  {
    name: 'a name, found whatever its case',
    sql: 'SELECT id, name, email FROM member WHERE name = ?',
    parameters: ['ADA'],
    strategy: 'restrict',
  },
  {
    name: 'any of some keys',
    sql: 'SELECT * FROM issue WHERE id IN (?, ?, ?) OR (project_id, number) = (?, ?)',
    parameters: ['i1', 'i10', 'i11', 'p2', 3],
    strategy: 'restrict',
  },
  {
    name: 'activity after a point, row values without a limit',
    sql: 'SELECT id, at, kind FROM activity WHERE (at, id) > (?, ?) ORDER BY at, id',
    parameters: ['2024-05-10', 5],
    order: 'total',
    strategy: 'restrict',
  },
  // Joins.
  {
    name: 'issues with the names of project and workspace',
    sql: `SELECT i.id, i.title, p.name, w.name FROM issue i JOIN project p ON p.id = i.project_id
      JOIN workspace w ON w.id = p.workspace_id WHERE w.id = ? AND NOT p.archived ORDER BY p.position, i.number, i.id`,
    parameters: ['w1'],
    strategy: 'restrict',
  },
  {
    name: 'cards with who has them',
    sql: `SELECT i.id, i.title, m.name FROM issue i LEFT JOIN member m ON m.id = i.assignee_id
      WHERE i.project_id = ? ORDER BY m.name NULLS LAST, i.id`,
    parameters: ['p1'],
    order: 'total',
    strategy: 'restrict',
  },
  {
    name: 'labels of issues, n to m',
    sql: `SELECT i.id, l.id, l.name, l.color FROM issue i JOIN issue_label il ON il.issue_id = i.id
      JOIN label l ON l.id = il.label_id WHERE i.project_id = ? ORDER BY i.id, l.name`,
    parameters: ['p1'],
    order: [0, 2],
    strategy: 'restrict',
  },
  {
    name: 'issues with a label, by its name',
    sql: `SELECT i.* FROM issue AS i INNER JOIN issue_label AS il ON il.issue_id = i.id
      INNER JOIN label AS l ON l.id = il.label_id WHERE l.name = ? ORDER BY i.created_at DESC, i.id`,
    parameters: ['bug'],
    order: 'total',
    strategy: 'restrict',
  },
  {
    name: 'labels of issues, also of issues without',
    sql: `SELECT i.id, l.name FROM issue i LEFT JOIN issue_label il ON il.issue_id = i.id
      LEFT JOIN label l ON l.id = il.label_id ORDER BY i.id`,
    order: [0],
    strategy: 'restrict',
  },
  {
    name: 'five tables: mentions with comment, issue and project',
    sql: `SELECT c.id, c.body, i.title, p.name, m.name FROM mention n JOIN comment c ON c.id = n.comment_id
      JOIN issue i ON i.id = c.issue_id JOIN project p ON p.id = i.project_id JOIN member m ON m.id = c.author_id
      WHERE n.member_id = ? ORDER BY c.created_at DESC`,
    parameters: ['m1'],
    strategy: 'restrict',
  },
  {
    name: 'comma join',
    sql: 'SELECT p.id, m.name FROM project p, member m WHERE m.id = p.lead_id AND m.active = 1',
    strategy: 'restrict',
  },
  {
    name: 'cross join: who may get which label',
    sql: `SELECT m.id, l.id FROM member m CROSS JOIN label l WHERE m.workspace_id = l.workspace_id AND m.active`,
    strategy: 'restrict',
  },
  {
    name: 'sub-issues with their parent',
    sql: 'SELECT child.id, child.title, parent.title FROM issue child JOIN issue parent ON child.parent_id = parent.id',
    strategy: 'restrict',
  },
  {
    name: 'a path of three, upwards',
    sql: `SELECT i.id, p.id AS parent, g.id AS grandparent FROM issue i LEFT JOIN issue p ON p.id = i.parent_id
      LEFT JOIN issue g ON g.id = p.parent_id WHERE i.project_id = ? ORDER BY i.id`,
    parameters: ['p1'],
    order: 'total',
    strategy: 'restrict',
  },
  {
    name: 'who leads whom, and what',
    sql: `SELECT a.name, b.name, c.name, p.name FROM member a JOIN member b ON b.manager_id = a.id
      JOIN member c ON c.manager_id = b.id JOIN project p ON p.lead_id = c.id`,
    strategy: 'restrict',
  },
  {
    name: 'right join first: all labels and where they stick',
    sql: `SELECT l.id, l.name, il.issue_id FROM issue_label il RIGHT JOIN label l ON l.id = il.label_id
      ORDER BY l.name, l.id, il.issue_id`,
    order: 'total',
    strategy: 'restrict',
  },
  {
    name: 'using two columns: seen and read',
    sql: 'SELECT issue_id, kind, read_at FROM notification JOIN issue_read USING (member_id, issue_id) WHERE member_id = ?',
    parameters: ['m1'],
    strategy: 'restrict',
  },
  {
    name: 'left join using',
    sql: 'SELECT * FROM notification LEFT JOIN issue_read USING (member_id, issue_id) ORDER BY id',
    order: 'total',
    strategy: 'restrict',
  },
  {
    name: 'natural join',
    sql: 'SELECT id, at, read_at FROM notification NATURAL JOIN issue_read WHERE read_at < at',
    strategy: 'restrict',
  },
  {
    name: 'natural left join',
    sql: 'SELECT id, seen, read_at FROM notification NATURAL LEFT JOIN issue_read',
    strategy: 'restrict',
  },
  {
    name: 'unread comments on what I have',
    sql: `SELECT c.id, c.body FROM comment c JOIN issue i ON i.id = c.issue_id AND i.assignee_id = ?1
      LEFT JOIN issue_read r ON r.issue_id = i.id AND r.member_id = ?1
      WHERE r.read_at IS NULL OR c.created_at > r.read_at ORDER BY c.created_at, c.id`,
    parameters: ['m1'],
    order: 'total',
    strategy: 'restrict',
  },
  // Subqueries in conditions.
  {
    name: 'projects that are late',
    sql: `SELECT id, name FROM project p WHERE EXISTS
      (SELECT 1 FROM issue i WHERE i.project_id = p.id AND i.status = 'todo' AND i.due_on < ?)`,
    parameters: [TODAY],
    strategy: 'restrict',
  },
  {
    name: 'projects without anything urgent',
    sql: `SELECT id, name FROM project p WHERE NOT EXISTS
      (SELECT 1 FROM issue i WHERE i.project_id = p.id AND i.priority IN (1, 2) AND i.status = 'todo')`,
    strategy: 'restrict',
  },
  {
    name: 'members who have something',
    sql: "SELECT id, name FROM member WHERE id IN (SELECT assignee_id FROM issue WHERE status = 'doing')",
    strategy: 'restrict',
  },
  {
    name: 'issues without a label',
    sql: 'SELECT id, title FROM issue WHERE id NOT IN (SELECT issue_id FROM issue_label)',
    strategy: 'restrict',
  },
  {
    name: 'issues with all of two labels',
    sql: `SELECT id FROM issue WHERE id IN (SELECT issue_id FROM issue_label WHERE label_id = ?)
      AND id IN (SELECT issue_id FROM issue_label WHERE label_id = ?)`,
    parameters: ['b1', 'b2'],
    strategy: 'restrict',
  },
  {
    name: 'search in titles and comments',
    sql: `SELECT i.id, i.title FROM issue i WHERE i.title LIKE ?1
      OR EXISTS (SELECT 1 FROM comment c WHERE c.issue_id = i.id AND c.body LIKE ?1) ORDER BY i.title, i.id`,
    parameters: ['%slow%'],
    order: 'total',
    strategy: 'restrict',
  },
  {
    name: 'where I was mentioned, two deep',
    sql: `SELECT i.id, i.title FROM issue i WHERE EXISTS (SELECT 1 FROM comment c WHERE c.issue_id = i.id
      AND EXISTS (SELECT 1 FROM mention n WHERE n.comment_id = c.id AND n.member_id = ?))`,
    parameters: ['m2'],
    strategy: 'restrict',
  },
  {
    name: 'comments that name somebody by @',
    sql: `SELECT c.id, m.id FROM comment c JOIN member m ON c.body LIKE '%@' || m.name || '%'`,
    strategy: 'restrict',
  },
  {
    name: 'issues watched by somebody, in a JSON column',
    sql: `SELECT id, title FROM issue i WHERE EXISTS
      (SELECT 1 FROM json_each(i.meta, '$.watchers') AS w WHERE w.value = ?)`,
    parameters: ['m1'],
    strategy: 'restrict',
  },
  {
    name: 'watchers with their names, from a JSON column',
    sql: `SELECT i.id, (SELECT group_concat(name, ', ') FROM (SELECT m.name FROM json_each(i.meta, '$.watchers') w
      JOIN member m ON m.id = w.value ORDER BY m.id)) AS watchers FROM issue i WHERE i.project_id = ?`,
    parameters: ['p1'],
    strategy: 'restrict',
  },
  // Subqueries as values.
  {
    name: 'issues with the number of comments',
    sql: `SELECT i.id, i.title, (SELECT count(*) FROM comment c WHERE c.issue_id = i.id) AS comments
      FROM issue i ORDER BY comments DESC, i.id`,
    order: 'total',
    strategy: 'restrict',
  },
  {
    name: 'sidebar: projects with their counters',
    sql: `SELECT p.id, p.name,
        (SELECT count(*) FROM issue i WHERE i.project_id = p.id AND i.status = 'todo') AS todo,
        (SELECT count(*) FROM issue i WHERE i.project_id = p.id AND i.status = 'doing') AS doing,
        (SELECT max(i.created_at) FROM issue i WHERE i.project_id = p.id) AS latest
      FROM project p WHERE p.workspace_id = ? AND p.archived = 0 ORDER BY p.position, p.id`,
    parameters: ['w1'],
    strategy: 'restrict',
  },
  {
    name: 'progress of sub-issues',
    sql: `SELECT p.id, (SELECT sum(c.status = 'done') FROM issue c WHERE c.parent_id = p.id) AS done,
      (SELECT count(*) FROM issue c WHERE c.parent_id = p.id) AS all_of_them FROM issue p WHERE p.parent_id IS NULL`,
    strategy: 'restrict',
  },
  {
    name: 'names of labels in one column',
    sql: `SELECT i.id, (SELECT group_concat(l.name, ', ') FROM issue_label il JOIN label l ON l.id = il.label_id
      WHERE il.issue_id = i.id) AS labels FROM issue i`,
    upTo: 'lists',
    strategy: 'restrict',
  },
  {
    name: 'Kysely: jsonArrayFrom',
    sql: `select "issue"."id", "issue"."title", (select coalesce(json_group_array(json_object('id', "agg"."id", 'name', "agg"."name")), '[]')
      from (select "label"."id", "label"."name" from "label" inner join "issue_label" on "issue_label"."label_id" = "label"."id"
        where "issue_label"."issue_id" = "issue"."id" order by "label"."name", "label"."id") as "agg") as "labels"
      from "issue" where "issue"."project_id" = ? order by "issue"."id"`,
    parameters: ['p1'],
    order: 'total',
    strategy: 'restrict',
  },
  {
    name: 'Kysely: jsonObjectFrom',
    sql: `select "issue"."id", (select json_object('id', "obj"."id", 'name', "obj"."name")
      from (select "member"."id", "member"."name" from "member" where "member"."id" = "issue"."assignee_id") as "obj") as "assignee"
      from "issue"`,
    strategy: 'restrict',
  },
  {
    name: 'Kysely: an array with an object in it',
    sql: `select "i"."id", (select coalesce(json_group_array(json_object('id', "agg"."id", 'body', "agg"."body", 'author', json("agg"."author"))), '[]')
      from (select "c"."id", "c"."body", (select json_object('name', "obj"."name") from
          (select "m"."name" from "member" as "m" where "m"."id" = "c"."author_id") as "obj") as "author"
        from "comment" as "c" where "c"."issue_id" = "i"."id" order by "c"."created_at", "c"."id") as "agg") as "comments"
      from "issue" as "i" where "i"."status" = ?`,
    parameters: ['doing'],
    strategy: 'restrict',
  },
  {
    name: 'Kysely: three deep, workspace to issue',
    sql: `select "w"."id", (select coalesce(json_group_array(json_object('id', "agg"."id", 'issues', json("agg"."issues"))), '[]')
      from (select "p"."id", (select coalesce(json_group_array(json_object('id', "agg"."id", 'labels', json("agg"."labels"))), '[]')
          from (select "i"."id", (select coalesce(json_group_array(json_object('label', "agg"."label_id")), '[]')
              from (select "il"."label_id" from "issue_label" as "il" where "il"."issue_id" = "i"."id" order by "il"."label_id") as "agg") as "labels"
            from "issue" as "i" where "i"."project_id" = "p"."id" order by "i"."number") as "agg") as "issues"
        from "project" as "p" where "p"."workspace_id" = "w"."id" order by "p"."id") as "agg") as "projects"
      from "workspace" as "w"`,
    strategy: 'restrict',
  },
  {
    name: 'Kysely: the newest three of each, in an array',
    sql: `select "p"."id", (select coalesce(json_group_array(json_object('id', "agg"."id")), '[]')
      from (select "i"."id" from "issue" as "i" where "i"."project_id" = "p"."id"
        order by "i"."created_at" desc, "i"."id" limit ?) as "agg") as "newest" from "project" as "p"`,
    parameters: [3],
    strategy: 'restrict',
  },
  {
    name: 'Drizzle: relational, many and one',
    sql: `select "id", "title", (select coalesce(json_group_array(json_array("id", "body")), json_array()) as "data"
        from "comment" "issue_comments" where "issue_comments"."issue_id" = "issue"."id") as "comments",
      (select json_array("id", "name") as "data" from (select * from "member" "issue_assignee"
        where "issue_assignee"."id" = "issue"."assignee_id" limit ?) "issue_assignee") as "assignee"
      from "issue" "issue" where "issue"."project_id" = ?`,
    parameters: [1, 'p1'],
    upTo: 'lists',
    strategy: 'restrict',
  },
  {
    name: 'Drizzle: relational, two deep with order',
    sql: `select "d0"."id" as "id", "d0"."name" as "name", (select coalesce(json_group_array(json_object('id', "id", 'title', "title",
          'comments', json("comments"))), json_array()) as "r" from (select "d1"."id" as "id", "d1"."title" as "title",
            (select coalesce(json_group_array(json_object('id', "id", 'body', "body")), json_array()) as "r" from
              (select "d2"."id" as "id", "d2"."body" as "body" from "comment" as "d2" where "d1"."id" = "d2"."issue_id"
                order by "d2"."id") as "t") as "comments"
          from "issue" as "d1" where "d0"."id" = "d1"."project_id" order by "d1"."number") as "t") as "issues"
      from "project" as "d0" where "d0"."workspace_id" = ? order by "d0"."id"`,
    parameters: ['w1'],
    order: 'total',
    strategy: 'restrict',
  },
  // The latest row of each parent.
  {
    name: 'latest comment: the id of the first of them backwards',
    sql: `SELECT c.issue_id, c.id, c.body FROM comment c WHERE c.id =
      (SELECT l.id FROM comment l WHERE l.issue_id = c.issue_id ORDER BY l.created_at DESC, l.id DESC LIMIT 1)`,
    strategy: 'restrict',
  },
  {
    name: 'latest comment: joined to its issue',
    sql: `SELECT i.id, i.title, c.body FROM issue i JOIN comment c ON c.id =
      (SELECT l.id FROM comment l WHERE l.issue_id = i.id ORDER BY l.created_at DESC, l.id DESC LIMIT 1) ORDER BY i.id`,
    order: 'total',
    strategy: 'restrict',
  },
  {
    name: 'latest comment: no later one',
    sql: `SELECT c.issue_id, c.id, c.body FROM comment c WHERE NOT EXISTS (SELECT 1 FROM comment l
      WHERE l.issue_id = c.issue_id AND (l.created_at > c.created_at OR l.created_at = c.created_at AND l.id > c.id))`,
    strategy: 'restrict',
  },
  {
    name: 'latest comment: no later one to join',
    sql: `SELECT c.issue_id, c.id FROM comment c LEFT JOIN comment l
      ON l.issue_id = c.issue_id AND (l.created_at, l.id) > (c.created_at, c.id) WHERE l.id IS NULL`,
    strategy: 'restrict',
  },
  {
    name: 'latest comment: at the greatest time',
    sql: `SELECT c.issue_id, c.id, c.created_at FROM comment c
      WHERE c.created_at = (SELECT max(l.created_at) FROM comment l WHERE l.issue_id = c.issue_id)`,
    strategy: 'restrict',
  },
  {
    name: 'latest comment: in the select list',
    sql: `SELECT i.id, (SELECT c.body FROM comment c WHERE c.issue_id = i.id
      ORDER BY c.created_at DESC, c.id DESC LIMIT 1) AS latest FROM issue i WHERE i.project_id = ?`,
    parameters: ['p1'],
    strategy: 'restrict',
  },
  {
    name: 'latest comment: with the greatest time of a grouped table',
    sql: `SELECT c.issue_id, c.id FROM comment c JOIN
      (SELECT issue_id, max(created_at) AS latest FROM comment GROUP BY issue_id) g
      ON g.issue_id = c.issue_id AND g.latest = c.created_at`,
    strategy: 'restrict',
  },
  // Views, derived tables, CTEs, UNION ALL.
  {
    name: 'a view that filters',
    sql: 'SELECT id, title, status FROM open_issue WHERE assignee_id = ? ORDER BY created_at DESC, id',
    parameters: ['m1'],
    order: 'total',
    strategy: 'restrict',
  },
  {
    name: 'a view that joins',
    sql: 'SELECT * FROM issue_card WHERE project_id = ? ORDER BY assignee, id',
    parameters: ['p2'],
    order: [5],
    strategy: 'restrict',
  },
  { name: 'a view of views', sql: 'SELECT * FROM urgent_card', strategy: 'restrict' },
  {
    name: 'a grouped view joined',
    sql: 'SELECT p.id, p.name, l.issues, l.estimate FROM project p LEFT JOIN project_load l ON l.project_id = p.id',
    strategy: 'restrict',
  },
  {
    name: 'a derived table that filters',
    sql: `SELECT late.id, p.name FROM (SELECT id, project_id FROM issue WHERE due_on < ? AND closed_at IS NULL) AS late
      JOIN project p ON p.id = late.project_id`,
    parameters: [TODAY],
    strategy: 'restrict',
  },
  {
    name: 'CTEs that filter, joined',
    sql: `WITH mine AS (SELECT * FROM issue WHERE assignee_id = ?), led AS (SELECT id, name FROM project WHERE archived = 0)
      SELECT mine.id, mine.title, led.name FROM mine JOIN led ON led.id = mine.project_id ORDER BY mine.id`,
    parameters: ['m1'],
    order: 'total',
    strategy: 'restrict',
  },
  {
    name: 'one CTE twice: doing, and its parent that is doing',
    sql: `WITH d AS (SELECT id, parent_id, title FROM issue WHERE status = 'doing')
      SELECT a.id, b.id, b.title FROM d a JOIN d b ON b.id = a.parent_id`,
    strategy: 'restrict',
  },
  {
    name: 'timeline of an issue: comments and activity',
    sql: `SELECT 'comment' AS type, id, created_at AS at, body AS text FROM comment WHERE issue_id = ?1
      UNION ALL SELECT 'activity', id, at, kind FROM activity WHERE issue_id = ?1 ORDER BY at, type`,
    parameters: ['i1'],
    order: [2, 0],
    strategy: 'restrict',
  },
  {
    name: 'quick search over three tables',
    sql: `SELECT 'issue' AS type, i.id AS id, i.title AS name FROM issue i JOIN project p ON p.id = i.project_id WHERE i.title LIKE ?1 AND NOT p.archived
      UNION ALL SELECT 'project', id, name FROM project WHERE name LIKE ?1
      UNION ALL SELECT 'label', l.id, l.name FROM label l WHERE l.name LIKE ?1`,
    parameters: ['%b%'],
    strategy: 'restrict',
  },
  {
    name: 'projects with a grouped table of their issues',
    sql: `SELECT p.id, p.name, g.n, g.points FROM project p JOIN
      (SELECT project_id, count(*) AS n, sum(estimate) AS points FROM issue WHERE status <> 'cancelled' GROUP BY project_id) g
      ON g.project_id = p.id ORDER BY g.n DESC, p.id`,
    order: 'total',
    strategy: 'restrict',
  },
  {
    name: 'members with a grouped table, also those with nothing',
    sql: `SELECT m.id, m.name, coalesce(open.n, 0) AS n FROM member m LEFT JOIN
      (SELECT assignee_id, count(*) AS n FROM issue WHERE closed_at IS NULL GROUP BY assignee_id) AS open
      ON open.assignee_id = m.id ORDER BY n DESC, m.id`,
    order: 'total',
    strategy: 'restrict',
  },
  {
    name: 'a grouped CTE joined',
    sql: `WITH votes AS (SELECT issue_id, count(DISTINCT author_id) AS voices FROM comment GROUP BY issue_id HAVING count(*) > 1)
      SELECT i.id, i.title, v.voices FROM issue i JOIN votes v ON v.issue_id = i.id`,
    strategy: 'restrict',
  },

  // Aggregates.
  {
    name: 'inbox: how many are unseen',
    sql: 'SELECT count(*) AS unseen FROM notification WHERE member_id = ? AND seen = 0',
    parameters: ['m1'],
    strategy: 'aggregate',
  },
  {
    name: 'inbox: unseen of each kind',
    sql: 'SELECT kind, count(*) FROM notification WHERE member_id = ? AND NOT seen GROUP BY kind ORDER BY kind',
    parameters: ['m1'],
    order: 'total',
    strategy: 'aggregate',
  },
  {
    name: 'heads of the board',
    sql: 'SELECT status, count(*) AS n, sum(estimate) AS points FROM issue WHERE project_id = ? GROUP BY status',
    parameters: ['p1'],
    strategy: 'aggregate',
  },
  {
    name: 'heads of all boards',
    sql: 'SELECT project_id, status, count(*) FROM issue GROUP BY project_id, status ORDER BY project_id, status',
    order: 'total',
    strategy: 'aggregate',
  },
  {
    name: 'progress with FILTER',
    sql: `SELECT project_id, count(*) FILTER (WHERE status = 'done') AS done, count(*) AS n,
      100 * count(*) FILTER (WHERE status = 'done') / count(*) AS percent FROM issue GROUP BY project_id`,
    strategy: 'aggregate',
  },
  {
    name: 'the lot in one row',
    sql: `SELECT count(*), count(assignee_id), count(DISTINCT assignee_id), min(due_on), max(created_at), avg(priority),
      total(estimate), sum(priority) FROM issue`,
    strategy: 'aggregate',
  },
  {
    name: 'workload: members and what they have',
    sql: `SELECT m.id, m.name, count(i.id) AS n, sum(i.estimate) AS points FROM member m
      LEFT JOIN issue i ON i.assignee_id = m.id AND i.closed_at IS NULL GROUP BY m.id ORDER BY n DESC, m.id`,
    order: 'total',
    strategy: 'aggregate',
  },
  {
    name: 'who has too much',
    sql: `SELECT assignee_id, count(*) FROM issue WHERE status = 'doing' AND assignee_id IS NOT NULL
      GROUP BY assignee_id HAVING count(*) > 2`,
    strategy: 'aggregate',
  },
  {
    name: 'cloud of labels',
    sql: `SELECT l.name, count(il.issue_id) AS n FROM label l LEFT JOIN issue_label il ON il.label_id = l.id
      WHERE l.workspace_id = ? GROUP BY l.id ORDER BY n DESC, l.name`,
    parameters: ['w1'],
    order: [1, 0],
    strategy: 'aggregate',
  },
  {
    name: 'labels within a project, n to m',
    sql: `SELECT l.id, max(l.name), count(*) FROM issue i JOIN issue_label il ON il.issue_id = i.id JOIN label l ON l.id = il.label_id
      WHERE i.project_id = ? GROUP BY l.id`,
    parameters: ['p1'],
    strategy: 'aggregate',
  },
  {
    name: 'comments of a project',
    sql: 'SELECT count(*), max(c.created_at) FROM comment c JOIN issue i ON i.id = c.issue_id WHERE i.project_id = ?',
    parameters: ['p1'],
    strategy: 'aggregate',
  },
  {
    name: 'unread badge',
    sql: `SELECT count(DISTINCT c.issue_id) FROM comment c JOIN issue i ON i.id = c.issue_id
      LEFT JOIN issue_read r ON r.issue_id = c.issue_id AND r.member_id = ?1
      WHERE i.assignee_id = ?1 AND (r.read_at IS NULL OR r.read_at < c.created_at)`,
    parameters: ['m1'],
    strategy: 'aggregate',
  },
  {
    name: 'created in each month, by substr',
    sql: 'SELECT substr(created_at, 1, 7) AS month, count(*) FROM issue GROUP BY month ORDER BY month',
    order: 'total',
    strategy: 'aggregate',
  },
  {
    name: 'closed in each week, by strftime of a column',
    sql: `SELECT strftime('%Y-%W', closed_at) AS week, count(*), sum(estimate) FROM issue
      WHERE closed_at IS NOT NULL GROUP BY 1 ORDER BY 1 DESC`,
    order: 'total',
    strategy: 'aggregate',
  },
  {
    name: 'heat map: activity of a member by day',
    sql: 'SELECT date(at) AS day, count(*) FROM activity WHERE member_id = ? GROUP BY date(at)',
    parameters: ['m1'],
    strategy: 'aggregate',
  },
  {
    name: 'days between, averaged in whole days',
    sql: `SELECT status, sum(CAST(julianday(closed_at) - julianday(created_at) AS INTEGER)) FROM issue GROUP BY status`,
    strategy: 'aggregate',
  },
  {
    name: 'names in a list, in order',
    sql: `SELECT workspace_id, group_concat(name, ', ' ORDER BY name COLLATE BINARY, id) FROM member GROUP BY workspace_id`,
    strategy: 'aggregate',
  },
  {
    name: 'names in a list, in any order',
    sql: 'SELECT workspace_id, group_concat(name) FROM member GROUP BY workspace_id',
    upTo: 'lists',
    strategy: 'aggregate',
  },
  {
    name: 'a board as JSON',
    sql: `SELECT status, json_group_array(json_object('id', id, 'title', title) ORDER BY number, id) FROM issue
      WHERE project_id = ? GROUP BY status`,
    parameters: ['p1'],
    strategy: 'aggregate',
  },
  {
    name: 'sub-issues done, by a self join',
    sql: `SELECT p.id, count(c.id), sum(c.status = 'done') FROM issue p LEFT JOIN issue c ON c.parent_id = p.id
      GROUP BY p.id HAVING count(c.id) > 0`,
    strategy: 'aggregate',
  },
  {
    name: 'an aggregate over a view',
    sql: 'SELECT project, count(*) FROM issue_card WHERE assignee IS NULL GROUP BY project_id, project',
    upTo: 'case',
    strategy: 'aggregate',
  },
  {
    name: 'an aggregate over a CTE that filters',
    sql: `WITH late AS (SELECT * FROM issue WHERE due_on < ? AND closed_at IS NULL)
      SELECT assignee_id, count(*) FROM late GROUP BY assignee_id`,
    parameters: [TODAY],
    strategy: 'aggregate',
  },
  {
    name: 'a count with EXISTS',
    sql: `SELECT count(*) FROM issue i WHERE EXISTS (SELECT 1 FROM comment c WHERE c.issue_id = i.id AND c.author_id = ?)`,
    parameters: ['m1'],
    strategy: 'aggregate',
  },
  {
    name: 'a count by status of what has no label',
    sql: `SELECT status, count(*) FROM issue WHERE id NOT IN (SELECT issue_id FROM issue_label) GROUP BY status`,
    strategy: 'aggregate',
  },
  {
    name: 'across workspaces',
    sql: `SELECT w.id, count(DISTINCT p.id), count(DISTINCT i.id), count(DISTINCT i.assignee_id) FROM workspace w
      LEFT JOIN project p ON p.workspace_id = w.id LEFT JOIN issue i ON i.project_id = p.id GROUP BY w.id`,
    strategy: 'aggregate',
  },

  // A window over rows, groups, distinct rows.
  {
    name: 'the first page',
    sql: 'SELECT id, title, created_at FROM issue ORDER BY created_at DESC, id DESC LIMIT 20',
    order: 'total',
    strategy: 'window',
  },
  {
    name: 'a later page',
    sql: 'SELECT id, title, created_at FROM issue ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?',
    parameters: [10, 15],
    order: 'total',
    strategy: 'window',
  },
  {
    name: 'a page with the offset before the limit',
    sql: 'SELECT id, name FROM member ORDER BY name, id LIMIT 3, 5',
    order: 'total',
    strategy: 'window',
  },
  {
    name: 'the next page by key, row values',
    sql: `SELECT id, title, created_at FROM issue WHERE (created_at, id) < (?, ?)
      ORDER BY created_at DESC, id DESC LIMIT 10`,
    parameters: ['2024-05-20', 'i20'],
    order: 'total',
    strategy: 'window',
  },
  {
    name: 'the next page by key, spelt out',
    sql: `SELECT id, number, title, status FROM issue WHERE project_id = :p AND (number > :n OR number = :n AND id > :id)
      ORDER BY number, id LIMIT :limit`,
    parameters: ['p1', 20, 'i5', 8],
    order: 'total',
    strategy: 'window',
  },
  {
    name: 'the feed, joined',
    sql: `SELECT a.id, a.kind, a.at, i.title, m.name FROM activity a LEFT JOIN issue i ON i.id = a.issue_id
      LEFT JOIN member m ON m.id = a.member_id ORDER BY a.at DESC, a.id DESC LIMIT 25`,
    order: 'total',
    strategy: 'window',
  },
  {
    name: 'inbox: the newest, unseen first',
    sql: 'SELECT * FROM notification WHERE member_id = ? ORDER BY seen, at DESC, id LIMIT 8',
    parameters: ['m1'],
    order: 'total',
    strategy: 'window',
  },
  {
    name: 'most urgent, what has no priority last',
    sql: 'SELECT id, priority, due_on FROM issue ORDER BY priority NULLS LAST, due_on DESC NULLS FIRST, id LIMIT 12',
    order: 'total',
    strategy: 'window',
  },
  {
    name: 'most urgent by an expression',
    sql: `SELECT id, coalesce(priority, 9) * 10 + (due_on IS NULL) AS weight FROM issue
      ORDER BY weight, title COLLATE NOCASE DESC, id LIMIT 7`,
    order: 'total',
    strategy: 'window',
  },
  {
    name: 'a few of those that sort alike',
    sql: 'SELECT priority, id FROM issue ORDER BY priority LIMIT 5',
    order: [0],
    upTo: 'ties',
    strategy: 'window',
  },
  {
    name: 'a few, whichever: enough to say that there are more than two',
    sql: 'SELECT project_id FROM issue WHERE project_id = ? AND assignee_id = ? LIMIT 3',
    parameters: ['p1', 'm1'],
    strategy: 'window',
  },
  {
    name: 'search, the first ten, with EXISTS',
    sql: `SELECT i.id, i.title FROM issue i WHERE i.title LIKE '%' || ?1 || '%' AND EXISTS
      (SELECT 1 FROM issue_label il WHERE il.issue_id = i.id) ORDER BY i.title, i.id LIMIT 10`,
    parameters: ['e'],
    order: 'total',
    strategy: 'window',
  },
  {
    name: 'a page of cards with their labels',
    sql: `SELECT i.id, (SELECT json_group_array(name) FROM (SELECT l.name FROM issue_label il JOIN label l ON l.id = il.label_id
      WHERE il.issue_id = i.id ORDER BY l.id)) AS labels FROM issue i ORDER BY i.created_at, i.id LIMIT 10 OFFSET 5`,
    order: 'total',
    strategy: 'window',
  },
  {
    name: 'who has most, the first three',
    sql: `SELECT assignee_id, count(*) AS n FROM issue WHERE assignee_id IS NOT NULL GROUP BY assignee_id
      ORDER BY n DESC, assignee_id LIMIT 3`,
    order: 'total',
    strategy: 'window',
  },
  {
    name: 'the most used labels',
    sql: `SELECT l.id, l.name, count(*) AS n FROM issue_label il JOIN label l ON l.id = il.label_id
      GROUP BY l.id ORDER BY count(*) DESC, l.id LIMIT 5 OFFSET 1`,
    order: 'total',
    strategy: 'window',
  },
  {
    name: 'the newest of two kinds',
    sql: `SELECT id, created_at AS at FROM comment UNION ALL SELECT id, at FROM notification ORDER BY at DESC, id LIMIT 10`,
    order: 'total',
    strategy: 'window',
  },
  {
    name: 'the first few who have something',
    sql: 'SELECT DISTINCT assignee_id FROM issue WHERE status = ? ORDER BY 1 DESC LIMIT 4',
    parameters: ['done'],
    order: 'total',
    strategy: 'window',
  },

  // DISTINCT.
  {
    name: 'statuses in use at one priority',
    sql: 'SELECT DISTINCT status FROM issue WHERE priority = ?',
    parameters: [4],
    strategy: 'distinct',
  },
  {
    name: 'who takes part in a project',
    sql: `SELECT DISTINCT m.id, m.name FROM member m JOIN issue i ON i.assignee_id = m.id WHERE i.project_id = ? ORDER BY m.name`,
    parameters: ['p1'],
    order: [1],
    strategy: 'distinct',
  },
  {
    name: 'issues with any of some labels, each once',
    sql: `SELECT DISTINCT i.id, i.title FROM issue i JOIN issue_label il ON il.issue_id = i.id WHERE il.label_id IN (?, ?) ORDER BY i.id`,
    parameters: ['b1', 'b3'],
    order: 'total',
    strategy: 'distinct',
  },
  {
    name: 'names, whatever their case',
    sql: 'SELECT DISTINCT name FROM label',
    upTo: 'case',
    strategy: 'distinct',
  },
  {
    name: 'pairs with NULL',
    sql: 'SELECT DISTINCT assignee_id, priority FROM issue ORDER BY 1, 2',
    order: 'total',
    strategy: 'distinct',
  },
  {
    name: 'months in which something began',
    sql: "SELECT DISTINCT substr(created_at, 1, 7) AS month FROM issue WHERE status = 'doing' ORDER BY month DESC",
    order: 'total',
    strategy: 'distinct',
  },
  {
    name: 'who wrote where, also nowhere',
    sql: `SELECT DISTINCT m.id, i.project_id FROM member m LEFT JOIN comment c ON c.author_id = m.id LEFT JOIN issue i ON i.id = c.issue_id`,
    strategy: 'distinct',
  },
  {
    name: 'colors of labels in use, by a subquery',
    sql: 'SELECT DISTINCT color FROM label WHERE id IN (SELECT label_id FROM issue_label)',
    strategy: 'distinct',
  },
]
