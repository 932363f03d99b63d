import { readFileSync } from 'node:fs'
import { expect, test, vi } from 'vitest'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

test('the README shows readme/todos.ts as it is', () => {
  const blocks = [...read('../README.md').matchAll(/```ts (\S+)\n(.*?)```/gs)]
  expect(blocks.map(([, name]) => name)).toEqual(['todos.ts'])
  for (const [, name, code] of blocks) expect(code).toBe(read(`readme/${name}`))
})

test('and it does what its comments say', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  const { open, shown, woken, finished } = await import('./readme/todos.ts')
  expect(shown).toEqual(['Buy milk', 'Wash the car'])
  expect(woken).toBe(1)
  expect(finished).toEqual([[1]])
  expect(open.map(({ title }) => title)).toEqual(['WASH THE CAR'])
  expect(log.mock.calls).toEqual([['WRITE_REJECTED']])
  log.mockRestore()
})
