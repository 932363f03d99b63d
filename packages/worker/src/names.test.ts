import { expect, test } from 'vitest'
import { databaseFolder } from './names.ts'

test('a name of plain characters is its own folder', () => {
  expect(databaseFolder('my-app_2')).toBe('my-app_2')
})

test('different names never meet, also where the file system folds case', () => {
  const names = ['a', 'A', '%41;', '.', '..', 'a/b', 'a%2f;b', 'ab', 'é', 'e\u0301', '\ud800', '\ud801']
  const folders = names.map((name) => databaseFolder(name).toLowerCase())
  expect(new Set(folders).size).toBe(names.length)
  for (const folder of folders) expect(folder).toMatch(/^[a-z0-9_%;-]+$/)
})

test('a name that cannot be a folder is refused', () => {
  expect(() => databaseFolder('')).toThrow(TypeError)
  expect(() => databaseFolder('x'.repeat(256))).toThrow(TypeError)
})
