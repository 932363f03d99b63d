import { useDb, useQuery } from '@millrace/react'
import { toggleAll } from '../shared/bulk.ts'
import type { Tables } from '../shared/database.ts'
import { countsOf, type Filter, NONE } from '../shared/todos.ts'

export function ToggleAll({ list, filter }: { list: string; filter: Filter }) {
  const db = useDb<Tables>()
  const counts = useQuery(countsOf(list)).data[0] ?? NONE
  if (counts.total === 0) return null

  return (
    <>
      <input
        id="toggle-all"
        className="toggle-all"
        type="checkbox"
        checked={counts.active === 0}
        onChange={() => toggleAll(db, list, filter, counts)}
      />
      <label className="visually-hidden" htmlFor="toggle-all">
        Mark all as complete
      </label>
    </>
  )
}
