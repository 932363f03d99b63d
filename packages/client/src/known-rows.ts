import type { RowKey, WriteId } from '@millrace/protocol'
import type { PendingWrites } from './pending.ts'
import type { Rows, Writes } from './predict/predictor.ts'
import type { RowCache, RowImage } from './row-cache.ts'
import { fold, type RowState, untouched } from './row-state.ts'

/** The rows of tables as they are known here: what the views in use know, and what pending writes make of it. */
export class KnownRows implements Rows {
  readonly #cache: RowCache
  readonly #pending: Pick<PendingWrites<unknown>, 'row'>

  constructor(cache: RowCache, pending: Pick<PendingWrites<unknown>, 'row'>) {
    this.#cache = cache
    this.#pending = pending
  }

  state(table: string, key: RowKey, without?: Writes): RowState | undefined {
    const pending = this.#pending.row(table, key)
    if (pending !== undefined && without === undefined) {
      pending.state ??= fold(this.#cache.image(table, key), pending.operations)
      return pending.state
    }
    const operations = pending?.operations.filter(({ write }) => !without?.has(write)) ?? []
    const image = this.#cache.image(table, key)
    if (operations.length > 0) return fold(image, operations)
    return image === undefined ? undefined : untouched(image)
  }

  image(table: string, key: RowKey): RowImage | undefined {
    return this.#cache.image(table, key)
  }

  isPending(table: string, key: RowKey): boolean {
    return this.#pending.row(table, key) !== undefined
  }

  writes(table: string, key: RowKey): readonly WriteId[] {
    return this.#pending.row(table, key)?.operations.map(({ write }) => write) ?? []
  }
}
