import { inMicroseconds, inMilliseconds, lastWrite } from '../shared/record.ts'
import { useCell } from './use-cell.ts'

/** What became of the last write. */
export function WritePanel() {
  const write = useCell(lastWrite)
  if (!write)
    return (
      <p className="write-panel">How soon your last write was on the page, and on disk, will show here.</p>
    )
  const { state, predicted, answered, woken } = write
  return (
    <dl className="write-panel" data-state={state}>
      <div>
        <dt>Predicted</dt>
        <dd>{predicted === undefined ? 'not: by SQL' : inMicroseconds(predicted)}</dd>
      </div>
      <div>
        <dt>{state === 'refused' ? 'Refused' : 'Stored'}</dt>
        <dd>{answered === undefined ? '…' : inMilliseconds(answered)}</dd>
      </div>
      <div>
        <dt>Queries woken</dt>
        <dd>{woken ?? '…'}</dd>
      </div>
    </dl>
  )
}
