import { open, sql } from '@millrace/client'
// biome-ignore lint/style/noRestrictedImports: what an app writes; the test puts the engine in its place
import { workerPort } from '@millrace/worker'

const schema = `
  CREATE TABLE list (id TEXT PRIMARY KEY NOT NULL, name TEXT);
  CREATE TABLE todo (id TEXT PRIMARY KEY NOT NULL, list TEXT, title TEXT);`

const db = await open({ port: workerPort({ name: 'lists', schema }) })

const query = sql`SELECT name, title FROM list JOIN todo ON todo.list = list.id WHERE list.id = ${'a'}`
const { strategy, wokenBy, advice } = await db.explain(query)

console.log(strategy) // restrict: it runs for the rows that changed, not again as a whole
for (const { table, columns, where } of wokenBy) console.log(table, columns, where) // list [ 'id', 'name' ] id = ?1 …
console.log(advice) // A change of list scans todo. An index leads …: CREATE INDEX todo_list ON todo (list)

await db.close()
