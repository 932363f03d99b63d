import { MillraceProvider } from '@millrace/solid'
import { render } from 'solid-js/web'
import { openTodos } from '../shared/database.ts'
import { App } from './App.tsx'
import { OpenFailed } from './OpenFailed.tsx'

const root = document.getElementById('app')!
const db = openTodos()

root.replaceChildren()
render(
  () => (
    <MillraceProvider
      db={db}
      fallback={
        <p class="opening" role="status">
          Opening the database…
        </p>
      }
      error={(error) => <OpenFailed error={error} />}
    >
      <App />
    </MillraceProvider>
  ),
  root,
)
