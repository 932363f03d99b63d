// wa-sqlite types its API, not the modules that it is built on.
declare module '@vlcn.io/wa-sqlite/dist/crsqlite-sync.mjs' {
  export default function SqliteModule(options: object): Promise<unknown>
}

declare module '@vlcn.io/wa-sqlite/src/examples/MemoryVFS.js' {
  export class MemoryVFS {
    readonly name: string
    readonly mapNameToFile: Map<string, { data: ArrayBuffer; size: number }>
  }
}

declare module '@vlcn.io/wa-sqlite/src/sqlite-api.js' {
  export function Factory(wasm: unknown): unknown
}
