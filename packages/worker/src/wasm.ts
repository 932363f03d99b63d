import { MillraceError } from '@millrace/protocol'
import wasmAddress from '@vlcn.io/wa-sqlite/dist/crsqlite-sync.wasm?url'

/**
 * Loads SQLite's WebAssembly, by one request.
 * @throws MillraceError `WORKER_LOST`
 */
export async function compileWasm(wasmUrl: string | undefined): Promise<WebAssembly.Module> {
  // What a bundler makes of `?url` is absolute already, or begins at the root of the site.
  const address = wasmUrl ?? new URL(wasmAddress, globalThis.location.origin).href
  try {
    const response = await fetch(address, { credentials: 'same-origin' })
    if (!response.ok) throw new Error(`the server answers ${response.status}`)
    // Only of the right type may it be compiled while it comes.
    const isWasm = response.headers.get('content-type')?.split(';')[0]?.trim() === 'application/wasm'
    return await (isWasm
      ? WebAssembly.compileStreaming(response)
      : WebAssembly.compile(await response.arrayBuffer()))
  } catch (cause) {
    throw new MillraceError(
      'WORKER_LOST',
      `SQLite could not be loaded from ${address}: look whether the file is there (option wasmUrl), and whether the Content-Security-Policy allows 'wasm-unsafe-eval'.`,
      { cause },
    )
  }
}
