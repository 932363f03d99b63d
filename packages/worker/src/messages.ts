import type { Durability, EngineMessage, ErrorData, QueryResult, SqlValue } from '@millrace/protocol'
import type { OwnerEpoch, PortId } from './names.ts'
import type { Snapshot } from './storage/snapshot.ts'

/**
 * What pages and the owner's worker say on the discovery channel. Everybody in the origin hears it. Tabs of different
 * builds must understand `hello` and `refused`, so these two only ever gain fields.
 */
export type DiscoveryMessage =
  /** A page looks for the owner. Said again while nobody answers. */
  | {
      readonly type: 'hello'
      readonly port: PortId
      readonly protocol: number
      readonly schema: string
      readonly onSchemaMismatch?: 'error' | 'reset'
    }
  /** The owner to one page: it listens on the private channels of this epoch and port. */
  | { readonly type: 'welcome'; readonly port: PortId; readonly epoch: OwnerEpoch }
  /** The owner to one page: not with this build or schema. */
  | { readonly type: 'refused'; readonly port: PortId; readonly error: ErrorData }
  /**
   * The owner to all, when it has the lock, and when probed. Who waits says hello again; who has a port of another
   * epoch has lost it. Said as well from within a long statement, in which it cannot hear: busy is not gone.
   */
  | { readonly type: 'owner'; readonly epoch: OwnerEpoch }
  /** A page to the owner, when it had no answer for a while. */
  | { readonly type: 'probe' }

/** What the worker has to know to take over. */
export interface Settings {
  readonly name: string
  readonly schema: string
  /** In order of preference. */
  readonly storage: readonly StorageType[]
  readonly durability: Durability
  readonly onSchemaMismatch: 'error' | 'reset'
  readonly wasmUrl: string | undefined
  /**
   * There: the browser gives no locks, channels and files, for this reason. The worker is the owner for its page alone then,
   * in memory.
   */
  readonly alone?: string | undefined
}

export type StorageType = 'opfs' | 'memory'

/** From a page to the worker that it started. */
export type ToWorker =
  /** First and once: wait for the lock, then open. */
  | {
      readonly type: 'start'
      readonly settings: Settings
      /** Its own, for `workerLock`. */
      readonly worker: string
    }
  /** The compiled wasm, or undefined where the page could not have it. Once, after `start`. */
  | { readonly type: 'wasm'; readonly module: WebAssembly.Module | undefined }
  /** Only after `elected`. */
  | {
      readonly type: 'connect'
      readonly port: PortId
      readonly control: MessagePort
      readonly changes: MessagePort
    }
  /** Asks for a sign of life: `alive`. */
  | { readonly type: 'probe' }
  /** Close the database if it is open, and let go of the lock. */
  | { readonly type: 'stop' }

/** From the owner's worker to the reader that it started. The next comes after the answer. */
export interface ToReader {
  readonly type: 'read'
  /** With the first. */
  readonly module: WebAssembly.Module | undefined
  readonly snapshot: Snapshot
  readonly sql: string
  readonly parameters: readonly SqlValue[]
  /** Milliseconds. */
  readonly timeout: number
}

/** From a reader to the owner's worker. */
export type FromReader =
  | { readonly type: 'started'; readonly url: string }
  | { readonly type: 'answer'; readonly result: QueryResult }
  | { readonly type: 'refused'; readonly error: ErrorData }

/** From the worker to the page that started it. */
export type FromWorker =
  /** The script runs. It is at this address. */
  | { readonly type: 'started'; readonly url: string }
  /** It holds its own lock, which its page can wait for. */
  | { readonly type: 'held' }
  /** It needs the network no more, or could not load what it needs, and waits for its turn. */
  | { readonly type: 'prepared' }
  /** The answer to `probe`; and unasked, now and then, from within a long statement. */
  | { readonly type: 'alive' }
  /** It has the lock and opens the database; ports to other owners are lost. */
  | { readonly type: 'elected' }
  /** The files are open, and this port is served as soon as the database is. */
  | { readonly type: 'connected'; readonly port: PortId }
  /** It could not open the database, or lost it. It has let go of the lock and does nothing more. */
  | { readonly type: 'failed'; readonly error: ErrorData }
  /**
   * Its files were removed from outside. It serves nobody, and keeps the lock as long as its page is there: until
   * then Chromium gives it no new files, and never lets go of the old ones where their worker was ended before.
   */
  | { readonly type: 'cleared'; readonly error: ErrorData }
  /** The answer to `stop`. */
  | { readonly type: 'stopped' }

const FIELDS: Record<DiscoveryMessage['type'], Readonly<Record<string, string>>> = {
  hello: { port: 'string', protocol: 'number', schema: 'string' },
  welcome: { port: 'string', epoch: 'string' },
  refused: { port: 'string', error: 'object' },
  owner: { epoch: 'string' },
  probe: {},
}

/** Everybody in the origin can speak on a channel: other versions, other libraries, by mistake. */
export function isDiscoveryMessage(data: unknown): data is DiscoveryMessage {
  if (!isRecord(data) || typeof data.type !== 'string' || !Object.hasOwn(FIELDS, data.type)) return false
  const fields = Object.entries(FIELDS[data.type as DiscoveryMessage['type']])
  if (!fields.every(([name, type]) => typeof data[name] === type)) return false
  if (data.type !== 'refused') return true
  return isRecord(data.error) && typeof data.error.code === 'string' && typeof data.error.message === 'string'
}

/** A call or an answer, as Comlink makes them. */
export function isControlMessage(data: unknown): boolean {
  if (!isRecord(data) || typeof data.id !== 'string' || typeof data.type !== 'string') return false
  const { path = [], argumentList = [] } = data
  return Array.isArray(path) && Array.isArray(argumentList)
}

export function isEngineMessage(data: unknown): data is EngineMessage {
  if (!isRecord(data)) return false
  switch (data.type) {
    case 'rows':
      return typeof data.query === 'number' && Array.isArray(data.rows)
    case 'commit':
      return [data.changes, data.settled, data.rejected].every(Array.isArray) && isRecord(data.version)
    case 'failed':
      return Array.isArray(data.writes)
    default:
      return false
  }
}

function isRecord(data: unknown): data is Readonly<Record<string, unknown>> {
  return typeof data === 'object' && data !== null
}
