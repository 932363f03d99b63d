import { expect, test } from 'vitest'
import { openEngine } from '../src/node.ts'

const one = async (sql: string) => {
  const engine = await openEngine({ schema: 'CREATE TABLE t (x)' })
  try {
    return engine.query(`SELECT ${sql}`).rows[0]?.[0]
  } finally {
    engine.close()
  }
}

test('concat_ws is what SQLite says it is', async () => {
  expect(await one("concat_ws('-', 'a', NULL, 2, 1.5, x'62', '')")).toBe('a-2-1.5-b')
  expect(await one("concat_ws('-', '', 'a', '', 'b')")).toBe('a-b')
  expect(await one("concat_ws(NULL, 'a', 'b')")).toBe(null)
  expect(await one("concat_ws(', ', NULL, NULL)")).toBe('')
  expect(await one("concat_ws('é', 'ü', '日本')")).toBe('üé日本')
  expect(await one('typeof(concat_ws(1, 2, 3)) || concat_ws(1, 2, 3)')).toBe('text213')
  await expect(one("concat_ws('x')")).rejects.toMatchObject({ code: 'INVALID_SQL' })
})

test('a long separator is refused, and the engine goes on: SQLite itself writes beyond its buffer there', async () => {
  const engine = await openEngine({ schema: 'CREATE TABLE t (x)' })
  const many = Array(127 - 1)
    .fill("'a'")
    .join(', ')
  const long = "replace(hex(zeroblob(9000000)), '0', 'a')"
  expect(() => engine.query(`SELECT length(concat_ws(${long}, ${many}))`)).toThrow(/too big/)
  expect(engine.query("SELECT concat_ws('-', 1, 2)").rows).toEqual([['1-2']])
  engine.close()
})
