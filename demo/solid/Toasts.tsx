import { For, Show } from 'solid-js'
import { dismiss, toasts } from '../shared/toasts.ts'
import { useCell } from './use-cell.ts'

export function Toasts() {
  const all = useCell(toasts)
  return (
    <div class="toasts" role="alert">
      <For each={all()}>
        {(toast) => (
          <div class="toast">
            <p>{toast.text}</p>
            <Show when={toast.again}>
              <button
                type="button"
                onClick={() => {
                  dismiss(toast)
                  toast.again?.()
                }}
              >
                Edit again
              </button>
            </Show>
            <button type="button" class="icon close" aria-label="Dismiss" onClick={() => dismiss(toast)} />
          </div>
        )}
      </For>
    </div>
  )
}
