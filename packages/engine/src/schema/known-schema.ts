import type { Database } from '../database/database.ts'
import type { Catalog, Table } from './catalog.ts'
import { applySchema } from './schema.ts'

/*
 * What opening found out about the schema, kept in the database: where the text is the same and nobody has changed the
 * schema since, which SQLite counts (sqlite.org/pragma.html#pragma_schema_version), nothing is parsed and compared.
 */

/** To be changed when what a catalog has of a schema changes, or what is checked of one. */
export const FORMAT = 3

/**
 * Brings the database to the schema and gives its tables. `keep` writes what was found out, within a transaction: with
 * the first commit, for opening writes nothing that it need not, and must do without room on the disk.
 * @throws MillraceError `INVALID_SCHEMA` or `SCHEMA_MISMATCH`; the database is then as it was.
 */
export function openSchema(database: Database, text: string): { catalog: Catalog; keep: () => void } {
  const known = readKnown(database, text)
  if (known !== undefined) return { catalog: known, keep: () => {} }
  const catalog = applySchema(database, text)
  return { catalog, keep: () => keepKnown(database, text, catalog) }
}

function readKnown(database: Database, text: string): Catalog | undefined {
  const isKept = database.get("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'millrace_schema'")
  if (isKept === undefined) return undefined
  const [catalog] =
    database.get('SELECT catalog FROM millrace_schema WHERE text = ? AND format = ? AND version = ?', [
      text,
      FORMAT,
      versionOf(database),
    ]) ?? []
  return typeof catalog === 'string' ? new Map(JSON.parse(catalog) as [string, Table][]) : undefined
}

function keepKnown(database: Database, text: string, catalog: Catalog): void {
  const encoded = encode(catalog)
  if (encoded === undefined) return
  database.run(`CREATE TABLE IF NOT EXISTS millrace_schema (
    id INTEGER PRIMARY KEY CHECK (id = 1), text TEXT NOT NULL, format INTEGER NOT NULL, version INTEGER NOT NULL,
    catalog TEXT NOT NULL)`)
  database.run(
    `INSERT INTO millrace_schema VALUES (1, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
      text = excluded.text, format = excluded.format, version = excluded.version, catalog = excluded.catalog`,
    [text, FORMAT, versionOf(database), encoded],
  )
}

function versionOf(database: Database): number {
  return (database.get('PRAGMA schema_version') as [number])[0]
}

/** Undefined where JSON cannot hold it. */
function encode(catalog: Catalog): string | undefined {
  let fits = true
  const text = JSON.stringify([...catalog], (_, value) => {
    const isOther = value instanceof Uint8Array || typeof value === 'bigint' || Object.is(value, -0)
    if (!isOther && (typeof value !== 'number' || Number.isFinite(value))) return value
    fits = false
    return null
  })
  return fits ? text : undefined
}
