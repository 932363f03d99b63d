import type { Change, Destination, Edit } from './types.ts'

/** Tells a destination of a change. Where a row changes and moves, what is put at its new place is the new row. */
export function applyTo<R>(destination: Destination<R>, { edits, snapshot }: Change<R>): void {
  if (edits === null) {
    destination.reset(snapshot.data)
    return
  }
  edits.forEach((edit, i) => {
    switch (edit.type) {
      case 'insert':
        destination.insert(edit.index, edit.row)
        break
      case 'remove':
        destination.remove(edit.index)
        break
      case 'update':
        if (!isTakenOutNext(edit, edits[i + 1])) destination.replace(edit.index, edit.row)
    }
  })
}

function isTakenOutNext<R>({ index }: Edit<R>, next: Edit<R> | undefined): boolean {
  return next?.type === 'remove' && next.index === index
}
