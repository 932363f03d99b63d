// @vitest-environment jsdom
import { open, sql } from '@millrace/client'
import { enginePort } from '@millrace/engine/node'
import { MillraceProvider } from '@millrace/solid'
import { cleanup, fireEvent, render, screen } from '@solidjs/testing-library'
import { expect, test } from 'vitest'
import { schema, type Tables, Todos } from './todos.tsx'

test('todos are added, and marked as done', async () => {
  const db = await open<Tables>({ port: enginePort({ schema }) }) // real SQLite, in memory, in this process
  render(() => (
    <MillraceProvider db={db}>
      <Todos />
    </MillraceProvider>
  ))

  const title = screen.getByLabelText('New todo')
  fireEvent.input(title, { target: { value: 'Write a test' } })
  fireEvent.submit(title)
  const done = await screen.findByLabelText<HTMLInputElement>('Write a test')

  fireEvent.click(done)
  expect(done.checked).toBe(true)
  expect(await db.query(sql`SELECT title, done FROM todo`)).toEqual([{ title: 'Write a test', done: 1 }])

  cleanup()
  await db.close()
})
