import type { Engine } from '@millrace/engine'
import type { Operation, SqlValue } from '@millrace/protocol'

/** Numbers from a seed, from 0 to 1 (mulberry32). */
export function random(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

const exec = (sql: string, ...parameters: SqlValue[]): Operation => ({ type: 'exec', sql, parameters })
const insert = (table: string, row: Record<string, SqlValue>): Operation => ({ type: 'insert', table, row })
const update = (table: string, key: SqlValue, patch: Record<string, SqlValue>): Operation => ({
  type: 'update',
  table,
  key: [key],
  patch,
})
const remove = (table: string, ...key: SqlValue[]): Operation => ({ type: 'delete', table, key })

/** What a shop does, mostly right and now and then refused: a key that is there, a row that is not, a reference to nothing. */
export function makeEdits(engine: Engine, next: () => number): () => Operation[] {
  const below = (n: number) => Math.floor(next() * n)
  const pick = <T>(values: readonly T[]): T => values[below(values.length)] as T
  /** The key of some row; now and then of none. */
  const some = (table: string, key = `${table}Id`): SqlValue => {
    if (next() < 0.03) return 999_999
    const [row] = engine.query(`SELECT ${key} FROM ${table} WHERE ${key} >= ? ORDER BY ${key} LIMIT 1`, [
      below(3600),
    ]).rows
    return row?.[0] ?? engine.query(`SELECT min(${key}) FROM ${table}`).rows[0]?.[0] ?? 1
  }
  const small = (table: string, key = `${table}Id`): SqlValue => {
    const rows = engine.query(`SELECT ${key} FROM ${table}`).rows
    return pick(rows)?.[0] ?? 1
  }
  let id = 10_000
  const words = ['Love', 'love song', 'Åse', 'Ünder', 'zebra', 'A', 'a', '', "O'Brien", 'Blue 🎵']
  const countries = ['Norway', 'Chile', 'USA', 'Brazil', 'India']
  const track = () => ({
    TrackId: ++id,
    Name: pick(words),
    AlbumId: small('Album'),
    MediaTypeId: small('MediaType'),
    GenreId: small('Genre'),
    Composer: pick([null, ...words]),
    Milliseconds: below(500_000),
    Bytes: below(10_000_000),
    UnitPrice: pick([0.99, 1.99, 1]),
  })
  const invoice = (): Operation[] => {
    const InvoiceId = ++id
    const lines = Array.from({ length: 1 + below(4) }, () => {
      const TrackId = some('Track')
      return insert('InvoiceLine', {
        InvoiceLineId: ++id,
        InvoiceId,
        TrackId,
        UnitPrice: 0.99,
        Quantity: 1 + below(3),
      })
    })
    const day = `20${10 + below(5)}-0${1 + below(9)}-1${below(9)} 00:00:00`
    return [
      insert('Invoice', {
        InvoiceId,
        CustomerId: pick([2, 5, 10]),
        InvoiceDate: day,
        BillingCountry: pick(countries),
        Total: lines.length * 0.99,
      }),
      ...lines,
    ]
  }
  const kinds: (() => Operation[])[] = [
    () => [insert('Track', track())],
    () => [insert('Track', track()), insert('PlaylistTrack', { PlaylistId: pick([17, 1, 18]), TrackId: id })],
    () => [update('Track', some('Track'), { Name: pick(words) })],
    () => [update('Track', some('Track'), { UnitPrice: pick([0.49, 2.5]), Milliseconds: below(900_000) })],
    () => [update('Track', some('Track'), { AlbumId: small('Album'), GenreId: small('Genre') })],
    () => [update('Track', some('Track'), { Composer: pick([null, ...words]) })],
    () => [remove('Track', some('Track'))],
    () => {
      const TrackId = some('Track')
      return [
        exec('DELETE FROM PlaylistTrack WHERE TrackId = ?', TrackId),
        exec('DELETE FROM InvoiceLine WHERE TrackId = ?', TrackId),
        remove('Track', TrackId),
      ]
    },
    invoice,
    invoice,
    () => [update('InvoiceLine', some('InvoiceLine'), { Quantity: below(5) })],
    () => [remove('InvoiceLine', some('InvoiceLine'))],
    () => {
      const InvoiceId = small('Invoice')
      return [exec('DELETE FROM InvoiceLine WHERE InvoiceId = ?', InvoiceId), remove('Invoice', InvoiceId)]
    },
    () => [update('Invoice', small('Invoice'), { Total: below(30), BillingCountry: pick(countries) })],
    () => [insert('PlaylistTrack', { PlaylistId: pick([17, 18]), TrackId: some('Track') })],
    () => [
      exec(
        'DELETE FROM PlaylistTrack WHERE PlaylistId = 17 AND TrackId = (SELECT max(TrackId) FROM PlaylistTrack WHERE PlaylistId = 17)',
      ),
    ],
    () => [
      update('Customer', small('Customer'), {
        SupportRepId: pick([3, 4, 5, null]),
        City: pick(['Oslo', 'Bergen', null]),
      }),
    ],
    () => [update('Customer', small('Customer'), { LastName: pick(words), Country: pick(countries) })],
    () => [update('Artist', small('Artist'), { Name: pick(words) })],
    () => [
      insert('Artist', { ArtistId: ++id, Name: pick(words) }),
      insert('Album', { AlbumId: ++id, Title: pick(words), ArtistId: id - 1 }),
    ],
    () => [update('Employee', 1 + below(8), { ReportsTo: 1 + below(8) })],
    () => [update('Employee', 1, { ReportsTo: null })],
    () => [update('Playlist', small('Playlist'), { Name: pick(words) })],
    () => [exec('UPDATE Track SET UnitPrice = round(UnitPrice * 1.1, 2) WHERE GenreId = ?', small('Genre'))],
    () => [exec('UPDATE Track SET Name = upper(Name) WHERE AlbumId = ?', small('Album'))],
    () => [
      exec(
        'INSERT INTO Genre (GenreId, Name) VALUES (?, ?) ON CONFLICT (GenreId) DO UPDATE SET Name = excluded.Name',
        1 + below(30),
        pick(words),
      ),
    ],
    // Refused: a key that is there, NULL for a key, no such row, no such column; and of several, the last.
    () => [insert('Genre', { GenreId: 1, Name: 'twice' })],
    () => [
      insert('Playlist', { PlaylistId: null as never }),
      insert('PlaylistTrack', { PlaylistId: 1, TrackId: null }),
    ],
    () => [update('Album', 888_888, { Title: 'none' })],
    () => [exec('UPDATE Album SET Missing = 1')],
    () => [update('Genre', 1, { Name: 'undone' }), remove('Genre', 777_777)],
  ]
  return () => pick(kinds)()
}
