import type { SqlValue } from '@millrace/protocol'
import loadWasm from '@vlcn.io/wa-sqlite/dist/crsqlite-sync.mjs'
import { Factory } from '@vlcn.io/wa-sqlite/src/sqlite-api.js'
import { middle } from '../measure.ts'
import { kinds, withLive } from './commits.ts'
import { inMemory, wasm } from './in-memory.ts'
import { families } from './queries.ts'
import { type Change, Changes, fill, type Size, schema, toggle } from './todos.ts'

export interface ApiTimes {
  readonly kind: string
  readonly bare: number
  readonly ours: number
}

/** A commit of ours in turns with one through the JS API that the wasm comes with, which makes each step a promise. */
export async function apiTimes(): Promise<ApiTimes[]> {
  const times: ApiTimes[] = []
  for (const [kind, size] of Object.entries(kinds)) {
    const api = await ApiWrite.filled(size, toggle)
    const contender = await withLive(families['one list each, one hit'], size, inMemory)
    const write = contender.write(toggle)
    const bare: number[] = []
    const ours: number[] = []
    for (let i = 0; i < 20_000; i++) {
      const start = performance.now()
      await api.run()
      const between = performance.now()
      write()
      if (i < 2_000) continue
      bare.push(between - start)
      ours.push(performance.now() - between)
    }
    times.push({ kind, bare: middle(bare) * 1000, ours: middle(ours) * 1000 })
    await contender.close()
  }
  return times
}

/** A transaction of one update through wa-sqlite's own JS API, which is what an app without an engine would call. */
class ApiWrite {
  readonly #api: WaSqlite
  readonly #statements: Statements
  readonly #changes = new Changes()
  readonly #change: Change

  private constructor(api: WaSqlite, statements: Statements, change: Change) {
    this.#api = api
    this.#statements = statements
    this.#change = change
  }

  static async filled(size: Size, change: Change): Promise<ApiWrite> {
    const api = Factory(await loadWasm(await wasm())) as WaSqlite
    const db = await api.open_v2(':memory:')
    await api.exec(db, `PRAGMA temp_store = memory; ${schema(size)}`)
    for (const sql of fill(size)) await api.exec(db, sql)
    const prepare = async (sql: string) =>
      (await api.prepare_v2(db, api.str_value(api.str_new(db, sql)))).stmt
    const statements = {
      begin: await prepare('BEGIN'),
      update: await prepare(`UPDATE todo SET ${change.column} = ? WHERE id = ?`),
      commit: await prepare('COMMIT'),
    }
    return new ApiWrite(api, statements, change)
  }

  async run(): Promise<void> {
    const { begin, update, commit } = this.#statements
    const { id, value } = this.#changes.next(this.#change)
    await this.#api.step(begin)
    await this.#api.reset(begin)
    this.#api.bind_collection(update, [value, id])
    await this.#api.step(update)
    await this.#api.reset(update)
    await this.#api.step(commit)
    await this.#api.reset(commit)
  }
}

interface Statements {
  readonly begin: number
  readonly update: number
  readonly commit: number
}

/** The part of it that is measured. */
interface WaSqlite {
  open_v2(name: string): Promise<number>
  exec(db: number, sql: string): Promise<number>
  str_new(db: number, text: string): number
  str_value(text: number): number
  prepare_v2(db: number, text: number): Promise<{ readonly stmt: number }>
  bind_collection(statement: number, values: readonly SqlValue[]): number
  step(statement: number): Promise<number>
  reset(statement: number): Promise<number>
}
