import { useDb, useQuery } from '@millrace/react'
import type { Tables } from '../shared/database.ts'
import { rowsOf } from '../shared/live.ts'
import { record } from '../shared/record.ts'
import { countsOf, type Filter, setAllDone, todosOf } from '../shared/todos.ts'

export function ToggleAll({ list, filter }: { list: string; filter: Filter }) {
  const db = useDb<Tables>()
  const [counts] = useQuery(countsOf(list)).data
  if (!counts?.total) return null
  const done = counts.active === 0 ? 0 : 1

  return (
    <>
      <input
        id="toggle-all"
        className="toggle-all"
        type="checkbox"
        checked={!done}
        onChange={() => record(() => setAllDone(db, list, done, rowsOf(db, todosOf(list, filter)), counts))}
      />
      <label className="visually-hidden" htmlFor="toggle-all">
        Mark all as complete
      </label>
    </>
  )
}
