import { open, sql } from '@millrace/client'
import { enginePort } from '@millrace/engine/node'
import { median, printTable, ratio, us } from './measure.ts'
import { fill, idOf, schema } from './todos.ts'

interface Item {
  id: string
  title: string
  done: number
  position: string
}

/** The least that such a store must do: a Map by key, and a sorted array of which each change makes a new one. */
class Floor {
  readonly byId = new Map<string, Item>()
  rows: readonly Item[] = []

  constructor(rows: readonly Item[]) {
    this.rows = rows
    for (const row of rows) this.byId.set(row.id, row)
  }

  update(id: string, patch: Partial<Item>): void {
    const old = this.byId.get(id) as Item
    const row = { ...old, ...patch }
    this.byId.set(id, row)
    this.rows = this.rows.with(this.#place(old.position), row)
  }

  insert(row: Item): void {
    this.byId.set(row.id, row)
    this.rows = this.rows.toSpliced(this.#place(row.position), 0, row)
  }

  #place(position: string): number {
    let low = 0
    let high = this.rows.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.rows[middle] as Item).position < position) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** From the call of a write to the subscriber that sees the new rows, on the real engine in the same process. */
export async function benchClient(): Promise<void> {
  const rows: string[][] = []
  for (const size of [50, 1_000, 10_000, 100_000]) {
    const port = enginePort({ schema: schema(false) })
    ;(await port.engine).write(fill(size, () => 'one'))
    const db = await open({ port })
    const list = db.live(
      sql<Item>`SELECT id, title, done, position FROM todo WHERE list = ${'one'} ORDER BY position`,
    )
    const count = db.live(
      sql`SELECT count(*) AS n, count(*) FILTER (WHERE done = 0) AS active FROM todo WHERE list = ${'one'}`,
    )
    let seen: unknown
    list.subscribe(() => {
      seen = list.snapshot.data
    })
    count.subscribe(() => {
      seen = count.snapshot.data
    })
    while (list.snapshot.status !== 'live' || count.snapshot.status !== 'live')
      await new Promise((resolve) => setTimeout(resolve, 5))
    const floor = new Floor(list.snapshot.data)

    const measure = async (
      name: string,
      write: (i: number) => { stored: Promise<unknown> },
      least: (i: number) => void,
    ) => {
      let time = 0
      const times: number[] = []
      for (let i = 0; i < 60; i++) {
        const start = performance.now()
        const { stored } = write(i)
        time = performance.now() - start
        if (i >= 10) times.push(time)
        await stored
      }
      times.sort((a, b) => a - b)
      const ours = (times[times.length >> 1] as number) * 1000
      const bound = await median(60, least)
      rows.push([size.toLocaleString('en'), name, us(ours), us(bound), ratio(ours, bound)])
    }
    await measure(
      'update',
      (i) => db.update('todo', idOf(i % 40), { title: `changed ${i}` }),
      (i) => floor.update(idOf(i % 40), { title: `changed ${i}` }),
    )
    const inserted = (kind: string, i: number) => ({
      id: `${kind}-${i}`,
      title: 'new',
      done: 0,
      position: `${String(i % 40).padStart(8, '0')}-${kind}-${i}`,
    })
    await measure(
      'insert',
      (i) => db.insert('todo', { ...inserted('a', i), list: 'one' }),
      (i) => floor.insert(inserted('b', i)),
    )
    if (seen === undefined) throw new Error('no subscriber was told')
    await db.close()
  }
  printTable(
    'Client, a predicted write into one whole list and its count',
    ['rows', 'write', 'Millrace', 'floor', 'of the floor'],
    rows,
  )
}
