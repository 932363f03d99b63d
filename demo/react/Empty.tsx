import { useQuery } from '@millrace/react'
import { countsOf, type Filter } from '../shared/todos.ts'

export function Empty({ list, filter }: { list: string; filter: Filter }) {
  const [counts] = useQuery(countsOf(list)).data
  if (!counts) return null
  return (
    <div className="empty">
      {counts.total === 0 ? (
        <>
          <p>Nothing here yet.</p>
          <p>Type a todo above and press Enter.</p>
        </>
      ) : filter === 'active' ? (
        <p>All done.</p>
      ) : (
        <p>Nothing completed yet.</p>
      )}
    </div>
  )
}
