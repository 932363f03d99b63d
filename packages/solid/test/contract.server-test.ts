// The part of the contract that is about the server. It runs where `solid-js` is Solid's build for servers, so in the
// project of vite.config.ts that leaves Node's own conditions alone, and without JSX.
import { type Database, sql } from '@millrace/client'
import { MillraceProvider, useQuery } from '@millrace/solid'
import { createComponent } from 'solid-js'
import { isServer, renderToString } from 'solid-js/web'
import { expect, test } from 'vitest'

function Status() {
  const todos = useQuery(() => sql<{ id: number }>`SELECT id FROM todo`)
  return `${todos.status}, ${todos.data.length} rows, error ${todos.error}, settling ${todos.settling}`
}

test('on the server: pending and empty, and the database is not asked', () => {
  expect(isServer).toBe(true)
  const untouched = new Proxy({} as Database, {
    get: (_, name) => {
      throw new Error(`db.${String(name)} was read on the server`)
    },
  })
  const html = renderToString(() =>
    createComponent(MillraceProvider, {
      db: untouched,
      get children() {
        return createComponent(Status, {})
      },
    }),
  )
  expect(html).toBe('pending, 0 rows, error undefined, settling false')
})
