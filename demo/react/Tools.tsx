import { useDb } from '@millrace/react'
import { useRef } from 'react'
import { addMany, bulk } from '../shared/bulk.ts'
import type { List, Tables } from '../shared/database.ts'
import { downloadDatabase, wide } from '../shared/tools.ts'
import { useCell } from './use-cell.ts'

export function Tools({ list }: { list: List | undefined }) {
  const db = useDb<Tables>()
  const isBusy = useCell(bulk) !== undefined
  const details = useRef<HTMLDetailsElement>(null)

  function use(tool: () => unknown) {
    details.current!.open = wide.matches
    tool()
  }

  return (
    <details className="tools" ref={details} open={wide.matches}>
      <summary>Tools</summary>
      <div className="menu">
        <button
          type="button"
          className="add-many"
          disabled={isBusy || list === undefined}
          onClick={() => use(() => list && addMany(db, list.id, 100_000))}
        >
          Add 100,000 todos
        </button>
        <button type="button" className="export" onClick={() => use(() => downloadDatabase(db))}>
          Export the database
        </button>
      </div>
    </details>
  )
}
