import { type SqlValue, toSqlValue } from '@millrace/protocol'

/**
 * A value from a caller, checked, and ours: bytes are copied, because the caller may change or transfer them later, and
 * because a small view of a large buffer would be sent with the whole buffer.
 * @throws MillraceError `INVALID_VALUE`
 */
export function ownValue(value: unknown, where: string): SqlValue {
  const checked = toSqlValue(value, where)
  return checked instanceof Uint8Array ? new Uint8Array(checked) : checked
}
