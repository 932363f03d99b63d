import wasmAddress from '@vlcn.io/wa-sqlite/dist/crsqlite-sync.wasm?url'
import { expose } from 'comlink'
import { openHandle } from './handle-vfs.ts'
import type { OpenStore } from './in-worker.ts'
import { FIRST, todos } from './store.ts'

const PAGE = 4096
const page = new Uint8Array(PAGE).fill(1)

let file: FileSystemSyncAccessHandle
let other: FileSystemSyncAccessHandle
let end = 0

const store: OpenStore = {
  async open(name) {
    const address = new URL(wasmAddress, location.origin)
    ;[file, other] = await Promise.all([
      openHandle(name),
      openHandle(`${name}-journal`),
      WebAssembly.compileStreaming(fetch(address)),
    ])
    end = file.getSize()
  },
  async insert() {
    append(page)
  },
  /** The rows as text, and one flush. */
  async load(rows) {
    append(new TextEncoder().encode(JSON.stringify(rows)))
  },
  async first() {
    file.read(page, { at: 0 })
    return todos(0, FIRST)
  },
  async close() {
    file.close()
    other.close()
  },
}
expose(store)

function append(bytes: Uint8Array): void {
  file.write(bytes, { at: end })
  file.flush()
  end += bytes.byteLength
}
