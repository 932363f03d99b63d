import { expect, test } from '../fixtures.ts'
import { App, openTab, other } from './app.ts'

let app: App

test.beforeEach(async ({ page, framework }) => {
  app = await new App(page, framework).open()
})

test('what one tab writes shows in the other, and back', async ({ context, framework }) => {
  await app.add('one')
  const second = await openTab(context, framework)
  await expect(second.titles).toHaveText(['one'])

  await app.add('two')
  await expect(second.titles).toHaveText(['one', 'two'])
  await expect(second.count).toHaveText('2 items left')

  await second.toggle('one')
  await expect(app.row('one')).toHaveClass('completed')
  await expect(app.count).toHaveText('1 item left')
  await second.remove('two')
  await expect(app.titles).toHaveText(['one'])
  await second.addList('Groceries')
  await expect(app.list('Groceries')).toBeVisible()
})

test('what is written in one framework shows in the other', async ({ context, framework }) => {
  const second = await openTab(context, other(framework))
  await app.add('one')
  await expect(second.titles).toHaveText(['one'])
  await second.add('two')
  await expect(app.titles).toHaveText(['one', 'two'])
})

test('an edit keeps draft and caret while another tab changes the row', async ({ context, framework }) => {
  await app.add('one', 'two', 'three')
  const second = await openTab(context, framework)
  const input = await app.edit('two')
  await input.pressSequentially(' draft')
  await input.press('ArrowLeft')
  await input.press('ArrowLeft')
  const caret = () => input.evaluate((field: HTMLInputElement) => field.selectionStart)
  expect(await caret()).toBe('two dra'.length)

  const theirs = await second.edit('two')
  await theirs.fill('changed elsewhere')
  await theirs.press('Enter')
  await second.toggle('changed elsewhere')
  await second.add('four')
  await second.remove('one')

  // All of it has arrived, and the input does not know.
  await expect(app.titles).toHaveText(['changed elsewhere', 'three', 'four'])
  await expect(app.rows.nth(0)).toHaveClass(/completed/)
  await expect(input).toBeFocused()
  await expect(input).toHaveValue('two draft')
  expect(await caret()).toBe('two dra'.length)

  await input.press('Enter')
  await expect(second.titles).toHaveText(['two draft', 'three', 'four'])
  await expect(app.rows.nth(0)).toHaveClass('completed')
})

test('an edit keeps focus and draft while another tab moves the row', async ({ context, framework }) => {
  await app.add('one', 'two', 'three')
  const second = await openTab(context, framework)
  const input = await app.edit('one')
  await input.pressSequentially(' draft')
  await input.press('ArrowLeft')
  await second.row('one').locator('.handle').focus()
  await second.page.keyboard.press('ArrowDown')
  await second.page.keyboard.press('ArrowDown')
  await expect(app.titles).toHaveText(['two', 'three', 'one'])
  await expect(input).toBeFocused()
  await input.press('x')
  await expect(input).toHaveValue('one drafxt')
})

test('todos added in two tabs at once are all there, in one order', async ({ context, framework }) => {
  await app.add('first')
  const second = await openTab(context, other(framework))
  await expect(second.titles).toHaveText(['first'])
  await Promise.all([app.add('a1', 'a2', 'a3'), second.add('b1', 'b2', 'b3')])
  await expect(app.rows).toHaveCount(7)
  await expect(second.rows).toHaveCount(7)
  const order = await app.titles.allTextContents()
  await expect(second.titles).toHaveText(order)
  await app.reload()
  await expect(app.titles).toHaveText(order)

  // Also where two have the same position, a row can be moved.
  await app.rows.nth(6).locator('.handle').focus()
  for (let i = 0; i < 6; i++) await app.page.keyboard.press('Alt+ArrowUp')
  await expect(app.titles.nth(0)).toHaveText(order[6]!)
  await expect(second.titles.nth(0)).toHaveText(order[6]!)
})

test('the tab that owns the database is closed amid writes: the other goes on within two seconds, and nothing is lost', async ({
  context,
  framework,
}) => {
  await app.add('one', 'two')
  await app.stored()
  const second = await openTab(context, framework)
  await expect(second.titles).toHaveText(['one', 'two'])
  await app.add('three')
  await app.stored()

  await app.page.close()
  // Shown at once, as ever; on disk as soon as this tab has the database.
  await second.add('four')
  await expect(second.titles).toHaveText(['one', 'two', 'three', 'four'])
  await second.stored()
  await expect(second.count).toHaveText('4 items left')

  await second.reload()
  await expect(second.titles).toHaveText(['one', 'two', 'three', 'four'])
})
