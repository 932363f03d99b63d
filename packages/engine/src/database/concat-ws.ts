/** What the function needs of the WebAssembly. */
export interface ConcatWasm {
  readonly HEAPU8: Uint8Array
  createFunction(
    db: number,
    name: string,
    count: number,
    flags: number,
    userData: unknown,
    call: (context: number, values: Uint32Array) => void,
  ): number
  _sqlite3_malloc(bytes: number): number
  _sqlite3_free(pointer: number): void
  _sqlite3_value_type(value: number): number
  _sqlite3_value_text(value: number): number
  _sqlite3_value_bytes(value: number): number
  _sqlite3_result_null(context: number): void
  _sqlite3_result_error(context: number, text: number, bytes: number): void
  _sqlite3_result_text(context: number, text: number, bytes: number, destructor: number): void
}

// sqlite3.h
const NULL = 5
const UTF8 = 1
const DETERMINISTIC = 0x800
const INNOCUOUS = 0x200000
/** Copies what it is given. */
const TRANSIENT = -1

/**
 * Takes the place of SQLite's own concat_ws, which up to 3.49.0 works the length out in 32 bits and writes beyond its
 * buffer where the separator is long (CVE-2025-3277). The same otherwise.
 */
export function replaceConcatWs(wasm: ConcatWasm, db: number, longest: number): void {
  const flags = UTF8 | DETERMINISTIC | INNOCUOUS
  const error = (context: number, message: string) => {
    give(wasm, new TextEncoder().encode(message), (text, bytes) =>
      wasm._sqlite3_result_error(context, text, bytes),
    )
  }
  wasm.createFunction(db, 'concat_ws', -1, flags, null, (context, [separator = 0, ...values]) => {
    if (values.length === 0) return error(context, 'wrong number of arguments to function concat_ws()')
    if (wasm._sqlite3_value_type(separator) === NULL) return wasm._sqlite3_result_null(context)
    // Empty texts are left out like NULLs, in this version of SQLite.
    const parts = values.filter((value) => sizeOf(wasm, value) > 0)
    const sizes = parts.map((value) => sizeOf(wasm, value))
    const gap = sizeOf(wasm, separator)
    const size = sizes.reduce((sum, each) => sum + each, gap * Math.max(0, parts.length - 1))
    if (size > longest) return error(context, 'string or blob too big')
    const text = new Uint8Array(size)
    let at = 0
    parts.forEach((value, i) => {
      if (i > 0) {
        text.set(bytesOf(wasm, separator), at)
        at += gap
      }
      text.set(bytesOf(wasm, value), at)
      at += sizes[i] as number
    })
    give(wasm, text, (start, bytes) => wasm._sqlite3_result_text(context, start, bytes, TRANSIENT))
  })
}

function sizeOf(wasm: ConcatWasm, value: number): number {
  // The length is that of the text, once there is one.
  wasm._sqlite3_value_text(value)
  return wasm._sqlite3_value_bytes(value)
}

function bytesOf(wasm: ConcatWasm, value: number): Uint8Array {
  const start = wasm._sqlite3_value_text(value)
  return wasm.HEAPU8.subarray(start, start + wasm._sqlite3_value_bytes(value))
}

function give(wasm: ConcatWasm, bytes: Uint8Array, to: (start: number, bytes: number) => void): void {
  const start = wasm._sqlite3_malloc(bytes.length + 1)
  // Thrown out of the WebAssembly it ends the engine, like every allocation that fails.
  if (start === 0) throw new RangeError('no memory for the result of concat_ws')
  wasm.HEAPU8.set(bytes, start)
  to(start, bytes.length)
  wasm._sqlite3_free(start)
}
