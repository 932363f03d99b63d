import { open } from '@millrace/client'
import { MillraceProvider } from '@millrace/solid'
// biome-ignore lint/style/noRestrictedImports: an app has both, though no test of a binding does
import { workerPort } from '@millrace/worker'
import { render } from 'solid-js/web'
import { schema, type Tables, Todos } from './todos.tsx'

const db = await open<Tables>({ port: workerPort({ name: 'todos', schema }) })

render(
  () => (
    <MillraceProvider db={db}>
      <Todos />
    </MillraceProvider>
  ),
  document.body.appendChild(document.createElement('main')),
)
