export type {
  Durability,
  ErrorCode,
  Explanation,
  MergeChange,
  Operation,
  OriginVersion,
  PortSource,
  RefusedAt,
  SqlValue,
  StorageInfo,
  StrategyName,
  Version,
  WokenBy,
} from '@millrace/protocol'
export { MillraceError } from '@millrace/protocol'
export { open } from './database.ts'
export type { CompilableQuery, CompiledQuery, Queryable, Row, SqlQuery, ToSqlQuery } from './query.ts'
export { compileQuery, sql } from './query.ts'
export type {
  Change,
  Connection,
  Database,
  Destination,
  Edit,
  InsertRow,
  Key,
  ListWindow,
  LiveQuery,
  Merged,
  OpenOptions,
  Patch,
  PendingState,
  QueryOptions,
  Rejection,
  Snapshot,
  Stored,
  TableName,
  Tables,
  Transaction,
  Write,
  WriteOptions,
} from './types.ts'
