import type { MillraceError } from '@millrace/client'
import { advice } from '../shared/failure.ts'

export function OpenFailed({ error }: { error: MillraceError }) {
  return (
    <main className="open-failed" role="alert">
      <h1>The todos could not be opened</h1>
      <p>{advice(error)}</p>
      <button type="button" onClick={() => location.reload()}>
        Try again
      </button>
      <pre>
        {error.code}: {error.message}
      </pre>
    </main>
  )
}
