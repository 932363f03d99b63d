import { MillraceProvider } from '@millrace/react'
import { type ReactElement, StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { openDelayed } from '../shared/database.ts'

export async function mount(page: ReactElement): Promise<void> {
  const db = await openDelayed()
  createRoot(document.getElementById('app') as HTMLElement).render(
    <StrictMode>
      <MillraceProvider db={db}>{page}</MillraceProvider>
    </StrictMode>,
  )
}
