import type { TableEntry } from './query.ts'

const TODAY = '2024-05-15'

/** What an app of todo lists asks for; l1 is the list on the screen. `list` and `todo` are replicated. */
export const TODOS: readonly TableEntry[] = [
  {
    name: 'a list',
    sql: 'SELECT id, title, done, starred FROM todo WHERE list_id = ? ORDER BY done, position, id',
    parameters: ['l1'],
    order: 'total',
    strategy: 'restrict',
  },
  {
    name: 'today, from all lists that are in use',
    sql: `SELECT t.id, t.title, t.due_on, l.name FROM todo t JOIN list l ON l.id = t.list_id
      WHERE t.done = 0 AND t.due_on <= ? AND l.archived = 0 ORDER BY t.due_on, l.position, t.position, t.id`,
    parameters: [TODAY],
    strategy: 'restrict',
  },
  {
    name: 'lists with what is left in them',
    sql: `SELECT l.*, (SELECT count(*) FROM todo t WHERE t.list_id = l.id AND NOT t.done) AS open
      FROM list l WHERE l.archived = 0 ORDER BY l.position, l.name, l.id`,
    order: 'total',
    strategy: 'restrict',
  },
  {
    name: 'folders with their lists as JSON',
    sql: `SELECT f.id, f.name, (SELECT json_group_array(json_object('id', id, 'name', name)) FROM
      (SELECT l.id, l.name FROM list l WHERE l.folder_id = f.id ORDER BY l.position, l.id)) AS lists FROM folder f`,
    strategy: 'restrict',
  },
  {
    name: 'sidebar: the tree of folders with counts of lists and todos',
    sql: `SELECT f.id, f.parent_id, (SELECT count(*) FROM list l WHERE l.folder_id = f.id) AS lists,
        (SELECT count(*) FROM list l JOIN todo t ON t.list_id = l.id WHERE l.folder_id = f.id AND t.done = 0) AS open
      FROM folder f ORDER BY f.parent_id, f.name, f.id`,
    order: 'total',
    strategy: 'restrict',
  },
  {
    name: 'todos without a list that exists',
    sql: 'SELECT t.id, t.list_id FROM todo t LEFT JOIN list l ON l.id = t.list_id WHERE l.id IS NULL',
    strategy: 'restrict',
  },
  {
    name: 'todos with a tag',
    sql: 'SELECT t.* FROM todo t WHERE t.id IN (SELECT todo_id FROM todo_tag WHERE tag = ?) ORDER BY t.id',
    parameters: ['Home'],
    order: 'total',
    strategy: 'restrict',
  },
  {
    name: 'the next one of each list',
    sql: `SELECT l.id, t.id, t.title FROM list l LEFT JOIN todo t ON t.id =
      (SELECT n.id FROM todo n WHERE n.list_id = l.id AND n.done = 0 ORDER BY n.position, n.id LIMIT 1) ORDER BY l.id`,
    order: 'total',
    strategy: 'restrict',
  },
  {
    name: 'steps of a todo',
    sql: 'SELECT s.id, s.title, s.done FROM todo s JOIN todo t ON s.parent_id = t.id WHERE t.list_id = ? ORDER BY s.position',
    parameters: ['l1'],
    strategy: 'restrict',
  },
  {
    name: 'neighbours that stand at one position',
    sql: `SELECT a.id, b.id, a.position FROM todo a JOIN todo b
      ON b.list_id = a.list_id AND b.position = a.position AND b.id > a.id WHERE a.done = 0 AND b.done = 0`,
    strategy: 'restrict',
  },
  {
    name: 'starred and due, the second list of two',
    sql: `SELECT id, title, 'starred' AS why FROM todo WHERE starred = 1
      UNION ALL SELECT id, title, 'due' FROM todo WHERE due_on < ? ORDER BY id, why`,
    parameters: [TODAY],
    order: 'total',
    strategy: 'restrict',
  },
  {
    name: 'how many are left',
    sql: 'SELECT count(*) AS remaining FROM todo WHERE list_id = ? AND done = 0',
    parameters: ['l1'],
    strategy: 'aggregate',
  },
  {
    name: 'done and not done',
    sql: 'SELECT sum(done) AS done, sum(1 - done) AS open, count(*) AS n, max(position) + 1 AS next FROM todo WHERE list_id = ?',
    parameters: ['l1'],
    strategy: 'aggregate',
  },
  {
    name: 'how many in each list, also in an empty one',
    sql: `SELECT l.id, l.name, count(t.id) AS n, count(t.id) FILTER (WHERE t.done) AS done FROM list l
      LEFT JOIN todo t ON t.list_id = l.id GROUP BY l.id, l.name ORDER BY l.id`,
    order: 'total',
    strategy: 'aggregate',
  },
  {
    name: 'how many in each folder',
    sql: `SELECT f.id, count(t.id) FROM folder f LEFT JOIN list l ON l.folder_id = f.id
      LEFT JOIN todo t ON t.list_id = l.id AND t.done = 0 GROUP BY f.id`,
    strategy: 'aggregate',
  },
  {
    name: 'cloud of tags',
    sql: 'SELECT tag, count(*) AS n FROM todo_tag GROUP BY tag ORDER BY n DESC, tag',
    order: 'total',
    upTo: 'case',
    strategy: 'aggregate',
  },
  {
    name: 'tags of what is left in a list',
    sql: `SELECT g.tag, count(*) FROM todo_tag g JOIN todo t ON t.id = g.todo_id WHERE t.list_id = ? AND t.done = 0 GROUP BY g.tag`,
    parameters: ['l1'],
    upTo: 'case',
    strategy: 'aggregate',
  },
  {
    name: 'how many are due on each day',
    sql: 'SELECT due_on, count(*) FROM todo WHERE done = 0 AND due_on IS NOT NULL GROUP BY due_on ORDER BY due_on',
    order: 'total',
    strategy: 'aggregate',
  },
  {
    name: 'the first thirty of a long list',
    sql: 'SELECT id, title, done FROM todo WHERE list_id = ? ORDER BY position, id LIMIT 30',
    parameters: ['l1'],
    order: 'total',
    strategy: 'window',
  },
  {
    name: 'the next thing to do',
    sql: `SELECT t.id, t.title, l.name FROM todo t JOIN list l ON l.id = t.list_id WHERE NOT t.done
      ORDER BY t.due_on IS NULL, t.due_on, l.position, t.position, t.id LIMIT 1`,
    order: 'total',
    strategy: 'window',
  },
  {
    name: 'the three lists with most to do',
    sql: `SELECT l.id, count(*) AS n FROM list l JOIN todo t ON t.list_id = l.id WHERE t.done = 0
      GROUP BY l.id ORDER BY n DESC, l.id LIMIT 3`,
    order: 'total',
    strategy: 'window',
  },
  {
    name: 'tags in use',
    sql: 'SELECT DISTINCT g.tag FROM todo_tag g JOIN todo t ON t.id = g.todo_id ORDER BY g.tag',
    order: 'total',
    upTo: 'case',
    strategy: 'distinct',
  },
  {
    name: 'days on which something is due',
    sql: 'SELECT DISTINCT due_on FROM todo WHERE list_id = ? AND due_on IS NOT NULL',
    parameters: ['l1'],
    strategy: 'distinct',
  },
]
