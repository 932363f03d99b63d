export type {
  Durability,
  Explanation,
  MergeChange,
  OriginVersion,
  StrategyName,
  WokenBy,
} from '@millrace/protocol'
export type { Disk } from './database/disk.ts'
export { SETTINGS } from './database/settings.ts'
export type { LoadOptions, Sqlite } from './database/sqlite.ts'
export { loadSqlite } from './database/sqlite.ts'
export type { Commit, Engine, EngineCounters, EngineOptions, LiveChange, MergeResult } from './engine.ts'
export { createEngine } from './engine.ts'
export { ReadConnection, type Reader } from './read-connection.ts'
export type { MergeOutcome, MergeRefusal } from './write/merge.ts'
