// By path, as none of these is among the package's `exports`: see README.md.
export { buildPipeline } from './node_modules/@rocicorp/zero/out/zql/src/builder/builder.js'
export { ArrayView } from './node_modules/@rocicorp/zero/out/zql/src/ivm/array-view.js'
export { MemorySource } from './node_modules/@rocicorp/zero/out/zql/src/ivm/memory-source.js'
export { MemoryStorage } from './node_modules/@rocicorp/zero/out/zql/src/ivm/memory-storage.js'
export { applyChange } from './node_modules/@rocicorp/zero/out/zql/src/ivm/view-apply-change.js'
