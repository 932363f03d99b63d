export type { ErrorCode, ErrorData, ErrorDetails, RefusedAt } from './error.ts'
export { assert, decodeError, encodeError, MillraceError, unreachable } from './error.ts'
export type { Explanation, StrategyName, WokenBy } from './explanation.ts'
export type { MergeAnswer, MergeChange, OriginVersion } from './merge.ts'
export type {
  ClientId,
  Durability,
  EngineCalls,
  EngineMessage,
  Hello,
  Operation,
  QueryChange,
  QueryId,
  QueryResult,
  Rejected,
  Settled,
  StorageInfo,
  Version,
  Welcome,
  WireRow,
  WriteId,
  WriteRequest,
} from './message.ts'
export { PROTOCOL_VERSION } from './message.ts'
export { compareRows, type OrderTerm } from './order.ts'
export type {
  ColumnInfo,
  ColumnRef,
  ExecPlan,
  Expr,
  GroupOutput,
  GroupsPlan,
  JsonList,
  Plan,
  PlanSource,
  PlanSubquery,
  RowsPlan,
  Shape,
  SideEffect,
  TableInfo,
  Window,
} from './plan.ts'
export { conjunctsOf, hasOpaque, joined, partsOf, readsOf, SUBQUERY } from './plan.ts'
export type { Journal, Port, PortSource } from './port.ts'
export type { Affinity, Bindable, Collation, RowKey, SqlValue } from './value.ts'
export {
  collate,
  compareValues,
  encodeKey,
  fromBigInt,
  identical,
  identicalRows,
  identifyParameters,
  toSqlValue,
} from './value.ts'
