import type { SqlValue } from '@millrace/protocol'
import { fromBigInt, MillraceError } from '@millrace/protocol'
import SqliteModule from '@vlcn.io/wa-sqlite/dist/crsqlite-sync.mjs'
import { type ConcatWasm, replaceConcatWs } from './concat-ws.ts'

/*
 * The one SQLite door: cr-sqlite's synchronous wasm build, driven through its C functions. wa-sqlite's own JS API is
 * not used, for it makes every step a promise, cuts text at a NUL, stores an empty blob as NULL and integers from
 * 2^31 up as REAL.
 */

/** The Emscripten module, as far as it is used here. */
interface Wasm extends ConcatWasm {
  readonly HEAP32: Int32Array
  getTempRet0(): number
  setAuthorizer(db: number, authorize: Authorizer, userData: unknown): number
  progressHandler(db: number, steps: number, progress: (() => number) | null, userData: unknown): number
  createFunction(
    db: number,
    name: string,
    count: number,
    encoding: number,
    userData: unknown,
    call: (context: number, values: Uint32Array) => void,
  ): number
  registerVFS(vfs: object, makeDefault: boolean): number
  ccall(name: string, returns: string | null, types: string[], values: unknown[]): number
  _getSqliteFree(): number
  _RegisterExtensionFunctions(db: number): void
  _malloc(bytes: number): number
  _sqlite3_malloc(bytes: number): number
  _sqlite3_free(pointer: number): void
  _sqlite3_open_v2(name: number, db: number, flags: number, vfs: number): number
  _sqlite3_close(db: number): number
  _sqlite3_limit(db: number, limit: number, value: number): number
  _sqlite3_errmsg(db: number): number
  _sqlite3_get_autocommit(db: number): number
  _sqlite3_changes(db: number): number
  _sqlite3_prepare_v2(db: number, sql: number, bytes: number, statement: number, tail: number): number
  _sqlite3_step(statement: number): number
  _sqlite3_reset(statement: number): number
  _sqlite3_clear_bindings(statement: number): number
  _sqlite3_finalize(statement: number): number
  _sqlite3_bind_parameter_count(statement: number): number
  _sqlite3_bind_null(statement: number, i: number): number
  _sqlite3_bind_int(statement: number, i: number, value: number): number
  _sqlite3_bind_int64(statement: number, i: number, low: number, high: number): number
  _sqlite3_bind_double(statement: number, i: number, value: number): number
  _sqlite3_bind_text(statement: number, i: number, text: number, bytes: number, free: number): number
  _sqlite3_bind_blob(statement: number, i: number, blob: number, bytes: number, free: number): number
  _sqlite3_column_count(statement: number): number
  _sqlite3_column_name(statement: number, i: number): number
  _sqlite3_column_type(statement: number, i: number): number
  _sqlite3_column_int64(statement: number, i: number): number
  _sqlite3_column_double(statement: number, i: number): number
  _sqlite3_column_text(statement: number, i: number): number
  _sqlite3_column_blob(statement: number, i: number): number
  _sqlite3_column_bytes(statement: number, i: number): number
  _sqlite3_value_type(value: number): number
  _sqlite3_value_int(value: number): number
  _sqlite3_value_int64(value: number): number
  _sqlite3_value_double(value: number): number
  _sqlite3_value_text(value: number): number
  _sqlite3_value_blob(value: number): number
  _sqlite3_value_bytes(value: number): number
}

/** Called for all that a statement may do while it is prepared (sqlite.org/c3ref/set_authorizer.html). Returns 0, or 1 to refuse. */
export type Authorizer = (
  userData: unknown,
  action: number,
  first: string | null,
  second: string | null,
  database: string | null,
  trigger: string | null,
) => number

const INTEGER = 1
const REAL = 2
const TEXT = 3
const BLOB = 4

const UTF8 = 1
/** As many as the function is given. */
const ANY_COUNT = -1

const OK = 0
const NOMEM = 7
const ROW = 100
const DONE = 101
const OPEN_READWRITE_CREATE_URI = 0x2 | 0x4 | 0x40

/** Instructions between two calls of the watchers. */
const WATCHED_STEPS = 100_000

const LIMIT_LENGTH = 0
/** In bytes: what a string can be in V8, so that every value can be read. SQLite's own limit is twice that. */
const LONGEST_VALUE = 0x1fffffe8
/** An argument of 32 bits with a sign. SQLite itself gives less. */
const LARGEST_ALLOCATION = 0x7fffffff

/** What SQLite says when it refuses: its primary result code and its own message. */
export class SqliteError extends Error {
  override readonly name = 'SqliteError'
  readonly resultCode: number

  constructor(resultCode: number, message: string) {
    super(message)
    this.resultCode = resultCode
  }
}

/** SQLite loaded: opens connections over the virtual file systems that are registered. */
export interface Sqlite {
  /** Why nothing can be called any more: the WebAssembly failed. What it left in its memory is unknown. */
  readonly failure: MillraceError | undefined
  /** Resolves with `failure` when the WebAssembly fails. */
  readonly failed: Promise<MillraceError>
  /** Resolves when it was first out of memory. It goes on, and memory that it once took it does not give back. */
  readonly exhausted: Promise<MillraceError>
  registerVfs(vfs: object & { readonly name: string }): void
  /**
   * `:memory:`, or a file in a registered VFS. Synchronous.
   * @throws SqliteError
   */
  open(filename: string, options?: { readonly vfs?: string }): Connection
}

/** When statements are interrupted. */
export interface RunLimit {
  /** Instructions of SQLite's virtual machine. */
  readonly steps: number
  /** Milliseconds. Default: none. */
  readonly timeout?: number
}

/** Where the wasm is to be had. One of the three. */
export interface LoadOptions {
  /** The bytes of `crsqlite-sync.wasm`, where they cannot be fetched (Node). */
  readonly wasmBinary?: Uint8Array
  /** Where the wasm is, as an address (browser). */
  readonly locateFile?: (file: string) => string
  /** Compiled already. */
  readonly module?: WebAssembly.Module
}

/** Loads the wasm. Each call is a SQLite of its own, with its own memory. */
export async function loadSqlite(options: LoadOptions): Promise<Sqlite> {
  const { module } = options
  const wasm = (await (module === undefined ? SqliteModule(options) : instantiate(module))) as Wasm
  const health = new Health(wasm)
  return {
    get failure() {
      return health.failure
    },
    failed: health.failed,
    exhausted: health.exhausted,
    registerVfs(vfs) {
      const result = wasm.registerVFS(vfs, false)
      if (result !== OK) throw new SqliteError(result, `the VFS ${vfs.name} could not be registered`)
    },
    open: (filename, { vfs } = {}) => new Connection(wasm, health, filename, vfs),
  }
}

function instantiate(module: WebAssembly.Module): Promise<unknown> {
  return new Promise((resolve, reject) => {
    SqliteModule({
      // Not asked for, but the glue works out where it would be.
      locateFile: (file: string) => file,
      instantiateWasm(imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void) {
        WebAssembly.instantiate(module, imports).then(done, reject)
        return {}
      },
    }).then(resolve, reject)
  })
}

/** They only let go of something: after the failure they do nothing, so that `finally` does not hide its reason. */
const LETTING_GO = /^_sqlite3_(?:free|reset|clear_bindings|finalize|close)$/

/**
 * Whether the WebAssembly can still be called. Its first exception (a trap, a stack that overflowed) ends it: what that
 * left of its memory is unknown, and could be written into the file. An error that SQLite returns is none.
 */
class Health {
  readonly #wasm: Wasm
  readonly failed: Promise<MillraceError>
  readonly exhausted: Promise<MillraceError>
  #resolveFailed!: (failure: MillraceError) => void
  #resolveExhausted!: (error: MillraceError) => void

  failure: MillraceError | undefined

  constructor(wasm: Wasm) {
    this.#wasm = wasm
    this.failed = new Promise((resolve) => {
      this.#resolveFailed = resolve
    })
    this.exhausted = new Promise((resolve) => {
      this.#resolveExhausted = resolve
    })
  }

  /** Runs something that calls the WebAssembly. @throws MillraceError `ENGINE_LOST` */
  guard<T>(call: () => T): T {
    try {
      return call()
    } catch (thrown) {
      throw this.ended(thrown)
    }
  }

  /** What to throw where a call of the WebAssembly threw. */
  ended(thrown: unknown): unknown {
    if (this.failure !== undefined || thrown instanceof SqliteError) return this.failure ?? thrown
    const failure = new MillraceError(
      'ENGINE_LOST',
      `SQLite failed by an error that is not its own (${String(thrown)}), and can run nothing more: open the database again. In a browser a new worker does so. What was running is not run again.`,
      { cause: thrown },
    )
    this.failure = failure
    this.#disconnect(failure)
    this.#resolveFailed(failure)
    return failure
  }

  /** Takes the functions away, which costs nothing while all is well. */
  #disconnect(failure: MillraceError): void {
    const module = this.#wasm as unknown as Record<string, unknown>
    const refuse = () => {
      throw failure
    }
    for (const [name, value] of Object.entries(module)) {
      if (typeof value === 'function') module[name] = LETTING_GO.test(name) ? () => OK : refuse
    }
  }

  /** There was no room for so many bytes. */
  noRoom(bytes: number): SqliteError {
    return this.error(NOMEM, `there is no memory for ${bytes} bytes`)
  }

  error(resultCode: number, message: string): SqliteError {
    const error = new SqliteError(resultCode, message)
    if ((resultCode & 0xff) === NOMEM) this.#resolveExhausted(outOfMemory(error))
    return error
  }
}

export function outOfMemory(cause: SqliteError): MillraceError {
  return new MillraceError(
    'OUT_OF_MEMORY',
    `SQLite has no memory left for this (${cause.message}): read or write less at a time.`,
    { cause },
  )
}

/** One open database. Everything is synchronous; nothing here knows of live queries. */
export class Connection {
  readonly #wasm: Wasm
  readonly #health: Health
  readonly #db: number
  readonly #scratch: number
  readonly #free: number

  /** Instructions of SQLite's virtual machine that ran while they were counted; for tests and devtools. */
  vmSteps = 0
  /** Of the statements that run now. */
  #stepsLeft = Number.POSITIVE_INFINITY
  #end = Number.POSITIVE_INFINITY
  #counting = false
  readonly #watchers = new Set<() => void>()
  #closed = false

  constructor(wasm: Wasm, health: Health, filename: string, vfs: string | undefined) {
    this.#wasm = wasm
    this.#health = health
    this.#scratch = health.guard(() => allocate(wasm, health, 8))
    this.#free = wasm._getSqliteFree()
    this.#db = health.guard(() => this.#open(filename, vfs))
    this.#handleProgress()
  }

  #open(filename: string, vfs: string | undefined): number {
    const wasm = this.#wasm
    const name = this.#allocateText(filename).pointer
    const vfsName = vfs === undefined ? 0 : this.#allocateText(vfs).pointer
    const result = wasm._sqlite3_open_v2(name, this.#scratch, OPEN_READWRITE_CREATE_URI, vfsName)
    const db = wasm.HEAP32[this.#scratch >> 2] as number
    wasm._sqlite3_free(name)
    if (vfsName !== 0) wasm._sqlite3_free(vfsName)
    if (result !== OK) {
      const message = readCString(wasm, wasm._sqlite3_errmsg(db))
      wasm._sqlite3_close(db)
      throw this.#health.error(result, message)
    }
    wasm._sqlite3_limit(db, LIMIT_LENGTH, LONGEST_VALUE)
    wasm._RegisterExtensionFunctions(db)
    replaceConcatWs(wasm, db, LONGEST_VALUE)
    return db
  }

  /** See `Sqlite`. */
  get failure(): MillraceError | undefined {
    return this.#health.failure
  }

  /** Stays installed for good: setting it expires every prepared statement. */
  setAuthorizer(authorizer: Authorizer): void {
    this.#wasm.setAuthorizer(this.#db, authorizer, null)
  }

  /**
   * Counts instructions, or stops. The build has no sqlite3_stmt_status; its progress handler, asked for at every
   * instruction, tells the same, to the last one. Statements take twice as long, so it is off unless asked for.
   */
  countSteps(on: boolean): void {
    this.#counting = on
    this.#handleProgress()
  }

  /**
   * Calls `watcher` while statements run, every hundred thousand instructions, which are about a millisecond. It must not
   * run statements.
   */
  onProgress(watcher: () => void): void {
    this.#watchers.add(watcher)
  }

  /**
   * Runs `work`. When its statements have run for so many instructions, up to a hundred thousand more, or for so many
   * milliseconds, the one that runs ends with SQLITE_INTERRUPT. A limit within a limit is its own.
   */
  limit<T>({ steps, timeout = Number.POSITIVE_INFINITY }: RunLimit, work: () => T): T {
    const before = [this.#stepsLeft, this.#end] as const
    this.#stepsLeft = steps
    this.#end = performance.now() + timeout
    try {
      return work()
    } finally {
      ;[this.#stepsLeft, this.#end] = before
    }
  }

  /** SQLite has one progress handler. */
  #handleProgress(): void {
    const progress = () => {
      if (this.#counting && ++this.vmSteps % WATCHED_STEPS !== 0) return 0
      this.#stepsLeft -= WATCHED_STEPS
      for (const watcher of this.#watchers) watcher()
      return this.#stepsLeft < 0 || performance.now() > this.#end ? 1 : 0
    }
    this.#wasm.progressHandler(this.#db, this.#counting ? 1 : WATCHED_STEPS, progress, null)
  }

  /**
   * Makes an SQL function that is called for what it does: it gives NULL. What `call` is given is good until it returns;
   * it must not run statements, and not throw.
   */
  createProcedure(name: string, call: (given: Arguments) => void): void {
    const given = new Arguments(this.#wasm)
    this.#wasm.createFunction(this.#db, name, ANY_COUNT, UTF8, null, (_, values) => {
      given.values = values
      call(given)
    })
  }

  /**
   * @throws SqliteError when SQLite refuses the text, or when it holds more than one statement.
   */
  prepare(sql: string): Statement {
    return this.#health.guard(() => this.#prepare(sql))
  }

  #prepare(sql: string): Statement {
    const wasm = this.#wasm
    const text = this.#allocateText(sql)
    try {
      const tail = this.#scratch + 4
      const result = wasm._sqlite3_prepare_v2(this.#db, text.pointer, text.bytes + 1, this.#scratch, tail)
      if (result !== OK) throw this.#error(result)
      const handle = wasm.HEAP32[this.#scratch >> 2] as number
      if (handle === 0) throw new SqliteError(1, 'the text holds no statement')
      const end = (wasm.HEAP32[tail >> 2] as number) - text.pointer
      const rest = decoder.decode(wasm.HEAPU8.subarray(text.pointer + end, text.pointer + text.bytes))
      if (!isBlank(rest)) {
        wasm._sqlite3_finalize(handle)
        throw new SqliteError(1, `more than one statement: ${rest.trim().slice(0, 60)}`)
      }
      return new Statement(wasm, this.#health, handle, this.#free, (code) => this.#error(code))
    } finally {
      wasm._sqlite3_free(text.pointer)
    }
  }

  /**
   * Runs a script of statements without parameters, and throws their rows away.
   * @throws SqliteError
   */
  exec(script: string): void {
    const result = this.#health.guard(() => {
      const text = this.#allocateText(script)
      try {
        return this.#wasm.ccall(
          'sqlite3_exec',
          'number',
          ['number', 'number', 'number', 'number', 'number'],
          [this.#db, text.pointer, 0, 0, 0],
        )
      } finally {
        this.#wasm._sqlite3_free(text.pointer)
      }
    })
    if (result !== OK) throw this.#error(result)
  }

  /** True outside a transaction. SQLite itself ends one at some errors (RAISE(ROLLBACK), disk full). */
  get autocommit(): boolean {
    return this.#wasm._sqlite3_get_autocommit(this.#db) !== 0
  }

  /** Rows that the last INSERT, UPDATE or DELETE changed itself, without those of its triggers. */
  get changes(): number {
    return this.#wasm._sqlite3_changes(this.#db)
  }

  /** All statements must be finalized before. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    const result = this.#health.guard(() => this.#wasm._sqlite3_close(this.#db))
    if (result !== OK) throw this.#error(result)
  }

  #error(resultCode: number): SqliteError {
    return this.#health.error(resultCode, readCString(this.#wasm, this.#wasm._sqlite3_errmsg(this.#db)))
  }

  #allocateText(text: string): { pointer: number; bytes: number } {
    return allocateText(this.#wasm, this.#health, text)
  }
}

/** One prepared statement. Bind, step until false, reset. */
export class Statement {
  readonly #wasm: Wasm
  readonly #health: Health
  readonly #handle: number
  readonly #free: number
  readonly #error: (resultCode: number) => SqliteError
  readonly columns: readonly string[]
  readonly parameterCount: number

  constructor(
    wasm: Wasm,
    health: Health,
    handle: number,
    free: number,
    error: (resultCode: number) => SqliteError,
  ) {
    this.#wasm = wasm
    this.#health = health
    this.#handle = handle
    this.#free = free
    this.#error = error
    this.parameterCount = wasm._sqlite3_bind_parameter_count(handle)
    const columns: string[] = []
    const count = wasm._sqlite3_column_count(handle)
    for (let i = 0; i < count; i++) columns.push(readCString(wasm, wasm._sqlite3_column_name(handle, i)))
    this.columns = columns
  }

  /** By position; values beyond the statement's parameters are left out. */
  bind(values: readonly SqlValue[]): void {
    const count = Math.min(values.length, this.parameterCount)
    for (let i = 0; i < count; i++) {
      let result: number
      try {
        result = this.#bindOne(i + 1, values[i] as SqlValue)
      } catch (thrown) {
        throw this.#health.ended(thrown)
      }
      if (result !== OK) throw this.#error(result)
    }
  }

  #bindOne(i: number, value: SqlValue): number {
    const wasm = this.#wasm
    if (value === null) return wasm._sqlite3_bind_null(this.#handle, i)
    switch (typeof value) {
      case 'number':
        if (value === (value | 0)) return wasm._sqlite3_bind_int(this.#handle, i, value)
        if (Number.isSafeInteger(value)) return this.#bindBigInt(i, BigInt(value))
        return wasm._sqlite3_bind_double(this.#handle, i, value)
      case 'bigint':
        return this.#bindBigInt(i, value)
      case 'string': {
        const text = allocateText(wasm, this.#health, value)
        return wasm._sqlite3_bind_text(this.#handle, i, text.pointer, text.bytes, this.#free)
      }
      default: {
        // One byte at least: a null pointer would be bound as NULL.
        const pointer = allocate(wasm, this.#health, Math.max(1, value.byteLength))
        wasm.HEAPU8.set(value, pointer)
        return wasm._sqlite3_bind_blob(this.#handle, i, pointer, value.byteLength, this.#free)
      }
    }
  }

  #bindBigInt(i: number, value: bigint): number {
    const low = Number(BigInt.asIntN(32, value))
    const high = Number(BigInt.asIntN(32, value >> 32n))
    return this.#wasm._sqlite3_bind_int64(this.#handle, i, low, high)
  }

  /**
   * True when there is a row.
   * @throws SqliteError
   */
  step(): boolean {
    let result: number
    try {
      result = this.#wasm._sqlite3_step(this.#handle)
    } catch (thrown) {
      throw this.#health.ended(thrown)
    }
    if (result === ROW) return true
    if (result === DONE) return false
    throw this.#error(result)
  }

  /** Values that `like` has at the same place are taken from there: no text is made again that is known. */
  row(like?: readonly SqlValue[]): SqlValue[] {
    const row: SqlValue[] = []
    try {
      for (let i = 0; i < this.columns.length; i++) row.push(this.#column(i, like?.[i]))
    } catch (thrown) {
      throw this.#health.ended(thrown)
    }
    return row
  }

  #column(i: number, like: SqlValue | undefined): SqlValue {
    const wasm = this.#wasm
    switch (wasm._sqlite3_column_type(this.#handle, i)) {
      case INTEGER:
        return integer(wasm._sqlite3_column_int64(this.#handle, i), wasm.getTempRet0())
      case REAL:
        return wasm._sqlite3_column_double(this.#handle, i)
      case TEXT: {
        const pointer = wasm._sqlite3_column_text(this.#handle, i)
        const bytes = wasm._sqlite3_column_bytes(this.#handle, i)
        // A text is copied there to end in NUL, and has an address also where it is empty.
        if (pointer === 0) throw this.#health.noRoom(bytes)
        return typeof like === 'string' && isText(wasm.HEAPU8, pointer, bytes, like)
          ? like
          : readText(wasm, pointer, bytes)
      }
      case BLOB: {
        const pointer = wasm._sqlite3_column_blob(this.#handle, i)
        const bytes = wasm._sqlite3_column_bytes(this.#handle, i)
        // The zeros of a zeroblob are made when it is read.
        if (pointer === 0 && bytes > 0) throw this.#health.noRoom(bytes)
        return wasm.HEAPU8.slice(pointer, pointer + bytes)
      }
      default:
        return null
    }
  }

  /** Ready for the next run; lets go of locks and values. */
  reset(): void {
    try {
      this.#wasm._sqlite3_reset(this.#handle)
      this.#wasm._sqlite3_clear_bindings(this.#handle)
    } catch (thrown) {
      throw this.#health.ended(thrown)
    }
  }

  finalize(): void {
    this.#health.guard(() => this.#wasm._sqlite3_finalize(this.#handle))
  }
}

/** What a call of an SQL function was given. Only until the call returns. */
export class Arguments {
  readonly #wasm: Wasm

  /** Pointers to sqlite3_value. @internal */
  values: Uint32Array = new Uint32Array()
  /** Set where a text was read that is no UTF-8, so that what was read is another. Whoever reads it puts it back. */
  lossy = false

  constructor(wasm: Wasm) {
    this.#wasm = wasm
  }

  get length(): number {
    return this.values.length
  }

  /** Of 32 bits. */
  integer(i: number): number {
    return this.#wasm._sqlite3_value_int(this.values[i] as number)
  }

  isReal(i: number): boolean {
    return this.#wasm._sqlite3_value_type(this.values[i] as number) === REAL
  }

  value(i: number): SqlValue {
    const wasm = this.#wasm
    const pointer = this.values[i] as number
    switch (wasm._sqlite3_value_type(pointer)) {
      case INTEGER:
        return integer(wasm._sqlite3_value_int64(pointer), wasm.getTempRet0())
      case REAL:
        return wasm._sqlite3_value_double(pointer)
      case TEXT: {
        const start = wasm._sqlite3_value_text(pointer)
        const bytes = wasm._sqlite3_value_bytes(pointer)
        const text = readText(wasm, start, bytes)
        if (text.includes('\ufffd') && !isEncoded(text, wasm.HEAPU8.subarray(start, start + bytes)))
          this.lossy = true
        return text
      }
      case BLOB: {
        const start = wasm._sqlite3_value_blob(pointer)
        return wasm.HEAPU8.slice(start, start + wasm._sqlite3_value_bytes(pointer))
      }
      default:
        return null
    }
  }

  /** The same storage class, and the same number or bytes. Many times cheaper than reading two texts. */
  isSame(i: number, j: number): boolean {
    const wasm = this.#wasm
    const a = this.values[i] as number
    const b = this.values[j] as number
    const type = wasm._sqlite3_value_type(a)
    if (type !== wasm._sqlite3_value_type(b)) return false
    switch (type) {
      case INTEGER: {
        const low = wasm._sqlite3_value_int64(a)
        const high = wasm.getTempRet0()
        return low === wasm._sqlite3_value_int64(b) && high === wasm.getTempRet0()
      }
      case REAL:
        return Object.is(wasm._sqlite3_value_double(a), wasm._sqlite3_value_double(b))
      case TEXT:
        return this.#sameBytes(wasm._sqlite3_value_text(a), wasm._sqlite3_value_text(b), a, b)
      case BLOB:
        return this.#sameBytes(wasm._sqlite3_value_blob(a), wasm._sqlite3_value_blob(b), a, b)
      default:
        return true
    }
  }

  #sameBytes(start: number, otherStart: number, a: number, b: number): boolean {
    const bytes = this.#wasm._sqlite3_value_bytes(a)
    if (bytes !== this.#wasm._sqlite3_value_bytes(b)) return false
    const heap = this.#wasm.HEAPU8
    for (let i = 0; i < bytes; i++) if (heap[start + i] !== heap[otherStart + i]) return false
    return true
  }
}

/** Two halves of an integer of 64 bits. */
function integer(low: number, high: number): number | bigint {
  if (high >= -0x200000 && high < 0x200000) {
    const value = high * 0x1_0000_0000 + (low >>> 0)
    if (Number.isSafeInteger(value)) return value
  }
  return fromBigInt((BigInt(high) << 32n) | BigInt(low >>> 0))
}

function isEncoded(text: string, bytes: Uint8Array): boolean {
  const encoded = encoder.encode(text)
  return encoded.length === bytes.length && encoded.every((byte, i) => byte === bytes[i])
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Memory that SQLite may free. @throws SqliteError when there is none, for address 0 is where SQLite's own data begins */
function allocate(wasm: Wasm, health: Health, bytes: number): number {
  const pointer = bytes > LARGEST_ALLOCATION ? 0 : wasm._sqlite3_malloc(bytes)
  if (pointer === 0) throw health.noRoom(bytes)
  return pointer
}

/** UTF-8 with a NUL at its end, in memory that SQLite may free. */
function allocateText(wasm: Wasm, health: Health, text: string): { pointer: number; bytes: number } {
  const { length } = text
  if (length <= SHORT) {
    const pointer = allocate(wasm, health, length + 1)
    if (writeAscii(wasm.HEAPU8, pointer, text)) return { pointer, bytes: length }
    wasm._sqlite3_free(pointer)
  }
  const room = length * 3 + 1
  const pointer = allocate(wasm, health, room)
  const { written } = encoder.encodeInto(text, wasm.HEAPU8.subarray(pointer, pointer + room - 1))
  wasm.HEAPU8[pointer + written] = 0
  return { pointer, bytes: written }
}

/** Text up to here is faster read and written by hand than by the coders, where it is ASCII, as most is. */
const SHORT = 64

/** With a NUL at its end; false where it is not ASCII. */
function writeAscii(heap: Uint8Array, pointer: number, text: string): boolean {
  const { length } = text
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i)
    if (unit >= 0x80) return false
    heap[pointer + i] = unit
  }
  heap[pointer + length] = 0
  return true
}

function readText(wasm: Wasm, pointer: number, bytes: number): string {
  const heap = wasm.HEAPU8
  if (bytes > SHORT) return decoder.decode(heap.subarray(pointer, pointer + bytes))
  let text = ''
  let any = 0
  let i = pointer
  const end = pointer + bytes
  // Eight at a time, which is twice as fast as one by one.
  for (; i + 8 <= end; i += 8) {
    const a = heap[i] as number
    const b = heap[i + 1] as number
    const c = heap[i + 2] as number
    const d = heap[i + 3] as number
    const e = heap[i + 4] as number
    const f = heap[i + 5] as number
    const g = heap[i + 6] as number
    const h = heap[i + 7] as number
    any |= a | b | c | d | e | f | g | h
    text += String.fromCharCode(a, b, c, d, e, f, g, h)
  }
  for (; i < end; i++) {
    const byte = heap[i] as number
    any |= byte
    text += String.fromCharCode(byte)
  }
  return any < 0x80 ? text : decoder.decode(heap.subarray(pointer, pointer + bytes))
}

/** False also where it is not ASCII. */
function isText(heap: Uint8Array, pointer: number, bytes: number, text: string): boolean {
  if (text.length !== bytes) return false
  for (let i = 0; i < bytes; i++) {
    const byte = heap[pointer + i] as number
    if (byte >= 0x80 || text.charCodeAt(i) !== byte) return false
  }
  return true
}

function readCString(wasm: Wasm, pointer: number): string {
  if (pointer === 0) return ''
  const end = wasm.HEAPU8.indexOf(0, pointer)
  return decoder.decode(wasm.HEAPU8.subarray(pointer, end))
}

/** Only white space, semicolons and comments. */
function isBlank(sql: string): boolean {
  return /^(?:[\s;]|--[^\n]*(?:\n|$)|\/\*[\s\S]*?(?:\*\/|$))*$/.test(sql)
}
