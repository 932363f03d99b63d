import { useDb } from '@millrace/solid'
import { from, Show } from 'solid-js'
import { bulk } from '../shared/bulk.ts'
import { wide } from '../shared/tools.ts'
import { useCell } from './use-cell.ts'

/** What the user should know about the database: where it is if not on disk, and what keeps it busy. */
export function Notices() {
  const db = useDb()
  const connection = from((set) => db.onConnection((connection) => set(() => connection)), db.connection)
  const busy = useCell(bulk)
  return (
    <div class="notices" role="status">
      <Show when={db.storage.type === 'memory'}>
        <details class="notice memory" open={wide.matches}>
          <summary>These todos are not kept.</summary>
          {db.storage.reason}
        </details>
      </Show>
      <Show when={connection().status === 'connecting'}>
        <p class="notice late">
          Waiting for the database. What you write is kept and stored as soon as it answers.
        </p>
      </Show>
      <Show when={busy()}>
        {(busy) => (
          <p class="notice busy" aria-live="off">
            <label for="progress">{busy().label}</label>
            <progress id="progress" max={busy().total} value={busy().done} />
            <span class="percent">{Math.floor((100 * busy().done) / busy().total)} %</span>
            <button type="button" class="cancel" onClick={() => busy().cancel()}>
              Cancel
            </button>
          </p>
        )}
      </Show>
    </div>
  )
}
