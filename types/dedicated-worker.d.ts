// The worker package is one program for page and worker, and TypeScript's libraries for the two exclude each other. It
// takes "DOM"; these are the names of the dedicated worker that it lacks, as in lib.webworker.d.ts. Remove when
// TypeScript can combine both (microsoft/TypeScript#20595).

interface FileSystemReadWriteOptions {
  at?: number
}

interface FileSystemSyncAccessHandle {
  close(): void
  flush(): void
  getSize(): number
  read(buffer: AllowSharedBufferSource, options?: FileSystemReadWriteOptions): number
  truncate(newSize: number): void
  write(buffer: AllowSharedBufferSource, options?: FileSystemReadWriteOptions): number
}

interface FileSystemFileHandle {
  createSyncAccessHandle(): Promise<FileSystemSyncAccessHandle>
}

interface DedicatedWorkerGlobalScope extends EventTarget {
  readonly name: string
  close(): void
  postMessage(message: unknown, transfer?: Transferable[]): void
}

declare class FileReaderSync {
  readAsArrayBuffer(blob: Blob): ArrayBuffer
}
