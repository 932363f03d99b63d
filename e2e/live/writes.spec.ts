import type { Page } from '@playwright/test'
import { expect, insert, open, test } from './fixtures.ts'
import type { Watched } from './shared/watch-write.ts'

// What one write does to the DOM of the whole page: it changes once, in the task of the write, and not again when the
// write settles. Made by a click on what a component shows, and outside of any framework.

test.describe('a write', () => {
  let page: Page

  test.beforeEach(async ({ context, framework }) => {
    page = await open(context, framework, 'writes.html')
    await insert(page, [
      { id: 'a', title: 'one' },
      { id: 'b', title: 'two' },
      { id: 'c', title: 'three' },
      { id: 'd', title: 'four' },
    ])
    await expect(page.locator('.count')).toHaveText('4')
    await expect(page.locator('li')).toHaveCount(4)
  })

  const click = (selector: string): Promise<Watched> =>
    page.evaluate(
      (selector) =>
        window.live.watchWrite(() => {
          document.querySelector<HTMLElement>(selector)?.click()
          return undefined
        }),
      selector,
    )

  test('update', async () => {
    expect(await click('#b .rename')).toEqual({
      inItsTask: [['characterData SPAN']],
      shown: { titles: ['one', 'two!', 'three', 'four'], count: '4' },
      later: [],
    })
    const outside = await page.evaluate(() =>
      window.live.watchWrite(() => window.live.db.update('todo', 'c', { title: 'THREE' })),
    )
    expect(outside).toEqual({
      inItsTask: [['characterData SPAN']],
      shown: { titles: ['one', 'two!', 'THREE', 'four'], count: '4' },
      later: [],
    })
  })

  test('update of a column that does not show', async () => {
    const seen = await page.evaluate(() =>
      window.live.watchWrite(() => window.live.db.update('todo', 'c', { note: 'hidden' })),
    )
    expect(seen).toEqual({
      inItsTask: [],
      shown: { titles: ['one', 'two', 'three', 'four'], count: '4' },
      later: [],
    })
  })

  const listAndCount = [['characterData P.count', 'childList UL']]

  test('insert', async () => {
    expect(await click('.add')).toEqual({
      inItsTask: listAndCount,
      shown: { titles: ['one', 'two', 'three', 'four', 'five'], count: '5' },
      later: [],
    })
    const outside = await page.evaluate(() =>
      window.live.watchWrite(() =>
        window.live.db.insert('todo', { id: 'bb', list: 'home', title: 'two and a half', note: '', done: 0 }),
      ),
    )
    expect(outside).toEqual({
      inItsTask: listAndCount,
      shown: { titles: ['one', 'two', 'two and a half', 'three', 'four', 'five'], count: '6' },
      later: [],
    })
  })

  test('delete', async () => {
    expect(await click('#b .remove')).toEqual({
      inItsTask: listAndCount,
      shown: { titles: ['one', 'three', 'four'], count: '3' },
      later: [],
    })
    const outside = await page.evaluate(() =>
      window.live.watchWrite(() => window.live.db.delete('todo', 'a')),
    )
    expect(outside).toEqual({
      inItsTask: listAndCount,
      shown: { titles: ['three', 'four'], count: '2' },
      later: [],
    })
  })

  test('toggle: the row leaves the list', async () => {
    expect(await click('#b .toggle')).toEqual({
      inItsTask: listAndCount,
      shown: { titles: ['one', 'three', 'four'], count: '3' },
      later: [],
    })
    const outside = await page.evaluate(() =>
      window.live.watchWrite(() => window.live.db.update('todo', 'a', { done: 1 })),
    )
    expect(outside).toEqual({
      inItsTask: listAndCount,
      shown: { titles: ['three', 'four'], count: '2' },
      later: [],
    })
  })
})
