import { open } from '@millrace/client'
import { MillraceProvider } from '@millrace/react'
// biome-ignore lint/style/noRestrictedImports: an app has both, though no test of a binding does
import { workerPort } from '@millrace/worker'
import { createRoot } from 'react-dom/client'
import { schema, type Tables, Todos } from './todos.tsx'

const db = await open<Tables>({ port: workerPort({ name: 'todos', schema }) })

createRoot(document.body.appendChild(document.createElement('main'))).render(
  <MillraceProvider db={db}>
    <Todos />
  </MillraceProvider>,
)
