import { readFile } from 'node:fs/promises'
import { expect, test } from '../fixtures.ts'
import { App } from './app.ts'

let app: App

test.beforeEach(async ({ page, framework }) => {
  app = await new App(page, framework).open()
})

test('starts empty, ready to type', async ({ page }) => {
  await expect(app.newTodo).toBeFocused()
  await expect(page.locator('.empty')).toContainText('press Enter')
  await expect(page.locator('.main')).toBeHidden()
  await expect(page.locator('.footer')).toBeHidden()
})

test('adds at the end, trims, ignores what is empty', async ({ page }) => {
  await app.add('one', '  two  ', '   ', 'three')
  await expect(app.titles).toHaveText(['one', 'two', 'three'])
  await expect(app.count).toHaveText('3 items left')
  await page.reload()
  await expect(app.titles).toHaveText(['one', 'two', 'three'])
})

test('toggles one and all', async ({ page }) => {
  await app.add('one', 'two', 'three')
  await app.toggle('two')
  await expect(app.row('two')).toHaveClass('completed')
  await expect(app.count).toHaveText('2 items left')
  await app.toggle('one')
  await expect(app.count).toHaveText('1 item left')

  const toggleAll = page.locator('.toggle-all')
  await expect(toggleAll).not.toBeChecked()
  await toggleAll.click()
  await expect(page.locator('.todo-list > li.completed')).toHaveCount(3)
  await expect(app.count).toHaveText('0 items left')
  await expect(toggleAll).toBeChecked()
  await app.toggle('three')
  await expect(toggleAll).not.toBeChecked()
  await app.toggle('three')
  await toggleAll.click()
  await expect(page.locator('.todo-list > li.completed')).toHaveCount(0)
  await expect(app.count).toHaveText('3 items left')
  await app.stored()
  await app.reload()
  await expect(app.count).toHaveText('3 items left')
})

test('toggles all in a filtered view, where not all rows are on the page', async ({ page }) => {
  await app.add('one', 'two', 'three')
  await app.toggle('two')
  await app.filter('Completed').click()
  await expect(app.titles).toHaveText(['two'])
  await page.locator('.toggle-all').click()
  await expect(app.titles).toHaveText(['one', 'two', 'three'])
  await expect(app.count).toHaveText('0 items left')
})

test('deletes one, and those completed', async ({ page }) => {
  await app.add('one', 'two', 'three', 'four')
  await app.remove('two')
  await expect(app.titles).toHaveText(['one', 'three', 'four'])

  await expect(page.locator('.clear-completed')).toBeHidden()
  await app.toggle('one')
  await app.toggle('four')
  await page.locator('.clear-completed').click()
  await expect(app.titles).toHaveText(['three'])
  await expect(page.locator('.clear-completed')).toBeHidden()
  await app.stored()
  await app.reload()
  await expect(app.titles).toHaveText(['three'])
  await app.remove('three')
  await expect(page.locator('.empty')).toBeVisible()
})

test('filters by link, keeps the filter in the address', async ({ page }) => {
  await app.add('one', 'two', 'three')
  await app.toggle('two')

  await app.filter('Active').click()
  await expect(app.titles).toHaveText(['one', 'three'])
  await expect(page).toHaveURL(/#\/active$/)
  await expect(app.filter('Active')).toHaveClass('selected')

  await app.filter('Completed').click()
  await expect(app.titles).toHaveText(['two'])
  await expect(app.count).toHaveText('2 items left')
  await expect(page).toHaveURL(/#\/completed$/)
  await app.stored()
  await app.reload()
  await expect(app.titles).toHaveText(['two'])

  await page.goBack()
  await expect(app.titles).toHaveText(['one', 'three'])
  await app.toggle('one')
  await expect(app.titles).toHaveText(['three'])
  await app.filter('All').click()
  await expect(app.titles).toHaveText(['one', 'two', 'three'])
  await expect(page).toHaveURL(/#\/$/)
})

test('a todo added under a filter goes to the end of the whole list', async () => {
  await app.add('one', 'two', 'three')
  await app.toggle('three')
  await app.filter('Active').click()
  await expect(app.titles).toHaveText(['one', 'two'])
  await app.add('four')
  await expect(app.titles).toHaveText(['one', 'two', 'four'])
  await app.filter('All').click()
  await expect(app.titles).toHaveText(['one', 'two', 'three', 'four'])
})

test.describe('editing', () => {
  test.beforeEach(async () => {
    await app.add('one', 'two', 'three')
  })

  test('Enter saves, trimmed', async () => {
    const input = await app.edit('two')
    await expect(app.rows.nth(1)).toHaveClass(/editing/)
    await expect(input).toHaveValue('two')
    await input.fill('  two and a half ')
    await input.press('Enter')
    await expect(app.titles).toHaveText(['one', 'two and a half', 'three'])
    await app.stored()
    await app.reload()
    await expect(app.titles).toHaveText(['one', 'two and a half', 'three'])
  })

  test('leaving the input saves', async () => {
    const input = await app.edit('two')
    await input.fill('TWO')
    await app.newTodo.click()
    await expect(app.titles).toHaveText(['one', 'TWO', 'three'])
  })

  test('Escape leaves it as it was', async ({ page }) => {
    const input = await app.edit('two')
    await input.fill('never')
    await input.press('Escape')
    await expect(page.locator('.edit')).toHaveCount(0)
    await expect(app.titles).toHaveText(['one', 'two', 'three'])
  })

  test('to nothing deletes', async () => {
    const input = await app.edit('two')
    await input.fill('  ')
    await input.press('Enter')
    await expect(app.titles).toHaveText(['one', 'three'])
  })

  test('by keyboard alone', async ({ page }) => {
    await app.row('two').locator('.toggle').focus()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await expect(page.locator('.edit')).toBeFocused()
    await page.keyboard.type('!')
    await page.keyboard.press('Enter')
    await expect(app.titles).toHaveText(['one', 'two!', 'three'])
    await expect(app.row('two!').locator('.edit-todo')).toBeFocused()
    await page.keyboard.press('Enter')
    await page.keyboard.type('?')
    await page.keyboard.press('Escape')
    await expect(app.row('two!').locator('.edit-todo')).toBeFocused()
  })
})

test('the focus goes on to the next row when its own is gone', async ({ page }) => {
  await app.add('one', 'two', 'three')
  await app.row('two').locator('.destroy').focus()
  await page.keyboard.press('Enter')
  await expect(app.row('three').locator('.destroy')).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(app.row('one').locator('.destroy')).toBeFocused()

  await app.add('four')
  await app.filter('Active').click()
  await app.row('one').locator('.toggle').focus()
  await page.keyboard.press('Space')
  await expect(app.row('four').locator('.toggle')).toBeFocused()
  await page.keyboard.press('Space')
  await expect(app.newTodo).toBeFocused()
})

test.describe('lists', () => {
  test('hold their own todos and count what is open', async ({ page }) => {
    await app.add('one', 'two')
    await app.addList('Groceries')
    await expect(page.locator('.empty')).toBeVisible()
    await app.add('milk', 'bread', 'salt')
    await app.toggle('bread')
    await expect(app.list('Groceries').locator('.count')).toHaveText('2 open')
    await expect(app.list('Todos').locator('.count')).toHaveText('2 open')

    await app.list('Todos').click()
    await expect(app.titles).toHaveText(['one', 'two'])
    await app.toggle('one')
    await expect(app.list('Todos').locator('.count')).toHaveText('1 open')
    await expect(app.count).toHaveText('1 item left')

    await app.list('Groceries').click()
    await app.filter('Completed').click()
    await expect(app.titles).toHaveText(['bread'])
    await expect(page).toHaveURL(/#\/\w+\/completed$/)
    await app.stored()
    await app.reload()
    await expect(page.locator('h1')).toHaveText('Groceries')
    await expect(app.titles).toHaveText(['bread'])
  })

  test('are renamed', async ({ page }) => {
    await app.addList('Groceries')
    await page.locator('.rename-list').click()
    await page.locator('.rename').fill('Food')
    await page.locator('.rename').press('Enter')
    await expect(page.locator('h1')).toHaveText('Food')
    await expect(page.locator('.lists a .name')).toHaveText(['Food'])
    await app.stored()
    await app.reload()
    await expect(page.locator('.lists a .name')).toHaveText(['Food'])
  })

  test('are deleted with their todos', async ({ page }) => {
    await app.add('one')
    await app.addList('Groceries')
    await app.add('milk', 'bread')

    await page.locator('.delete-list').click()
    await expect(page.locator('dialog')).toContainText('Delete “Groceries” and its 2 todos?')
    await page.getByRole('button', { name: 'Keep it' }).click()
    await expect(app.titles).toHaveText(['milk', 'bread'])

    await page.locator('.delete-list').click()
    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    await expect(page.locator('.lists a .name')).toHaveText(['Todos'])
    await expect(app.titles).toHaveText(['one'])
    await app.stored()
    await app.reload()
    await expect(page.locator('.lists a .name')).toHaveText(['Todos'])
  })
})

test('tells of the last write', async () => {
  await app.add('one')
  await app.stored()
  await expect(app.panel).toHaveText(/Predicted.*µs.*Stored[\d.,]+ ms.*woken[1-9]/)
})

test('gives the database as a file', async ({ page }) => {
  await app.add('one')
  const downloading = page.waitForEvent('download')
  await page.locator('.export').click()
  const download = await downloading
  expect(download.suggestedFilename()).toBe('todos.sqlite3')
  const bytes = await readFile(await download.path())
  expect(bytes.subarray(0, 16).toString('latin1')).toBe('SQLite format 3\0')
  expect(bytes.includes('one')).toBe(true)
})
