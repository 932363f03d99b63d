import wasmAddress from '@vlcn.io/wa-sqlite/dist/crsqlite-sync.wasm?url'

/** Where SQLite's WebAssembly is. In the page half of the package scripts/build.mjs puts the built file's address here. */
export function wasmUrlOfBundle(): string {
  // What a bundler makes of `?url` is absolute already, or begins at the root of the site.
  return new URL(wasmAddress, globalThis.location.origin).href
}
