import {
  type ClientId,
  type Journal,
  MillraceError,
  type Port,
  type PortSource,
  type WriteRequest,
} from '@millrace/protocol'
import { deferred } from '../deferred.ts'
import { ChannelLine } from '../line.ts'
import { type DiscoveryMessage, isControlMessage, isEngineMessage, type Settings } from '../messages.ts'
import { type OwnerEpoch, type PortId, portLock, privateChannels, randomId } from '../names.ts'
import { blockedStorage } from '../storage-blocked.ts'
import { CONNECT, SILENCE } from '../time-limits.ts'
import { Discovery } from './discovery.ts'
import { OwnWorker } from './own-worker.ts'
import { PageJournal } from './page-journal.ts'
import { Silence } from './silence.ts'
import { TabPort } from './tab-port.ts'
import { Wakefulness } from './wakefulness.ts'
import { WorkerScript } from './worker-script.ts'

/** Where a page gets its ports from: its own worker when that owns the database, else the owner in another tab. */
export class WorkerSource implements PortSource {
  readonly #settings: Settings
  readonly #script: WorkerScript
  readonly #ports = new Set<TabPort>()

  /** From the first connect on; undefined before, so that a source can be made where there is no page (on a server). */
  #page: Wakefulness | undefined
  #journal: PageJournal | undefined
  /** Both undefined while asleep, and after the worker's end until the next connect. */
  #worker: OwnWorker | undefined
  #discovery: Discovery | undefined
  /** Why the owner of this page is its own worker, in memory: the browser gives no locks and channels. */
  #alone: string | undefined
  /** Ended when the page falls asleep: what was begun then is begun anew when it wakes. */
  #day = new AbortController()
  #hadPort = false
  #progress: () => void = () => {}
  #closed = false

  constructor(settings: Settings, createWorker: () => Worker) {
    this.#settings = settings
    this.#script = new WorkerScript(createWorker, settings.wasmUrl)
  }

  async connect(): Promise<Port> {
    for (;;) {
      if (this.#closed) throw this.#closedError()
      this.#page ??= new Wakefulness(() => this.#fallAsleep())
      await this.#page.awake()
      if (this.#closed) throw this.#closedError()
      const day = this.#day.signal
      const left = this.#journal?.wake()
      try {
        const port = await (this.#alone === undefined ? this.#connectOn(day) : this.#connectAlone(day))
        // Known by now, but for an owner that is very quick.
        await left
        return port
      } catch (thrown) {
        if (this.#closed) throw this.#closedError()
        if (day.aborted) continue
        const error = blockedStorage(this.#settings.name, thrown)
        if (!this.#mayBeAlone(error)) throw error
        this.#endWorker(error)
        this.#closeDiscovery()
        this.#alone = error.message
      }
    }
  }

  openJournal(client: ClientId, unanswered: () => Iterable<WriteRequest>): Journal | undefined {
    const { name, storage } = this.#settings
    if (!storage.includes('opfs')) return undefined
    try {
      this.#journal = new PageJournal(name, client, localStorage, unanswered)
    } catch {
      // Site data is blocked, or this is no page.
    }
    return this.#journal
  }

  permanent(error: MillraceError): boolean {
    switch (error.code) {
      case 'INVALID_SCHEMA':
      case 'INVALID_SQL':
      case 'SCHEMA_MISMATCH':
      case 'PROTOCOL_MISMATCH':
      case 'STORAGE_UNAVAILABLE':
      case 'STORAGE_CLEARED':
      case 'CLOSED':
        return true
      default:
        return false
    }
  }

  onProgress(listener: () => void): void {
    this.#progress = listener
  }

  async persist(): Promise<boolean> {
    return (await navigator.storage?.persist?.()) ?? false
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#day.abort()
    this.#page?.dispose()
    for (const port of [...this.#ports]) port.lose(this.#closedError())
    const worker = this.#worker
    this.#worker = undefined
    this.#closeDiscovery()
    await worker?.stop(this.#closedError())
  }

  /** What cannot be kept is kept in memory, where the app allows that, also where tabs cannot find each other. */
  #mayBeAlone(error: unknown): error is MillraceError {
    const isBlocked = error instanceof MillraceError && error.code === 'STORAGE_UNAVAILABLE'
    return isBlocked && this.#alone === undefined && this.#settings.storage.includes('memory')
  }

  async #connectAlone(day: AbortSignal): Promise<Port> {
    const worker = this.#startWorker()
    const search = new AbortController()
    const failure = this.#failureOf(worker, day, search.signal)
    try {
      await Promise.race([worker.elected, failure])
      return await this.#portToOwn(randomId() as PortId, worker, failure, () => {})
    } finally {
      search.abort()
    }
  }

  /** One search for a port. Whichever comes first wins: our own worker's turn, or an owner that answers. */
  async #connectOn(day: AbortSignal): Promise<Port> {
    this.#checkBrowser()
    const worker = this.#startWorker()
    this.#discovery ??= new Discovery(this.#settings)
    const discovery = this.#discovery
    const port = randomId() as PortId
    const search = new AbortController()
    const failure = this.#failureOf(worker, day, search.signal, discovery)
    const release = await holdLock(portLock(this.#settings.name, port))
    try {
      const epoch = await Promise.race([
        worker.elected.then(() => undefined),
        discovery.findOwner(port, !this.#hadPort, search.signal),
        failure,
      ])
      if (epoch !== undefined) {
        const found = this.#portToOther(port, epoch, worker, discovery, release)
        // The owner's tab may close at any time, and this one then takes over, with the network or without.
        await Promise.race([worker.prepared.then(() => this.#script.kept()), found.lost])
        return found
      }
      return await this.#portToOwn(port, worker, failure, release)
    } catch (error) {
      release()
      // A worker whose page has given up must not come to own the database.
      if (error instanceof MillraceError && this.permanent(error)) this.#endWorker(error)
      throw error
    } finally {
      search.abort()
    }
  }

  async #portToOwn(
    id: PortId,
    worker: OwnWorker,
    failure: Promise<never>,
    release: () => void,
  ): Promise<Port> {
    const control = new MessageChannel()
    const changes = new MessageChannel()
    await Promise.race([worker.connect(id, control.port2, changes.port2), failure])
    const silence = new Silence(
      () => worker.probe(),
      () => worker.terminate(this.#workerSilent()),
    )
    worker.onAlive = () => {
      silence.heard()
      this.#progress()
    }
    control.port1.addEventListener('message', worker.onAlive)
    changes.port1.addEventListener('message', worker.onAlive)
    const port: TabPort = this.#add(
      new TabPort({
        control: control.port1,
        changes: changes.port1,
        during: (call) => silence.during(call),
        end: () => {
          this.#ports.delete(port)
          silence.stop()
          release()
        },
      }),
    )
    void worker.ended.then((reason) => port.lose(reason))
    return port
  }

  #portToOther(
    id: PortId,
    epoch: OwnerEpoch,
    worker: OwnWorker,
    discovery: Discovery,
    release: () => void,
  ): Port {
    const names = privateChannels(this.#settings.name, epoch, id)
    const control = new ChannelLine(names.control, isControlMessage)
    const changes = new ChannelLine(names.changes, isEngineMessage)
    const silence = new Silence(
      () => discovery.probe(),
      () => port.lose(this.#ownerLost('does not answer any more')),
    )
    const heard = () => silence.heard()
    control.addEventListener('message', heard)
    changes.addEventListener('message', heard)
    const undo = discovery.listen((message: DiscoveryMessage) => {
      if (message.type !== 'owner') return
      if (message.epoch === epoch) silence.heard()
      else port.lose(this.#ownerLost('has let go of it, and another has it now'))
    })
    const port: TabPort = this.#add(
      new TabPort({
        control,
        changes,
        during: (call) => silence.during(call),
        end: () => {
          this.#ports.delete(port)
          silence.stop()
          undo()
          release()
        },
      }),
    )
    void worker.elected.then(() => port.lose(this.#ownerLost('is gone, and this tab takes over')))
    // Without a worker of its own this page would never take over.
    void worker.ended.then((reason) => port.lose(reason))
    return port
  }

  #add(port: TabPort): TabPort {
    this.#hadPort = true
    this.#ports.add(port)
    return port
  }

  #startWorker(): OwnWorker {
    if (this.#worker !== undefined) return this.#worker
    const settings = { ...this.#settings, alone: this.#alone }
    const worker = new OwnWorker(settings, this.#script, () => this.#script.start())
    this.#worker = worker
    void worker.ended.then((reason) => {
      if (!worker.started && reason.code === 'WORKER_LOST') this.#script.failed()
      if (this.#worker === worker) this.#worker = undefined
    })
    return worker
  }

  #endWorker(reason: MillraceError): void {
    this.#worker?.terminate(reason)
    this.#worker = undefined
  }

  #closeDiscovery(): void {
    this.#discovery?.close()
    this.#discovery = undefined
  }

  /** Called in `freeze` and `pagehide`: everything that another tab could be waiting for is let go of at once. */
  #fallAsleep(): void {
    this.#journal?.sleep()
    // Nobody can wait for a worker without locks, and what it has in memory would be lost.
    if (this.#alone !== undefined) return
    this.#day.abort()
    this.#day = new AbortController()
    this.#endWorker(this.#ownerLost('is this one, which the browser has put aside'))
    for (const port of [...this.#ports]) {
      port.lose(this.#ownerLost('cannot be reached, for the browser has put this tab aside'))
    }
    this.#closeDiscovery()
  }

  /** Rejects when the worker ends, the page falls asleep, or nobody gives a sign of life. Ends with `search`. */
  #failureOf(
    worker: OwnWorker,
    day: AbortSignal,
    search: AbortSignal,
    discovery?: Discovery,
  ): Promise<never> {
    const { promise, reject } = deferred<never>()
    // Nobody may be listening any more when the worker ends.
    promise.catch(() => {})
    void worker.ended.then(reject)
    const silence = new Silence(
      () => {},
      () => reject(this.#ownerLost(`gave no sign of life within ${(CONNECT * SILENCE) / 1000} s`)),
      CONNECT,
    )
    void silence.during(new Promise(() => {}))
    const heard = () => {
      silence.heard()
      this.#progress()
    }
    worker.onAlive = heard
    const undo = discovery?.listen(({ type }) => {
      if (type === 'owner') heard()
    })
    search.addEventListener('abort', () => {
      silence.stop()
      undo?.()
    })
    day.addEventListener('abort', () => reject(day.reason), { signal: search })
    return promise
  }

  #workerSilent(): MillraceError {
    return new MillraceError(
      'WORKER_LOST',
      `The worker of the database "${this.#settings.name}" did not answer any more, and was ended.`,
    )
  }

  #ownerLost(what: string): MillraceError {
    return new MillraceError(
      'OWNER_LOST',
      `The tab that has the database "${this.#settings.name}" open ${what}: connect again.`,
    )
  }

  #closedError(): MillraceError {
    return new MillraceError('CLOSED', `The database "${this.#settings.name}" was closed: open it again.`)
  }

  #checkBrowser(): void {
    if (globalThis.location === undefined) {
      throw new MillraceError(
        'STORAGE_UNAVAILABLE',
        `The database "${this.#settings.name}" is not opened here, for this is no browser but a server: the page opens it.`,
      )
    }
    if (globalThis.navigator?.locks !== undefined && typeof BroadcastChannel === 'function') return
    throw new MillraceError(
      'STORAGE_UNAVAILABLE',
      `The database "${this.#settings.name}" cannot be opened here, for there are no Web Locks: serve the page over https or from localhost.`,
    )
  }
}

/** Resolves when the lock is held; what it resolves with lets go of it. */
function holdLock(name: string): Promise<() => void> {
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(name, () => new Promise<void>((release) => resolve(() => release())))
      .catch(reject)
  })
}
