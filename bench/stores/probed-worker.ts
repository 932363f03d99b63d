import './probed.ts'
// biome-ignore lint/style/noRestrictedImports: the worker's own script, with the probe before it.
import '../../packages/worker/src/worker.ts'
