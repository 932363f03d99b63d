// @vitest-environment jsdom
import { type Database, MillraceError, open, sql } from '@millrace/client'
import { enginePort } from '@millrace/engine/node'
import { MillraceProvider, useQuery } from '@millrace/react'
import { cleanup, render, screen } from '@testing-library/react'
import { Component, type ReactNode, StrictMode } from 'react'
import { renderToString } from 'react-dom/server'
import { afterEach, expect, test, vi } from 'vitest'

const schema = 'CREATE TABLE note (id INTEGER PRIMARY KEY NOT NULL)'

function Notes() {
  return <p>{useQuery(sql`SELECT * FROM note`).status}</p>
}

const page = (db: Promise<Database>) => (
  <StrictMode>
    <MillraceProvider db={db} fallback="opening" error={(error) => `${error.code}`}>
      <Notes />
    </MillraceProvider>
  </StrictMode>
)

afterEach(cleanup)

test('of a promise the provider shows the fallback, then its children', async () => {
  const db = open({ port: enginePort({ schema }) })
  const { container } = render(page(db))
  expect(container.textContent).toBe('opening')
  await screen.findByText('live')
  cleanup()
  await (await db).close()
})

test('a database that does not open is shown by its error, and another one is shown after it', async () => {
  const { container, rerender } = render(page(open({ port: enginePort({ schema: 'CREATE nothing' }) })))
  await expect.poll(() => container.textContent).toBe('INVALID_SCHEMA')
  const db = open({ port: enginePort({ schema }) })
  rerender(page(db))
  expect(container.textContent).toBe('opening')
  await screen.findByText('live')
  cleanup()
  await (await db).close()
})

test('without `error`, the nearest error boundary gets it', async () => {
  class Boundary extends Component<{ children: ReactNode }, { error?: MillraceError }> {
    override state: { error?: MillraceError } = {}
    static getDerivedStateFromError = (error: MillraceError) => ({ error })
    override render = () => this.state.error?.code ?? this.props.children
  }
  // React logs what a boundary caught.
  vi.spyOn(console, 'error').mockImplementation(() => {})
  const { container } = render(
    <Boundary>
      <MillraceProvider db={Promise.reject(new MillraceError('STORAGE_FULL', 'no room'))}>
        <Notes />
      </MillraceProvider>
    </Boundary>,
  )
  await expect.poll(() => container.textContent).toBe('STORAGE_FULL')
  vi.restoreAllMocks()
})

test('on a server it is the fallback', () => {
  expect(renderToString(page(new Promise(() => {})))).toBe('opening')
})
