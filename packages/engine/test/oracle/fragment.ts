import type { SqlValue } from '@millrace/protocol'
import type { Dice } from './dice.ts'

/**
 * SQL text as a tree that knows what can be left out of it, so that a query that fails can be made smaller, and whose
 * parameters go with the text around them.
 */
export type Fragment =
  | string
  | readonly Fragment[]
  /** A `?`. `among`: what else it may be bound to. */
  | { readonly type: 'parameter'; readonly value: SqlValue; readonly among: readonly SqlValue[] }
  | { readonly type: 'instead'; readonly of: Fragment; readonly simpler: readonly Fragment[] }
  | {
      readonly type: 'list'
      /** Only where there are items. */
      readonly before: string
      readonly items: readonly Fragment[]
      readonly separator: string
      readonly least: number
    }

/** A fragment with others inside: part`x.a = ${value}`. */
export const part = (strings: TemplateStringsArray, ...parts: Fragment[]): Fragment =>
  strings.flatMap((text, i): Fragment[] => (i < parts.length ? [text, parts[i] as Fragment] : [text]))

/** May be left out. */
export const optional = (of: Fragment): Fragment => ({ type: 'instead', of, simpler: [''] })

/** May be replaced by what is simpler. */
export const instead = (of: Fragment, ...simpler: Fragment[]): Fragment => ({ type: 'instead', of, simpler })

export const list = (items: readonly Fragment[], separator: string, least = 1, before = ''): Fragment => ({
  type: 'list',
  before,
  items,
  separator,
  least,
})

const isSequence = (fragment: Fragment): fragment is readonly Fragment[] => Array.isArray(fragment)

export function render(fragment: Fragment): { sql: string; parameters: SqlValue[] } {
  const parameters: SqlValue[] = []
  const write = (fragment: Fragment): string => {
    if (typeof fragment === 'string') return fragment
    if (isSequence(fragment)) return fragment.map(write).join('')
    switch (fragment.type) {
      case 'parameter':
        parameters.push(fragment.value)
        return '?'
      case 'instead':
        return write(fragment.of)
      case 'list':
        return fragment.items.length === 0
          ? ''
          : fragment.before + fragment.items.map(write).join(fragment.separator)
    }
  }
  return { sql: write(fragment), parameters }
}

/** The same text with other parameters. */
export function rebind(fragment: Fragment, dice: Dice): Fragment {
  if (typeof fragment === 'string') return fragment
  if (isSequence(fragment)) return fragment.map((part) => rebind(part, dice))
  switch (fragment.type) {
    case 'parameter':
      return { ...fragment, value: dice.pick(fragment.among) }
    case 'instead':
      return { ...fragment, of: rebind(fragment.of, dice) }
    case 'list':
      return { ...fragment, items: fragment.items.map((item) => rebind(item, dice)) }
  }
}

/** Every fragment that is one step simpler; the greatest steps first. */
export function* simplify(fragment: Fragment): Generator<Fragment> {
  if (typeof fragment === 'string' || (!isSequence(fragment) && fragment.type === 'parameter')) return
  if (isSequence(fragment)) {
    for (const [i, inner] of fragment.entries())
      for (const simpler of simplify(inner)) yield fragment.with(i, simpler)
    return
  }
  if (fragment.type === 'instead') {
    yield* fragment.simpler
    for (const of of simplify(fragment.of)) yield { ...fragment, of }
    return
  }
  const { items } = fragment
  if (items.length > fragment.least)
    for (const i of items.keys()) yield { ...fragment, items: items.toSpliced(i, 1) }
  for (const [i, item] of items.entries())
    for (const simpler of simplify(item)) yield { ...fragment, items: items.with(i, simpler) }
}
