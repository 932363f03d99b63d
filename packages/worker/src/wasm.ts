import { MillraceError } from '@millrace/protocol'
import { wasmUrlOfBundle } from './wasm-address.ts'

/**
 * Loads SQLite's WebAssembly, by one request.
 * @throws MillraceError `WORKER_LOST`
 */
export async function compileWasm(wasmUrl: string | undefined): Promise<WebAssembly.Module> {
  const address = wasmUrl ?? wasmUrlOfBundle()
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
