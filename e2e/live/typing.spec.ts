import type { Page } from '@playwright/test'
import { expect, open, openWith, PACE, storedTitle, TEXT, test } from './fixtures.ts'
import type { Typing } from './shared/watch-typing.ts'

// An input bound to a live row, typed into faster than the engine answers.

const LEFT = 'before '
const RIGHT = ' and after'
const AFTERWARDS = `${LEFT}${TEXT}${RIGHT}`

/** Puts the caret between LEFT and RIGHT, and watches from there on. */
function watch(page: Page): Promise<void> {
  return page.evaluate(
    ({ left, right, text }) => {
      const input = document.querySelector('input') as HTMLInputElement
      input.focus()
      input.setSelectionRange(left.length, left.length)
      const expected = (keys: number) => `${left}${text.slice(0, keys)}${right}`
      window.live.typing = new window.live.TypingWatch(input, text, [{ selector: '.title', expected }])
    },
    { left: LEFT, right: RIGHT, text: TEXT },
  )
}

const end = (page: Page): Promise<Typing> => page.evaluate(() => window.live.typing!.end())

test('nothing is lost, the caret stays in its place, and the DOM changes once a keystroke', async ({
  context,
  framework,
}) => {
  const page = await openWith(context, framework, 'typing', [{ id: 'edited', title: LEFT + RIGHT }])
  await expect(page.locator('input')).toHaveValue(LEFT + RIGHT)
  await watch(page)
  await page.keyboard.type(TEXT, { delay: PACE })
  const seen = await end(page)
  console.log(JSON.stringify(seen))
  expect(await storedTitle(page, 'edited')).toBe(AFTERWARDS)
})
