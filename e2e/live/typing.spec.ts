import type { BrowserContext, Page } from '@playwright/test'
import type { Framework } from '../fixtures.ts'
import { afterEachKey, expect, insert, open, rowOnDisk, test, typeAt, until } from './fixtures.ts'
import { isOfReact } from './shared/describe.ts'
import type { Typing } from './shared/watch-typing.ts'

// An input bound to a live row, typed into faster than the engine answers.

const LEFT = 'before '
const RIGHT = ' and after'
const texts = afterEachKey((typed) => LEFT + typed + RIGHT)
const last = texts.at(-1) as string

/** A page with one row, in its input. */
async function openEdited(context: BrowserContext, framework: Framework): Promise<Page> {
  const page = await open(context, framework, 'typing.html')
  await insert(page, [{ id: 'edited', title: LEFT + RIGHT }])
  await expect(page.locator('input')).toHaveValue(LEFT + RIGHT)
  return page
}

/** Types in the middle of the text. */
function type(page: Page, meanwhile?: () => Promise<void>): Promise<Typing> {
  return typeAt(page, LEFT.length, { selector: 'input', texts }, [{ selector: '.title', texts }], meanwhile)
}

/** The keystrokes after which someone else writes. */
const MOMENTS = [8, 16, 24, 32, 40]
const lastNote = `note ${MOMENTS.at(-1)}`

/** What changed while somebody typed, but not by it, and how many writes were on their way, at most. */
function othersIn({ strays }: Typing): { changes: string[]; inFlight: number } {
  return {
    changes: strays.map(({ change }) => change).filter((change) => !isOfReact(change)),
    inFlight: Math.max(...strays.map(({ inFlight }) => inFlight)),
  }
}

test('no character is lost, the caret does not jump, the DOM changes once a keystroke', async ({
  context,
  framework,
}) => {
  const page = await openEdited(context, framework)

  const seen = await type(page)
  expect(seen.changes).toEqual(
    afterEachKey(() => '')
      .slice(1)
      .map(() => ['characterData P.title']),
  )
  expect(seen.strays).toEqual([])

  expect(await rowOnDisk(page, 'edited')).toMatchObject({ title: last, note: 'none' })
  await expect(page.locator('input')).toHaveValue(last)
})

/** Runs SQL at each of the moments, and says what it changed in the keystrokes and at other times. */
async function execMeanwhile(page: Page, assignment: string) {
  await page.evaluate(
    async ({ moments, assignment }) => {
      const update = `UPDATE todo SET note = ${assignment} || ? WHERE id = 'edited'`
      const note = (value: string) => window.live.db.exec({ sql: update, parameters: [value] })
      // From the second run of a text on, it is known what it changes.
      await note('none')
      window.addEventListener('input', () => {
        const keys = window.live.typing?.keys ?? 0
        if (moments.includes(keys)) void note(`note ${keys}`)
      })
    },
    { moments: MOMENTS, assignment },
  )
  const seen = await type(page)
  await expect(page.locator('.note')).toHaveText(lastNote)
  expect(await rowOnDisk(page, 'edited')).toMatchObject({ title: last, note: lastNote })
  return seen
}

test('SQL in the same page changes another column meanwhile, in the same keystroke', async ({
  context,
  framework,
}) => {
  const page = await openEdited(context, framework)

  const seen = await execMeanwhile(page, `''`)
  const both = seen.changes.flatMap((changes, key) =>
    changes.includes('characterData P.note') ? [key + 1] : [],
  )
  expect(both).toEqual(MOMENTS)
  expect(othersIn(seen).changes).toEqual([])
})

test('SQL that only the engine can run changes another column meanwhile, when it has answered', async ({
  context,
  framework,
}) => {
  const page = await openEdited(context, framework)

  const { changes, inFlight } = othersIn(
    await execMeanwhile(page, '(SELECT substr(max(id), 1, 0) FROM todo)'),
  )
  // On a slow machine one answer may be of two.
  expect(new Set(changes)).toEqual(new Set(['characterData P.note']))
  expect(changes.length).toBeLessThanOrEqual(MOMENTS.length)
  expect(inFlight).toBeGreaterThan(0)
})

test('another tab, whose worker has the database, changes another column meanwhile', async ({
  context,
  framework,
}) => {
  const other = await open(context, framework, 'typing.html')
  await insert(other, [{ id: 'edited', title: LEFT + RIGHT }])
  const page = await open(context, framework, 'typing.html')
  await expect(page.locator('input')).toHaveValue(LEFT + RIGHT)

  const seen = await type(page, async () => {
    for (const moment of MOMENTS) {
      await until(page, (moment) => (window.live.typing?.keys ?? 0) >= moment, moment)
      await other.evaluate((note) => void window.live.db.update('todo', 'edited', { note }), `note ${moment}`)
    }
  })
  await expect(page.locator('.note')).toHaveText(lastNote)
  const { changes, inFlight } = othersIn(seen)
  expect(new Set(changes)).toEqual(new Set(['characterData P.note']))
  expect(inFlight).toBeGreaterThan(0)

  await expect(other.locator('input')).toHaveValue(last)
  expect(await rowOnDisk(page, 'edited')).toMatchObject({ title: last, note: lastNote })
})
