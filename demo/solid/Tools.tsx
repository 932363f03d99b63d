import { useDb } from '@millrace/solid'
import { addMany, bulk } from '../shared/bulk.ts'
import type { List, Tables } from '../shared/database.ts'
import { downloadDatabase, wide } from '../shared/tools.ts'
import { useCell } from './use-cell.ts'

export function Tools(props: { list: List | undefined }) {
  const db = useDb<Tables>()
  const busy = useCell(bulk)
  let details!: HTMLDetailsElement

  function use(tool: () => unknown) {
    details.open = wide.matches
    tool()
  }

  return (
    <details class="tools" ref={details} open={wide.matches}>
      <summary>Tools</summary>
      <div class="menu">
        <button
          type="button"
          class="add-many"
          disabled={busy() !== undefined || props.list === undefined}
          onClick={() => use(() => props.list && addMany(db, props.list.id, 100_000))}
        >
          Add 100,000 todos
        </button>
        <button type="button" class="export" onClick={() => use(() => downloadDatabase(db))}>
          Export the database
        </button>
      </div>
    </details>
  )
}
