import { useDb } from '@millrace/react'
import { useCallback, useSyncExternalStore } from 'react'
import { filling } from '../shared/fill.ts'
import { useCell } from './use-cell.ts'

/** What the user should know about the database: where it is if not on disk, and what keeps it busy. */
export function Notices() {
  const db = useDb()
  const connection = useSyncExternalStore(
    useCallback((listener) => db.onConnection(listener), [db]),
    () => db.connection,
  )
  const bulk = useCell(filling)
  return (
    <div className="notices" role="status">
      {db.storage.type === 'memory' && (
        <p className="notice memory">
          <strong>These todos are gone when the last tab is closed.</strong> {db.storage.reason}
        </p>
      )}
      {connection.status === 'connecting' && (
        <p className="notice late">
          Waiting for the database. What you write is kept and stored as soon as it answers.
        </p>
      )}
      {bulk && (
        <p className="notice filling" aria-live="off">
          <label htmlFor="progress">Adding todos</label>
          <progress id="progress" max={bulk.total} value={bulk.added} />
          <span className="percent">{Math.floor((100 * bulk.added) / bulk.total)} %</span>
          <button type="button" className="cancel" onClick={bulk.cancel}>
            Cancel
          </button>
        </p>
      )}
    </div>
  )
}
