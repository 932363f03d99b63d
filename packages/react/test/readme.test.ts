import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')
const withoutLintComments = (code: string) => code.replace(/^\s*\/\/ biome-ignore .*\n/gm, '')

// The files compile with all others and `todos.test.tsx` runs; so what the README shows does.
test('the README shows the files in readme/, as they are', () => {
  const blocks = [...read('../README.md').matchAll(/```tsx (\S+)\n(.*?)```/gs)]
  expect(blocks.map(([, file]) => file)).toEqual(['todos.tsx', 'main.tsx', 'app.tsx', 'todos.test.tsx'])
  for (const [, file, code] of blocks) {
    expect(code).toBe(withoutLintComments(read(`./readme/${file}`)))
  }
})
