import type { Expr } from '@millrace/protocol'
import { expect, test } from 'vitest'
import { UNKNOWN } from './expression/cell.ts'
import { compileExpr } from './expression/compile.ts'
import { loadOnDemand } from './on-demand.ts'

test('a function is not known until its library is loaded, which the first expression with one asks for', async () => {
  const upper: Expr = {
    type: 'call',
    name: 'upper',
    args: [{ type: 'value', value: 'straße' }],
    collation: 'BINARY',
  }
  const isGreater: Expr = {
    type: 'compare',
    op: '>',
    left: { type: 'value', value: 2 },
    right: { type: 'value', value: 1 },
    affinity: 'BLOB',
    collation: 'BINARY',
  }
  const tell = compileExpr(upper)
  const image = () => null
  expect(tell(image, [])).toBe(UNKNOWN)
  expect(compileExpr(isGreater)(image, [])).toBe(1)
  await loadOnDemand()
  expect(tell(image, [])).toBe('STRAßE')
})
