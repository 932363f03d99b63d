import type { MillraceError } from '@millrace/client'
import { MillraceProvider } from '@millrace/react'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { openTodos } from '../shared/database.ts'
import { App } from './App.tsx'
import { OpenFailed } from './OpenFailed.tsx'

const root = document.getElementById('app')!

try {
  const db = await openTodos()
  createRoot(root).render(
    <StrictMode>
      <MillraceProvider db={db}>
        <App />
      </MillraceProvider>
    </StrictMode>,
  )
} catch (error) {
  createRoot(root).render(<OpenFailed error={error as MillraceError} />)
}
