import type { MillraceError } from '@millrace/client'
import { MillraceProvider } from '@millrace/solid'
import { render } from 'solid-js/web'
import { openTodos } from '../shared/database.ts'
import { App } from './App.tsx'
import { OpenFailed } from './OpenFailed.tsx'

const root = document.getElementById('app')!

try {
  const db = await openTodos()
  root.replaceChildren()
  render(
    () => (
      <MillraceProvider db={db}>
        <App />
      </MillraceProvider>
    ),
    root,
  )
} catch (error) {
  root.replaceChildren()
  render(() => <OpenFailed error={error as MillraceError} />, root)
}
