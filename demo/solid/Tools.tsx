import { useDb } from '@millrace/solid'
import type { List, Tables } from '../shared/database.ts'
import { fill, filling } from '../shared/fill.ts'
import { downloadDatabase, wide } from '../shared/tools.ts'
import { useCell } from './use-cell.ts'

export function Tools(props: { list: List | undefined }) {
  const db = useDb<Tables>()
  const bulk = useCell(filling)
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
          disabled={bulk() !== undefined || props.list === undefined}
          onClick={() => use(() => props.list && fill(db, props.list.id, 100_000))}
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
