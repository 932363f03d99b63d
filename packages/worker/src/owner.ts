import { createEngine, type Engine, loadSqlite, type Sqlite } from '@millrace/engine'
import { type ErrorData, encodeError, MillraceError, PROTOCOL_VERSION } from '@millrace/protocol'
import { afterWaitingMessages } from './defer.ts'
import { deferred } from './deferred.ts'
import { ChannelLine, type Line } from './line.ts'
import {
  type DiscoveryMessage,
  type FromWorker,
  isControlMessage,
  isDiscoveryMessage,
  isEngineMessage,
  type Settings,
  type StorageType,
} from './messages.ts'
import {
  discoveryChannel,
  type OwnerEpoch,
  type PortId,
  portLock,
  privateChannels,
  randomId,
} from './names.ts'
import { OwnerReader } from './reader/owner-reader.ts'
import { exposeCalls } from './remote-calls.ts'
import { resetDatabase } from './storage/reset.ts'
import { openStorage, type Storage } from './storage/storage.ts'
import { HEARTBEAT } from './time-limits.ts'
import { compileWasm } from './wasm.ts'

/** Milliseconds: a live query that nobody shows is kept for so long, for a view that is rebuilt finds it as it was. */
const DELAY = 1000

/** A port from the owner's side. */
interface Session {
  end(): void
}

interface Opened {
  readonly engine: Engine
  readonly storage: Storage
  /** Null in memory: only its owner can read it. */
  readonly reader: OwnerReader | null
}

/**
 * The one worker that has the database open. It lives while it has the lock; tabs that ask before the database is open
 * are answered when it is.
 */
export class Owner {
  readonly #settings: Settings
  readonly #tell: (message: FromWorker) => void
  readonly #module: WebAssembly.Module | undefined
  readonly #epoch = randomId() as OwnerEpoch
  /** Undefined where it is the owner for its own page alone. */
  readonly #discovery: BroadcastChannel | undefined
  readonly #sessions = new Map<PortId, Session>()
  readonly #over = deferred<void>()
  readonly #opened: Promise<Opened>
  readonly #filesOpened = deferred<void>()

  #state: 'owner' | 'over' = 'owner'
  /** Why nobody is served any more. */
  #cleared: ErrorData | undefined
  /** When it last gave a sign of life from within a statement. */
  #lastSign = 0

  /**
   * Call it with the lock in hand, and keep the lock until `over`. `module`: the wasm, where it is loaded already. `tell`
   * speaks to the page of this worker.
   */
  constructor(
    settings: Settings,
    module: WebAssembly.Module | undefined,
    tell: (message: FromWorker) => void,
  ) {
    this.#settings = settings
    this.#module = module
    this.#tell = tell
    this.#discovery =
      settings.alone === undefined ? new BroadcastChannel(discoveryChannel(settings.name)) : undefined
    this.#discovery?.addEventListener('message', ({ data }) => {
      if (isDiscoveryMessage(data)) this.#hear(data)
    })
    this.#tell({ type: 'elected' })
    this.#say({ type: 'owner', epoch: this.#epoch })
    this.#opened = this.#open()
    this.#opened.catch((error) => this.#fail(error))
  }

  /** Resolves when the database is closed, or could not be opened. */
  get over(): Promise<void> {
    return this.#over.promise
  }

  /** A port of our own page, which may call at once. */
  async connect(port: PortId, control: Line, changes: Line): Promise<void> {
    await Promise.race([this.#filesOpened.promise, this.#opened])
    if (this.#isOver()) return
    this.#tell({ type: 'connected', port })
    const { engine } = await this.#opened
    if (this.#isOver()) return
    // Our page looked for an owner in other tabs as well, and may have found us there.
    this.#sessions.get(port)?.end()
    this.#serve(engine, port, control, changes)
  }

  #isOver(): boolean {
    return this.#state === 'over'
  }

  /** Closes the database and lets the next tab have it. */
  async close(): Promise<void> {
    if (this.#state === 'over') return
    this.#state = 'over'
    for (const session of [...this.#sessions.values()]) session.end()
    this.#discovery?.close()
    try {
      const { engine, storage, reader } = await this.#opened
      try {
        engine.close()
      } finally {
        reader?.close()
        storage.release()
      }
    } catch {
      // It never opened, or its file is broken: the next owner starts from what is on disk.
    }
    this.#over.resolve()
  }

  async #open(): Promise<Opened> {
    // Two tabs that cannot find each other must not have one file.
    const kinds = this.#settings.alone === undefined ? this.#settings.storage : (['memory'] as const)
    const module = this.#module ?? (await compileWasm(this.#settings.wasmUrl))
    try {
      return await this.#openOnce(module, await loadSqlite({ module }), kinds)
    } catch (error) {
      if (this.#settings.onSchemaMismatch !== 'reset') throw error
      await resetDatabase(await loadSqlite({ module }), this.#settings, error)
      return this.#openOnce(module, await loadSqlite({ module }), kinds)
    }
  }

  async #openOnce(
    module: WebAssembly.Module,
    sqlite: Sqlite,
    kinds: readonly StorageType[],
  ): Promise<Opened> {
    const { name, schema, durability, alone } = this.#settings
    // The fault is told from within SQLite, where nothing of ours may run.
    const onBroken = (error: MillraceError) => queueMicrotask(() => this.#fail(error))
    const storage = await openStorage(sqlite, name, kinds, durability, onBroken, this.#clear)
    const defer = afterWaitingMessages()
    // Our page can call while the database is being opened: it hears of it before.
    this.#filesOpened.resolve()
    await new Promise<void>(defer)
    try {
      const { file, disk, snapshots } = storage
      const reader = snapshots && new OwnerReader(module, snapshots)
      const info =
        alone === undefined
          ? storage.info
          : { ...storage.info, reason: `In memory of this tab, and gone when it is closed. Why: ${alone}` }
      const delay = (run: () => void) => void setTimeout(run, DELAY)
      const options = {
        sqlite,
        ...file,
        schema,
        storage: info,
        disk,
        reader,
        durability,
        defer,
        delay,
        onProgress: this.#giveSign,
      }
      const engine = createEngine(options)
      // The answers go first.
      void engine.lost.then((error) => setTimeout(() => this.#fail(error)))
      return { engine, storage, reader }
    } catch (error) {
      storage.release()
      throw error
    }
  }

  /** In a long statement nothing is heard: that it goes on is told unasked. */
  readonly #giveSign = () => {
    const now = performance.now()
    if (now - this.#lastSign < HEARTBEAT) return
    this.#lastSign = now
    this.#tell({ type: 'alive' })
    this.#say({ type: 'owner', epoch: this.#epoch })
  }

  /** Tells our page why, which then ends this worker; the other tabs learn it when their turn comes. */
  #fail(error: unknown): void {
    if (this.#state === 'over') return
    this.#tell({ type: 'failed', error: encodeError(error) })
    void this.close()
  }

  /** See `cleared` in messages.ts. */
  readonly #clear = (error: MillraceError): void => {
    this.#cleared = encodeError(error)
    this.#tell({ type: 'cleared', error: this.#cleared })
    for (const session of [...this.#sessions.values()]) session.end()
    // Those of other tabs look for an owner, and are refused.
    this.#say({ type: 'owner', epoch: randomId() as OwnerEpoch })
  }

  #hear(message: DiscoveryMessage): void {
    if (message.type === 'probe') this.#say({ type: 'owner', epoch: this.#epoch })
    if (message.type === 'hello') void this.#greet(message)
  }

  async #greet(hello: DiscoveryMessage & { type: 'hello' }): Promise<void> {
    const { port } = hello
    if (this.#isOutdatedBy(hello)) return this.#fail(this.#outdated())
    const error = this.#refusal(hello)
    if (error !== undefined) return this.#say({ type: 'refused', port, error })
    const opened = await this.#opened.catch(() => undefined)
    // It failed, and our page is told why. The tab that asks is next to try.
    if (opened === undefined || this.#state === 'over') return
    // A page that asks twice is served once.
    if (!this.#sessions.has(port)) {
      const { control, changes } = privateChannels(this.#settings.name, this.#epoch, port)
      this.#serve(
        opened.engine,
        port,
        new ChannelLine(control, isControlMessage),
        new ChannelLine(changes, isEngineMessage),
      )
    }
    this.#say({ type: 'welcome', port, epoch: this.#epoch })
  }

  #refusal(hello: DiscoveryMessage & { type: 'hello' }): ErrorData | undefined {
    if (this.#cleared !== undefined) return this.#cleared
    const { name, schema } = this.#settings
    if (hello.protocol !== PROTOCOL_VERSION) {
      return {
        code: 'PROTOCOL_MISMATCH',
        message: `The tab that has the database "${name}" open runs version ${PROTOCOL_VERSION} of Millrace's protocol, and this one version ${hello.protocol}: reload the older tab.`,
      }
    }
    if (hello.schema !== schema) {
      return {
        code: 'SCHEMA_MISMATCH',
        message: `The tab that has the database "${name}" open has another schema than this one: reload the older tab.`,
      }
    }
    return undefined
  }

  /** While the app is developed, the schema that was opened last is the one that holds. */
  #isOutdatedBy(hello: DiscoveryMessage & { type: 'hello' }): boolean {
    const { schema, onSchemaMismatch } = this.#settings
    return (
      hello.protocol === PROTOCOL_VERSION &&
      hello.schema !== schema &&
      hello.onSchemaMismatch === 'reset' &&
      onSchemaMismatch === 'reset'
    )
  }

  #outdated(): MillraceError {
    return new MillraceError(
      'SCHEMA_MISMATCH',
      `The database "${this.#settings.name}" was opened with another schema after this page had it, and onSchemaMismatch is 'reset': reload this page.`,
    )
  }

  #serve(engine: Engine, port: PortId, control: Line, changes: Line): void {
    const calls = engine.connect((message) => changes.postMessage(message))
    const ended = new AbortController()
    const session: Session = {
      end: () => {
        if (!this.#sessions.delete(port)) return
        ended.abort()
        control.close()
        changes.close()
        void calls.close()
      },
    }
    this.#sessions.set(port, session)
    // What came after SQLite failed is asked again, of the next owner.
    exposeCalls(calls, control, (error) => engine.failure === undefined || error === engine.failure)
    this.#endWithPage(port, session, ended.signal)
  }

  /** The page holds this lock while the port lives: getting it means that the page closed the port, or is gone. */
  #endWithPage(port: PortId, session: Session, signal: AbortSignal): void {
    if (this.#settings.alone !== undefined) return
    navigator.locks
      .request(portLock(this.#settings.name, port), { signal }, () => session.end())
      // Aborted: the session was ended from this side.
      .catch(() => {})
  }

  #say(message: DiscoveryMessage): void {
    if (this.#state === 'owner') this.#discovery?.postMessage(message)
  }
}
