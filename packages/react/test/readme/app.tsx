'use client'

import { open } from '@millrace/client'
import { MillraceProvider } from '@millrace/react'
// biome-ignore lint/style/noRestrictedImports: an app has both, though no test of a binding does
import { workerPort } from '@millrace/worker'
import { schema, type Tables, Todos } from './todos.tsx'

const db = open<Tables>({ port: workerPort({ name: 'todos', schema, onSchemaMismatch: 'reset' }) })

export function App() {
  return (
    <MillraceProvider
      db={db}
      fallback={<p>Opening the todos …</p>}
      error={(error) => <p role="alert">{error.message}</p>}
    >
      <Todos />
    </MillraceProvider>
  )
}
