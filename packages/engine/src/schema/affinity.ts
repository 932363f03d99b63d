import type { Affinity } from '@millrace/protocol'

/** Of a column by its type. */
export function affinityOfColumn(type: string, strict: boolean): Affinity {
  return strict && type.toUpperCase() === 'ANY' ? 'BLOB' : affinityOfType(type)
}

/** SQLite's rule (sqlite.org/datatype3.html, 3.1), of a column's type and of a CAST's. */
export function affinityOfType(type: string): Affinity {
  const upper = type.toUpperCase()
  if (upper.includes('INT')) return 'INTEGER'
  if (/CHAR|CLOB|TEXT/.test(upper)) return 'TEXT'
  if (upper === '' || upper.includes('BLOB')) return 'BLOB'
  if (/REAL|FLOA|DOUB/.test(upper)) return 'REAL'
  return 'NUMERIC'
}
