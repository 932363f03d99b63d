import type { SqlValue } from '@millrace/protocol'
import type { Case } from './check.ts'
import { type Step, writesOf } from './history.ts'
import type { RandomQuery } from './random-query.ts'

/**
 * Makes a case that fails small: leaves out queries, steps, operations, statements of the schema and parts of the
 * queries, as long as what is left still fails in the same way. `attempts` bounds the work.
 */
export function shrink(found: Case, fails: (smaller: Case) => boolean, attempts = 1500): Case {
  let best = found
  let left = attempts
  const accept = (smaller: Case): boolean => {
    if (left <= 0) return false
    left--
    if (!fails(smaller)) return false
    best = smaller
    return true
  }
  for (let progress = true; progress && left > 0; ) {
    progress = false
    for (const pass of PASSES) if (pass(() => best, accept)) progress = true
  }
  return best
}

/** One way to make a case smaller: says whether it did. */
type Pass = (current: () => Case, accept: (smaller: Case) => boolean) => boolean

/** Leaves out runs of items, long ones first. */
const without =
  <T>(items: (of: Case) => readonly T[], replace: (of: Case, items: readonly T[]) => Case): Pass =>
  (current, accept) => {
    let did = false
    for (let size = items(current()).length; size >= 1; size = Math.floor(size / 2)) {
      for (let at = 0; at < items(current()).length; ) {
        const rest = items(current()).toSpliced(at, size)
        if (accept(replace(current(), rest))) did = true
        else at += size
      }
    }
    return did
  }

/** Subscribing moves with the steps before it that go. */
function withoutSteps(of: Case, rest: readonly Step[]): Case {
  const before = of.history.slice(0, of.subscribeAfter ?? 0)
  return { ...of, history: rest, subscribeAfter: rest.filter((step) => before.includes(step)).length }
}

const operations: Pass = (current, accept) => {
  let did = false
  for (let at = 0; at < current().history.length; at++) {
    const step = () => current().history[at] as Step
    const put = (of: Case, smaller: Step): Case => ({ ...of, history: of.history.with(at, smaller) })
    const inStep =
      step().type === 'merge'
        ? without<string>(
            () => (step() as Extract<Step, { type: 'merge' }>).statements,
            (of, statements) => put(of, { ...(step() as Extract<Step, { type: 'merge' }>), statements }),
          )
        : step().type === 'group'
          ? without(
              () => writesOf(step()),
              (of, writes) => put(of, { type: 'group', writes }),
            )
          : without(
              () => writesOf(step()).flat(),
              (of, operations) => put(of, { ...(step() as Extract<Step, { type: 'write' }>), operations }),
            )
    if (inStep(current, accept)) did = true
    // A plain write says more.
    const one = step()
    if (one.type === 'group' || one.type === 'rest') {
      const plain: Step = { type: 'write', operations: writesOf(one).flat() }
      if (accept(put(current(), plain))) did = true
    }
  }
  return did
}

const queryParts: Pass = (current, accept) => {
  let did = false
  for (let at = 0; at < current().queries.length; at++) {
    for (let again = true; again; ) {
      again = false
      for (const simpler of (current().queries[at] as RandomQuery).simpler?.() ?? []) {
        again = accept({ ...current(), queries: current().queries.with(at, simpler) })
        if (again) break
      }
      did ||= again
    }
  }
  return did
}

const PASSES: readonly Pass[] = [
  without(
    ({ queries }) => queries,
    (of, queries) => ({ ...of, queries }),
  ),
  without(({ history }) => history, withoutSteps),
  operations,
  without(
    ({ schema }) => schema.split('\n'),
    (of, lines) => ({ ...of, schema: lines.join('\n') }),
  ),
  queryParts,
]

/** The case as it is written in cases.ts. */
export function showCase({ schema, queries, history, subscribeAfter = 0 }: Case, name: string): string {
  const lines = [
    `name: ${quoted(name)},`,
    `schema: ${backquoted(schema)},`,
    `queries: [${queries.map(showQuery).join(', ')}],`,
    ...(subscribeAfter > 0 ? [`subscribeAfter: ${subscribeAfter},`] : []),
    `history: [\n    ${history.map((step) => `${showStep(step)},`).join('\n    ')}\n  ],`,
  ]
  return `{\n  ${lines.join('\n  ')}\n},`
}

function showQuery({ sql, simpler: _, parameters, order, choice, ...marks }: RandomQuery): string {
  const more = {
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(order.length > 0 ? { order } : {}),
    ...(choice ? { choice } : {}),
    ...Object.fromEntries(Object.entries(marks).filter(([, mark]) => mark !== false && mark !== undefined)),
  }
  return `query(${quoted(sql.trim())}${Object.keys(more).length === 0 ? '' : `, ${literalText(more)}`})`
}

function showStep(step: Step): string {
  if (step.type !== 'write') return literalText(step)
  const plain = step.operations.every(
    (operation) => operation.type === 'exec' && operation.parameters.length === 0,
  )
  if (!plain) return literalText(step)
  return `write(${step.operations.map((operation) => ('sql' in operation ? quoted(operation.sql) : '')).join(', ')})`
}

const backquoted = (text: string) => `\`${text.replaceAll(/[\\`$]/g, '\\$&')}\``
const quoted = (text: string) => (text.includes("'") || text.includes('\n') ? backquoted(text) : `'${text}'`)

/** A value as source text. */
function literalText(value: unknown): string {
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'bigint') return `${value}n`
  if (value instanceof Uint8Array) return `new Uint8Array([${[...value].join(', ')}])`
  if (Array.isArray(value)) return `[${value.map(literalText).join(', ')}]`
  if (typeof value === 'object' && value !== null)
    return `{ ${Object.entries(value as Record<string, SqlValue>)
      .map(([name, inner]) => `${name}: ${literalText(inner)}`)
      .join(', ')} }`
  return String(value)
}
