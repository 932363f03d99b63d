import { expect, test, vi } from 'vitest'
import { encodeError, MillraceError } from './error.ts'

test('the error of another copy of this package keeps its code: dev servers and bundlers load several', async () => {
  vi.resetModules()
  const copy: typeof import('./error.ts') = await import('./error.ts')
  expect(copy.MillraceError).not.toBe(MillraceError)
  const error = new copy.MillraceError('SCHEMA_MISMATCH', 'reload the older tab')
  expect(error).toBeInstanceOf(MillraceError)
  expect(encodeError(error)).toEqual({ code: 'SCHEMA_MISMATCH', message: 'reload the older tab' })
})

test('other values are no MillraceErrors', () => {
  for (const other of [new Error('no'), null, undefined, 'CLOSED', { code: 'CLOSED' }])
    expect(other instanceof MillraceError).toBe(false)
})
