import { Show } from 'solid-js'
import { inMicroseconds, inMilliseconds, lastWrite } from '../shared/record.ts'
import { useCell } from './use-cell.ts'

/** What became of the last write. */
export function WritePanel() {
  const write = useCell(lastWrite)
  return (
    <Show
      when={write()}
      fallback={
        <p class="write-panel">How soon your last write was on the page, and on disk, will show here.</p>
      }
    >
      {(write) => (
        <dl class="write-panel" data-state={write().state}>
          <div>
            <dt>Predicted</dt>
            <dd>{orElse(write().predicted, inMicroseconds, 'not: by SQL')}</dd>
          </div>
          <div>
            <dt>{write().state === 'refused' ? 'Refused' : 'Stored'}</dt>
            <dd>{orElse(write().answered, inMilliseconds, '…')}</dd>
          </div>
          <div>
            <dt>Queries woken</dt>
            <dd>{write().woken ?? '…'}</dd>
          </div>
        </dl>
      )}
    </Show>
  )
}

function orElse(value: number | undefined, format: (value: number) => string, otherwise: string): string {
  return value === undefined ? otherwise : format(value)
}
