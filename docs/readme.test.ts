import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')
const withoutLintComments = (code: string) => code.replace(/^\s*\/\/ biome-ignore .*\n/gm, '')

// Those files compile with all others, and their tests run in their packages; so what the README shows does.
test('the README shows the examples of the bindings, as they are', () => {
  const blocks = [...read('../README.md').matchAll(/```tsx (\w+)\/(\S+)\n(.*?)```/gs)]
  expect(blocks.map(([, framework, file]) => `${framework}/${file}`)).toEqual([
    'react/todos.tsx',
    'react/main.tsx',
    'solid/todos.tsx',
    'solid/main.tsx',
    'react/todos.test.tsx',
  ])
  for (const [, framework, file, code] of blocks) {
    expect(code).toBe(withoutLintComments(read(`../packages/${framework}/test/readme/${file}`)))
  }
})

test('CI runs the line by which the README runs all tests', () => {
  const line = 'npm ci && npm test'
  expect(read('../README.md')).toContain(`\`\`\`sh\n${line}\n\`\`\``)
  expect(read('../.ci/run').replace('installed=1 && ', '')).toContain(line)
})
