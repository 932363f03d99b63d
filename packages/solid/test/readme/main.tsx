import { open } from '@millrace/client'
import { MillraceProvider } from '@millrace/solid'
// biome-ignore lint/style/noRestrictedImports: an app has both, though no test of a binding does
import { workerPort } from '@millrace/worker'
import { render } from 'solid-js/web'
import { schema, type Tables, Todos } from './todos.tsx'

// While you develop, editing the schema makes the database anew. Production builds ignore `reset`.
const db = open<Tables>({ port: workerPort({ name: 'todos', schema, onSchemaMismatch: 'reset' }) })

render(
  () => (
    <MillraceProvider
      db={db}
      fallback={<p>Opening the todos …</p>}
      error={(error) => <p role="alert">{error.message}</p>}
    >
      <Todos />
    </MillraceProvider>
  ),
  document.body.appendChild(document.createElement('main')),
)
