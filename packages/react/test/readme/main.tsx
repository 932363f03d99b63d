import { open } from '@millrace/client'
import { MillraceProvider } from '@millrace/react'
// biome-ignore lint/style/noRestrictedImports: an app has both, though no test of a binding does
import { workerPort } from '@millrace/worker'
import { createRoot } from 'react-dom/client'
import { schema, type Tables, Todos } from './todos.tsx'

// While you develop, editing the schema makes the database anew. Production builds ignore `reset`.
const db = open<Tables>({ port: workerPort({ name: 'todos', schema, onSchemaMismatch: 'reset' }) })

createRoot(document.body.appendChild(document.createElement('main'))).render(
  <MillraceProvider
    db={db}
    fallback={<p>Opening the todos …</p>}
    error={(error) => <p role="alert">{error.message}</p>}
  >
    <Todos />
  </MillraceProvider>,
)
