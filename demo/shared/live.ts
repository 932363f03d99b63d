import type { Queryable } from '@millrace/client'
import type { Db } from './database.ts'

/**
 * Asks for what will be wanted in a moment: when the pointer goes down on a link, a tenth of a second before the click.
 * A query stays live for a while after its last user, so the page that the link leads to finds its rows there.
 */
export function warm(db: Db, ...queries: readonly Queryable<unknown>[]): void {
  for (const query of queries) db.live(query).subscribe(() => {})()
}

/** The rows that a live query shows now, for event handlers. */
export function rowsOf<R>(db: Db, query: Queryable<R>): readonly R[] {
  return db.live(query).snapshot.data
}
