import { useDb } from '@millrace/react'
import { useCallback, useSyncExternalStore } from 'react'
import { bulk } from '../shared/bulk.ts'
import { wide } from '../shared/tools.ts'
import { useCell } from './use-cell.ts'

/** What the user should know about the database: where it is if not on disk, and what keeps it busy. */
export function Notices() {
  const db = useDb()
  const connection = useSyncExternalStore(
    useCallback((listener) => db.onConnection(listener), [db]),
    () => db.connection,
  )
  const busy = useCell(bulk)
  return (
    <div className="notices" role="status">
      {db.storage.type === 'memory' && (
        <details className="notice memory" open={wide.matches}>
          <summary>These todos are not kept.</summary>
          {db.storage.reason}
        </details>
      )}
      {connection.status === 'connecting' && (
        <p className="notice late">
          Waiting for the database. What you write is kept and stored as soon as it answers.
        </p>
      )}
      {busy && (
        <p className="notice busy" aria-live="off">
          <label htmlFor="progress">{busy.label}</label>
          <progress id="progress" max={busy.total} value={busy.done} />
          <span className="percent">{Math.floor((100 * busy.done) / busy.total)} %</span>
          <button type="button" className="cancel" onClick={busy.cancel}>
            Cancel
          </button>
        </p>
      )}
    </div>
  )
}
