import { MillraceProvider } from '@millrace/react'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { openTodos } from '../shared/database.ts'
import { App } from './App.tsx'
import { OpenFailed } from './OpenFailed.tsx'

const db = openTodos()

createRoot(document.getElementById('app')!).render(
  <StrictMode>
    <MillraceProvider
      db={db}
      fallback={
        <p className="opening" role="status">
          Opening the database…
        </p>
      }
      error={(error) => <OpenFailed error={error} />}
    >
      <App />
    </MillraceProvider>
  </StrictMode>,
)
