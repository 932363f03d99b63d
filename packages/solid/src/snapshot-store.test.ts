import type { Edit, Snapshot } from '@millrace/client'
import fc from 'fast-check'
import { createEffect, createRoot, mapArray } from 'solid-js'
import { unwrap } from 'solid-js/store'
import { describe, expect, test } from 'vitest'
import { createSnapshotStore } from './snapshot-store.ts'

interface Item {
  readonly id: number
  readonly title: string
  readonly done: number
}

const item = (id: number, title = `t${id}`, done = 0): Item => Object.freeze({ id, title, done })

const live = <R>(data: readonly R[]): Snapshot<R> => ({
  data,
  status: 'live',
  error: undefined,
  settling: false,
  version: 1,
})

/** A store that shows `data`, and the changes of it in the way of the client: new arrays, frozen rows. */
function shown(data: readonly Item[]) {
  const { store, show, apply } = createSnapshotStore<Item>()
  show(live(data))
  const current = { data }
  return {
    store,
    current,
    change(edits: readonly Edit<Item>[]) {
      const next = current.data.slice()
      for (const edit of edits) {
        if (edit.type === 'insert') next.splice(edit.index, 0, edit.row)
        else if (edit.type === 'remove') next.splice(edit.index, 1)
        else next[edit.index] = edit.row
      }
      current.data = next
      apply({ edits, renewed: () => [], snapshot: live(next) })
    },
    reset(next: readonly Item[]) {
      const old = new Map(current.data.map((row) => [row.id, row]))
      current.data = next
      const renewed = next.flatMap((row) => {
        const before = old.get(row.id)
        return before === undefined || before === row ? [] : [[before, row] as const]
      })
      apply({ edits: null, renewed: () => renewed, snapshot: live(next) })
    },
  }
}

/** Notes each computation that a change runs again: the columns of rows by name, and the list. */
function observe(store: Snapshot<Item>): { readonly ran: string[]; stop(): void } {
  const ran: string[] = []
  const stop = createRoot((dispose) => {
    const rows = mapArray(
      () => store.data,
      (row) => {
        const id = row.id
        createEffect(() => void ran.push(`${id}.title=${row.title}`))
        createEffect(() => void ran.push(`${id}.done=${row.done}`))
        return id
      },
    )
    createEffect(() => void ran.push(`[${rows().join(' ')}]`))
    return dispose
  })
  ran.length = 0
  return { ran, stop }
}

describe('what a change wakes', () => {
  const three = [item(1), item(2), item(3)]

  test('an update: the changed column of the changed row', () => {
    const { store, change } = shown(three)
    const { ran } = observe(store)
    change([{ type: 'update', index: 1, row: item(2, 't2', 1) }])
    expect(ran).toEqual(['2.done=1'])
  })

  test('a move: the list', () => {
    const { store, change } = shown(three)
    const { ran } = observe(store)
    change([
      { type: 'remove', index: 0 },
      { type: 'insert', index: 2, row: three[0] as Item },
    ])
    expect(ran).toEqual(['[2 3 1]'])
  })

  test('a row that changes and moves: its column and the list', () => {
    const { store, change } = shown(three)
    const { ran } = observe(store)
    const moved = item(1, 'later')
    change([
      { type: 'update', index: 0, row: moved },
      { type: 'remove', index: 0 },
      { type: 'insert', index: 2, row: moved },
    ])
    expect(ran.sort()).toEqual(['1.title=later', '[2 3 1]'])
  })

  test('an insert that is withdrawn: the list, twice', () => {
    const { store, change } = shown(three)
    const { ran } = observe(store)
    change([{ type: 'insert', index: 0, row: item(0) }])
    change([{ type: 'remove', index: 0 }])
    expect(ran.filter((entry) => entry.startsWith('['))).toEqual(['[0 1 2 3]', '[1 2 3]'])
  })

  test('a reset with the same rows: nothing', () => {
    const { store, reset } = shown(three)
    const { ran } = observe(store)
    reset(three.slice())
    expect(ran).toEqual([])
  })

  test('a reset in which all rows are new objects: the columns that differ', () => {
    const { store, reset } = shown(three)
    const { ran } = observe(store)
    reset([item(1), item(2, 'zwei'), item(3)])
    expect(ran).toEqual(['2.title=zwei'])
  })

  test('equal bytes in another array: nothing', () => {
    const { store, show, apply } = createSnapshotStore<{ blob: Uint8Array }>()
    const before = { blob: Uint8Array.of(1, 2) }
    show(live([before]))
    const ran: Uint8Array[] = []
    createRoot(() => createEffect(() => void ran.push((store.data[0] as typeof before).blob)))
    const same = { blob: Uint8Array.of(1, 2) }
    const renewed = () => []
    apply({ edits: [{ type: 'update', index: 0, row: same }], renewed, snapshot: live([same]) })
    const other = { blob: Uint8Array.of(1, 3) }
    apply({ edits: [{ type: 'update', index: 0, row: other }], renewed, snapshot: live([other]) })
    expect(ran).toEqual([before.blob, other.blob])
  })
})

test('the rows of the client stay as they were', () => {
  const rows = [item(1), item(2)]
  const { change } = shown(rows)
  change([{ type: 'update', index: 0, row: item(1, 'changed') }])
  expect(rows).toEqual([item(1), item(2)])
})

/** One step: a few edits of rows chosen by number, or a reset: to an earlier state, or of all rows, in reverse. */
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.array(fc.record({ what: fc.nat(3), at: fc.nat(), to: fc.nat() }), { maxLength: 4 }),
  },
  { weight: 1, arbitrary: fc.record({ back: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ all: fc.nat(9) }) },
)

test('law: after each change the store equals the snapshot, and a row keeps its object while it is shown', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const start = [item(1), item(2), item(3), item(4)]
      const { store, current, change, reset } = shown(start)
      const history = [current.data]
      const objects = new Map(store.data.map((row) => [row.id, row]))
      let nextId = 5
      for (const one of steps) {
        const before = new Set(current.data.map((row) => row.id))
        if ('back' in one) {
          reset(history[one.back % history.length] as readonly Item[])
        } else if ('all' in one) {
          reset(current.data.map((row) => item(row.id, `all ${one.all}`)).reverse())
        } else {
          const edits: Edit<Item>[] = []
          const rows = current.data.slice()
          for (const { what, at, to } of one) {
            const index = rows.length === 0 ? 0 : at % rows.length
            const row = rows[index]
            if (what === 0 || row === undefined) {
              const added = item(nextId++)
              rows.splice(index, 0, added)
              edits.push({ type: 'insert', index, row: added })
            } else if (what === 1) {
              rows.splice(index, 1)
              edits.push({ type: 'remove', index })
            } else if (what === 2) {
              const changed = item(row.id, `t${to}`, to % 2)
              rows[index] = changed
              edits.push({ type: 'update', index, row: changed })
            } else {
              const target = to % rows.length
              rows.splice(index, 1)
              rows.splice(target, 0, row)
              edits.push({ type: 'remove', index }, { type: 'insert', index: target, row })
            }
          }
          change(edits)
        }
        history.push(current.data)
        expect(unwrap(store.data)).toEqual(current.data)
        for (const row of store.data) {
          if (before.has(row.id)) expect(row).toBe(objects.get(row.id))
          objects.set(row.id, row)
        }
      }
    }),
  )
})
