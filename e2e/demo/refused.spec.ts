import { expect, test } from '../fixtures.ts'
import { App, openTab } from './app.ts'

const long = `${'long '.repeat(42)}end`

let app: App

test.beforeEach(async ({ page, framework }) => {
  app = await new App(page, framework).open()
  await app.add('one')
  await app.stored()
})

test('a new todo that the database refuses leaves again, and the text is offered back', async ({ page }) => {
  // Faster than a poll of the page could see: it shows at once, and is gone with the answer.
  const shown = await page.evaluate(async (title) => {
    const seen: string[] = []
    const list = document.querySelector('.todo-list')!
    new MutationObserver(() => {
      seen.push([...list.querySelectorAll('label')].map((label) => label.textContent).join('|'))
    }).observe(list, { childList: true, subtree: true })
    const input = document.querySelector<HTMLInputElement>('.new-todo')!
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')!.set!.call(input, title)
    input.dispatchEvent(new InputEvent('input', { bubbles: true }))
    input.form!.requestSubmit()
    while (!document.querySelector('.toast')) await new Promise(requestAnimationFrame)
    return seen
  }, long)
  expect(shown).toEqual([`one|${long}`, 'one'])

  await expect(app.toast).toHaveText(/was not saved\. A todo has at most 200 characters; this one has 213\./)
  await expect(app.panel).toHaveAttribute('data-state', 'refused')
  await expect(app.titles).toHaveText(['one'])
  await expect(app.count).toHaveText('1 item left')

  await page.getByRole('button', { name: 'Edit again' }).click()
  await expect(app.toast).toHaveCount(0)
  await expect(app.newTodo).toBeFocused()
  await expect(app.newTodo).toHaveValue(long)
  await app.newTodo.fill('short')
  await app.newTodo.press('Enter')
  await expect(app.titles).toHaveText(['one', 'short'])
  await app.reload()
  await expect(app.titles).toHaveText(['one', 'short'])
})

test('an edit that the database refuses goes back to what it was', async ({ page }) => {
  const input = await app.edit('one')
  await input.fill(long)
  await input.press('Enter')
  await expect(app.toast).toContainText('at most 200 characters')
  await expect(app.titles).toHaveText(['one'])
  await page.getByRole('button', { name: 'Edit again' }).click()
  await expect(page.locator('.edit')).toHaveValue(long)
  await page.locator('.edit').fill('uno')
  await page.locator('.edit').press('Enter')
  await expect(app.titles).toHaveText(['uno'])
})

test('what was refused does not take others along', async ({ context, framework }) => {
  const second = await openTab(context, framework)
  await app.add('two', long, 'three')
  await expect(app.toast).toHaveCount(1)
  await expect(app.titles).toHaveText(['one', 'two', 'three'])
  await expect(second.titles).toHaveText(['one', 'two', 'three'])
  await app.toast.getByRole('button', { name: 'Dismiss' }).click()
  await expect(app.toast).toHaveCount(0)
})
