import { readFileSync } from 'node:fs'
import { enginePort } from '@millrace/engine/node'
import { expect, test, vi } from 'vitest'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

const withoutLintComments = (code: string) => code.replace(/^\s*\/\/ biome-ignore .*\n/gm, '')

// Node has no workers with storage: the same engine, in this process, as the README says of tests.
vi.mock('@millrace/worker', () => ({
  workerPort: ({ schema }: { schema: string }) => enginePort({ schema }),
}))

test('the README shows the files in readme as they are', () => {
  const blocks = [...read('../README.md').matchAll(/```ts (\S+)\n(.*?)```/gs)]
  expect(blocks.map(([, name]) => name)).toEqual(['main.ts', 'explain.ts'])
  for (const [, name, code] of blocks) expect(code).toBe(withoutLintComments(read(`./readme/${name}`)))
})

test('and it logs the row that it writes, once', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  await import('./readme/main.ts')
  // When the first rows came, and not again when it settled.
  const logged = log.mock.calls.map(([rows]) => rows)
  log.mockRestore()
  expect(logged.at(-1)).toEqual([{ id: expect.any(String), title: 'Read this', done: 0 }])
  expect(logged.filter((rows) => rows.length === 1)).toHaveLength(1)
})

test('and explains what it says', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  await import('./readme/explain.ts')
  const logged = [...log.mock.calls]
  log.mockRestore()
  expect(logged).toEqual([
    ['restrict'],
    ['list', ['id', 'name'], 'id = ?1'],
    ['todo', ['list', 'title'], ''],
    [
      [
        expect.stringMatching(
          /^A change of list scans todo\. An index leads .*: CREATE INDEX todo_list ON todo \(list\)$/,
        ),
      ],
    ],
  ])
})
