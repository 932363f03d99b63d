export { column, Schema, Table } from '@powersync/common'
export { PowerSyncDatabase } from '@powersync/web'
