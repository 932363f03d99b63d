// @vitest-environment jsdom
import { type Database, MillraceError, open, sql } from '@millrace/client'
import { enginePort } from '@millrace/engine/node'
import { MillraceProvider, useQuery } from '@millrace/solid'
import { cleanup, render, screen } from '@solidjs/testing-library'
import { ErrorBoundary } from 'solid-js'
import { afterEach, expect, test } from 'vitest'

const schema = 'CREATE TABLE note (id INTEGER PRIMARY KEY NOT NULL)'

function Notes() {
  const notes = useQuery(() => sql`SELECT * FROM note`)
  return <p>{notes.status}</p>
}

const page = (db: Promise<Database>) => () => (
  <MillraceProvider db={db} fallback="opening" error={(error) => error.code}>
    <Notes />
  </MillraceProvider>
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

test('a database that does not open is shown by its error', async () => {
  const { container } = render(page(open({ port: enginePort({ schema: 'CREATE nothing' }) })))
  await expect.poll(() => container.textContent).toBe('INVALID_SCHEMA')
})

test('without `error`, the nearest error boundary gets it', async () => {
  const { container } = render(() => (
    <ErrorBoundary fallback={(error) => error.code}>
      <MillraceProvider db={Promise.reject(new MillraceError('STORAGE_FULL', 'no room'))}>
        <Notes />
      </MillraceProvider>
    </ErrorBoundary>
  ))
  await expect.poll(() => container.textContent).toBe('STORAGE_FULL')
})
