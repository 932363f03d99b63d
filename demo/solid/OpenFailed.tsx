import type { MillraceError } from '@millrace/client'
import { advice } from '../shared/failure.ts'

export function OpenFailed(props: { error: MillraceError }) {
  return (
    <main class="open-failed" role="alert">
      <h1>The todos could not be opened</h1>
      <p>{advice(props.error)}</p>
      <button type="button" onClick={() => location.reload()}>
        Try again
      </button>
      <pre>
        {props.error.code}: {props.error.message}
      </pre>
    </main>
  )
}
