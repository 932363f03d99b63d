'use client'

import { type Database, MillraceError, type Tables } from '@millrace/client'
import { useContext } from 'react'
import { DatabaseContext } from './provider.ts'

/**
 * The database of the nearest {@link MillraceProvider}, to write with. The type argument names the tables; it is not
 * checked against what was opened, so give both the same interface.
 *
 * ```tsx
 * const db = useDb<Tables>()
 * return <button onClick={() => db.update('todo', todo.id, { done: 1 })}>Done</button>
 * ```
 *
 * @throws MillraceError `INVALID_VALUE` when there is no provider above.
 */
export function useDb<T extends Tables = Tables>(): Database<T> {
  const db = useContext(DatabaseContext)
  if (db === undefined) {
    throw new MillraceError(
      'INVALID_VALUE',
      'useDb or useQuery was called where there is no database: put <MillraceProvider db={db}> around the component, with db from open().',
    )
  }
  return db as unknown as Database<T>
}
