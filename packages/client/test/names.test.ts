import { open, sql } from '@millrace/client'
import { enginePort } from '@millrace/engine/node'
import { expect, test } from 'vitest'

const schema = `
  CREATE TABLE team (id TEXT PRIMARY KEY NOT NULL, name TEXT);
  CREATE TABLE member (id TEXT PRIMARY KEY NOT NULL, team TEXT, name TEXT);
  CREATE TABLE odd (id INTEGER PRIMARY KEY NOT NULL, "__proto__" TEXT, "constructor" TEXT DEFAULT 'c');`

test('two columns of one name are refused, with the names and what to do, also of a query without rows', async () => {
  const db = await open({ port: enginePort({ schema }) })
  const twice = sql`SELECT * FROM member JOIN team ON team.id = member.team`
  const refused = {
    code: 'INVALID_SQL',
    message: expect.stringMatching(/the name id, and more than one the name name: .* AS team_id/),
  }
  await expect(db.query(twice)).rejects.toMatchObject(refused)
  const live = db.live(twice)
  live.subscribe(() => {})
  await expect.poll(() => live.snapshot.status).toBe('error')
  expect(live.snapshot.error).toMatchObject(refused)
  const named = sql`SELECT member.*, team.name AS team_name FROM member JOIN team ON team.id = member.team`
  expect(await db.query(named)).toEqual([])
  await db.close()
})

test('a column may be named as what every object has', async () => {
  const db = await open({ port: enginePort({ schema }) })
  const live = db.live(sql`SELECT * FROM odd`)
  live.subscribe(() => {})
  await expect.poll(() => live.snapshot.status).toBe('live')
  const { stored } = db.insert('odd', { id: 1 })
  const shown = JSON.stringify(live.snapshot.data)
  await stored
  expect(JSON.stringify(live.snapshot.data)).toBe('[{"id":1,"__proto__":null,"constructor":"c"}]')
  expect(shown).toBe(JSON.stringify(live.snapshot.data))
  await db.close()
})
