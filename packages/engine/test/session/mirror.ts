import type { Engine } from '@millrace/engine'
import {
  type ClientId,
  type EngineCalls,
  type EngineMessage,
  type ErrorData,
  encodeKey,
  PROTOCOL_VERSION,
  type QueryId,
  type RowKey,
  type Shape,
  type SqlValue,
  type WireRow,
} from '@millrace/protocol'

export const asQuery = (id: number) => id as QueryId

/** What one live query of a client shows. */
export interface Mirrored {
  shape: Shape
  entries: { readonly key: RowKey; readonly row: WireRow }[]
  error: ErrorData | null
}

/** A client that does as the protocol says and no more: it records each message, and applies it. */
export class Mirror {
  readonly messages: EngineMessage[] = []
  readonly calls: EngineCalls
  readonly queries = new Map<QueryId, Mirrored>()
  readonly settled = new Map<number, number>()
  readonly rejected = new Map<number, ErrorData>()
  /** Rows sent since the last commit message. */
  #sent = new Map<QueryId, WireRow[]>()

  private constructor(engine: Engine) {
    this.calls = engine.connect((message) => this.#receive(structuredClone(message)))
  }

  static async connect(engine: Engine, client: string): Promise<Mirror> {
    const mirror = new Mirror(engine)
    await mirror.calls.hello({ protocol: PROTOCOL_VERSION, client: client as ClientId })
    return mirror
  }

  get commits() {
    return this.messages.filter((message) => message.type === 'commit')
  }

  /** The visible columns of a query's rows; of a window, the rows that are shown. */
  shown(query: QueryId): SqlValue[][] {
    const mirrored = this.queries.get(query)
    if (mirrored === undefined) throw new Error(`no query ${query}`)
    const { shape, entries } = mirrored
    const window = shape.plan?.type === 'rows' ? shape.plan.window : null
    const rows = window === null ? entries : entries.slice(0, window.limit)
    return rows.map(({ row }) => row.slice(0, shape.columns.length))
  }

  #receive(message: EngineMessage): void {
    this.messages.push(message)
    if (message.type === 'rows') {
      const sent = this.#sent.get(message.query) ?? []
      this.#sent.set(message.query, [...sent, ...message.rows])
      return
    }
    if (message.type === 'failed') return
    for (const change of message.changes) {
      const sent = this.#sent.get(change.query) ?? []
      switch (change.type) {
        case 'reset':
          this.queries.set(change.query, {
            shape: change.shape,
            entries: sent.map((row) => ({ key: keyOf(change.shape, row), row })),
            error: null,
          })
          break
        case 'delta': {
          const mirrored = this.queries.get(change.query)
          if (mirrored === undefined) throw new Error('a delta before any reset')
          if (sent.length !== change.at.length) throw new Error('a delta without its rows')
          const { shape } = mirrored
          const there = new Set(mirrored.entries.map(({ key }) => key))
          for (const key of change.remove) if (!there.has(key)) throw new Error(`no row ${key} to remove`)
          const put = sent.map((row) => ({ key: keyOf(shape, row), row }))
          const gone = new Set([...change.remove, ...put.map(({ key }) => key)])
          const entries = mirrored.entries.filter(({ key }) => !gone.has(key))
          put.forEach((entry, i) => {
            entries.splice(change.at[i] ?? 0, 0, entry)
          })
          mirrored.entries = entries
          break
        }
        case 'error': {
          const mirrored = this.queries.get(change.query)
          if (mirrored === undefined) {
            this.queries.set(change.query, {
              shape: { columns: [], key: [], tables: [], order: null, plan: null },
              entries: [],
              error: change.error,
            })
          } else mirrored.error = change.error
          break
        }
      }
    }
    this.#sent = new Map()
    for (const { id, changes } of message.settled) this.settled.set(id, changes)
    for (const { id, error } of message.rejected) this.rejected.set(id, error)
  }
}

function keyOf(shape: Shape, row: WireRow): RowKey {
  return encodeKey(
    shape.key.map(({ column }) => row[column] as SqlValue),
    shape.key.map(({ collation }) => collation),
  )
}
