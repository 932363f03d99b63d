import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openEngine } from '@millrace/engine/node'
import { MillraceError } from '@millrace/protocol'
import { describe, expect, test } from 'vitest'
import { makeEdits, random } from './chinook/edits.ts'
import { type ChinookQuery, QUERIES } from './chinook/queries.ts'
import { Replay, show, showSorted } from './oracle/replay.ts'

/*
 * Real data: the Chinook music shop, 15,607 rows. Its queries stay true under edits, valid and refused ones.
 * The data is not in this repository: MILLRACE_CHINOOK names its folder, or it lies in shared/data beside the repository.
 */
const root = fileURLToPath(new URL('../../..', import.meta.url))
const folder = process.env.MILLRACE_CHINOOK ?? resolve(root, '../shared/data/chinook')
const present = existsSync(resolve(folder, 'data.sql'))
const SEED = Number(process.env.MILLRACE_SEED ?? 1)

const text = (file: string) => readFileSync(resolve(folder, file), 'utf8')
// Statements end in a semicolon before an empty line, or before the end.
const statements = (script: string) =>
  script
    .split(/;\s*?\n\s*?\n|;\s*$/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '')

if (!present) {
  console.warn(
    `\n  CHINOOK IS NOT TESTED: there is no ${folder}/data.sql. Set MILLRACE_CHINOOK to the folder that has it.\n`,
  )
  test(`Chinook is not tested, for its data is absent: ${folder}`, () => {
    expect(existsSync(resolve(folder, 'data.sql'))).toBe(false)
  })
}

describe.runIf(present)('Chinook', () => {
  // A replicated table costs three times as much to load and to write; the queries are the same.
  test.for([
    ['plain', 1000, 'schema.sql'],
    ['replicated', 300, 'schema-crr.sql'],
  ] as const)(
    '%s: all queries are true after each of %i random edits',
    { timeout: 300_000 },
    async ([, edits, file]) => {
      const schema = text(file).replace(/^-- (SELECT crsql_as_crr)/gm, '$1')
      const engine = await openEngine({ schema })
      for (const statement of statements(text('data.sql'))) {
        engine.write([{ type: 'exec', sql: statement, parameters: [] }])
      }
      expect(engine.query('SELECT round(sum(Total), 1) FROM Invoice').rows).toEqual([[2328.6]])
      expect(
        engine.query('SELECT (SELECT count(*) FROM Track), (SELECT count(*) FROM PlaylistTrack)').rows,
      ).toEqual([[3503, 8715]])

      const live = QUERIES.map((query) => {
        const replay = new Replay()
        engine.subscribe(query.sql, query.parameters ?? [], replay.listen)
        return { query, replay, heard: replay.heard }
      })
      let compared = 0
      const compare = ({ query, replay }: { query: ChinookQuery; replay: Replay }, when: string) => {
        compared++
        const fresh = engine.query(query.sql, query.parameters ?? []).rows
        const inOrder = query.total === true
        expect(inOrder ? show(replay.rows) : showSorted(replay.rows), `${query.name}, ${when}`).toBe(
          inOrder ? show(fresh) : showSorted(fresh),
        )
        expect(replay.excess, `${query.name}, ${when}`).toBe('')
      }
      for (const one of live) compare(one, 'at first')

      const next = random(SEED)
      const edit = makeEdits(engine, next)
      let refused = 0
      for (let i = 1; i <= edits; i++) {
        const operations = edit()
        try {
          engine.write(operations)
        } catch (error) {
          if (!(error instanceof MillraceError) || error.code === 'INTERNAL') throw error
          refused++
        }
        const when = `seed ${SEED}, edit ${i}: ${JSON.stringify(operations)}`
        // Those that were told something, one of the others, and now and then all.
        const other = live[Math.floor(next() * live.length)]
        for (const one of live) {
          if (one.replay.heard !== one.heard || one === other || i % 50 === 0) compare(one, when)
          one.heard = one.replay.heard
        }
      }
      for (const one of live) compare(one, 'at the end')
      const deltas = live.reduce((sum, { replay }) => sum + replay.heard, 0) - live.length
      console.log(
        `Chinook ${file}: seed ${SEED}, ${live.length} queries, ${edits} edits, ${refused} refused, ${deltas} deltas, ${compared} comparisons`,
      )
      for (const { query, replay } of live)
        expect(replay.heard, `${query.name} never changed`).toBeGreaterThan(1)
      expect(refused).toBeGreaterThan(edits / 50)
      engine.close()
    },
  )
})
