// @vitest-environment jsdom
import { open, sql } from '@millrace/client'
import { enginePort } from '@millrace/engine/node'
import { MillraceProvider, useQuery } from '@millrace/react'
import { cleanup, render } from '@testing-library/react'
import { Activity } from 'react'
import { expect, test, vi } from 'vitest'

interface Note {
  readonly id: number
  readonly text: string
}

function Notes() {
  const { data } = useQuery(sql<Note>`SELECT * FROM note ORDER BY id`)
  return <p>{data.map((note) => note.text).join(' ')}</p>
}

// React keeps what a hidden component has in its memos: the same live query is subscribed to a second time, after it
// has ended.
test('hidden by Activity a query ends; shown again it is live, once', async () => {
  const db = await open<{ note: Note }>({
    port: enginePort({ schema: 'CREATE TABLE note (id INTEGER PRIMARY KEY NOT NULL, text TEXT NOT NULL)' }),
  })
  const page = (mode: 'visible' | 'hidden') => (
    <MillraceProvider db={db}>
      <Activity mode={mode}>
        <Notes />
      </Activity>
    </MillraceProvider>
  )
  const { container, rerender } = render(page('visible'))
  await db.insert('note', { id: 1, text: 'one' }).stored
  await expect.poll(() => container.textContent).toBe('one')

  rerender(page('hidden'))
  const write = async (text: string) => (await db.update('note', 1, { text }).stored).woken
  let tries = 0
  await vi.waitFor(async () => expect(await write(`hidden ${tries++}`)).toBe(0), {
    timeout: 30_000,
    interval: 100,
  })
  await db.insert('note', { id: 2, text: 'two' }).stored

  rerender(page('visible'))
  await expect.poll(() => container.textContent).toBe(`hidden ${tries - 1} two`)
  expect(await write('shown')).toBe(1)
  await Promise.resolve()
  expect(container.textContent).toBe('shown two')

  cleanup()
  await db.close()
})
