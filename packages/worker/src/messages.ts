import type { ErrorData } from '@millrace/protocol'
import type { OwnerEpoch, PortId } from './names.ts'

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
   * epoch has lost it.
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
  readonly durability: 'strict' | 'relaxed'
  readonly onSchemaMismatch: 'error' | 'reset'
  readonly wasmUrl: string | undefined
}

export type StorageType = 'opfs' | 'memory'

/** From a page to the worker that it started. */
export type ToWorker =
  /** First and once: wait for the lock, then open. */
  | { readonly type: 'start'; readonly settings: Settings }
  /** Only after `elected`. */
  | {
      readonly type: 'connect'
      readonly port: PortId
      readonly control: MessagePort
      readonly changes: MessagePort
    }
  /** Close the database if it is open, and let go of the lock. */
  | { readonly type: 'stop' }

/** From the worker to the page that started it. */
export type FromWorker =
  /** The script runs. */
  | { readonly type: 'started' }
  /** It has the lock and opens the database; ports to other owners are lost. */
  | { readonly type: 'elected' }
  /** The database is open, and this port is served. */
  | { readonly type: 'connected'; readonly port: PortId }
  /** It could not open the database, or lost it. It has let go of the lock and does nothing more. */
  | { readonly type: 'failed'; readonly error: ErrorData }
  /** The answer to `stop`. */
  | { readonly type: 'stopped' }
