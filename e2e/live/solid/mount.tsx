import { MillraceProvider } from '@millrace/solid'
import type { JSX } from 'solid-js'
import { render } from 'solid-js/web'
import { openDelayed } from '../shared/database.ts'

export async function mount(page: () => JSX.Element): Promise<void> {
  const db = await openDelayed()
  render(
    () => <MillraceProvider db={db}>{page()}</MillraceProvider>,
    document.getElementById('app') as HTMLElement,
  )
}
