import type { Change, Destination } from './types.ts'

/** Tells a destination of a change. Where a row changes and moves, what is put at its new place is the new row. */
export function applyTo<R>(destination: Destination<R>, { edits, snapshot }: Change<R>): void {
  if (edits === null) {
    destination.reset(snapshot.data)
    return
  }
  const put = new Set<R>()
  for (const edit of edits) if (edit.type === 'insert') put.add(edit.row)
  for (const edit of edits) {
    switch (edit.type) {
      case 'insert':
        destination.insert(edit.index, edit.row)
        break
      case 'remove':
        destination.remove(edit.index)
        break
      case 'update':
        if (!put.has(edit.row)) destination.replace(edit.index, edit.row)
    }
  }
}
