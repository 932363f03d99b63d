import { dismiss, toasts } from '../shared/toasts.ts'
import { useCell } from './use-cell.ts'

export function Toasts() {
  return (
    <div className="toasts" role="alert">
      {useCell(toasts).map((toast) => (
        <div className="toast" key={toast.id}>
          <p>{toast.text}</p>
          {toast.again && (
            <button
              type="button"
              onClick={() => {
                dismiss(toast)
                toast.again?.()
              }}
            >
              Edit again
            </button>
          )}
          <button type="button" className="icon close" aria-label="Dismiss" onClick={() => dismiss(toast)} />
        </div>
      ))}
    </div>
  )
}
