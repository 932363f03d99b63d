export type { LoadOptions, Sqlite } from './database/sqlite.ts'
export { loadSqlite } from './database/sqlite.ts'
export type { Commit, Engine, EngineCounters, EngineOptions, LiveChange } from './engine.ts'
export { createEngine } from './engine.ts'
