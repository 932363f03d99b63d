import type { Page } from '@playwright/test'
import { expect, test } from '../fixtures.ts'
import { App } from './app.ts'

// What a write does to the DOM: it changes in the task of the event, once, and not again when the write settles.

let app: App

test.beforeEach(async ({ page, framework }) => {
  app = await new App(page, framework).open()
  await app.add('one', 'two', 'three')
  await app.stored()
  await expect(app.rows).toHaveCount(3)
})

interface Seen {
  /** The rows' titles right after the event, in the same task. */
  readonly titles: string[]
  readonly count: string
  /** How often the list changed: calls of a MutationObserver, which come once per microtask checkpoint. */
  readonly changes: number
  /** How often list or count changed between then and two frames after the write was stored. */
  readonly changesWhenSettled: number
  readonly node: boolean
}

/**
 * Runs `act` in the page, looks before any other task has run, then waits for the write to settle. Several promise
 * turns pass before the look, since React renders at the first microtask.
 */
function watch(page: Page, act: string): Promise<Seen> {
  return page.evaluate(async (act) => {
    const list = document.querySelector('.todo-list')!
    const footer = document.querySelector('.footer')!
    const third = list.children[2]
    let changes = 0
    let countChanges = 0
    const everything = { childList: true, subtree: true, attributes: true, characterData: true } as const
    const ofList = new MutationObserver(() => changes++)
    const ofCount = new MutationObserver(() => countChanges++)
    ofList.observe(list, everything)
    ofCount.observe(footer, everything)

    const run = new Function('type', act)
    // React follows an input's value by its setter; this is how a browser sets it.
    const setValue = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')!.set!
    let task = 'same'
    setTimeout(() => {
      task = 'later'
    })
    run((input: HTMLInputElement, text: string) => {
      setValue.call(input, text)
      input.dispatchEvent(new InputEvent('input', { bubbles: true }))
    })
    for (let turn = 0; turn < 10; turn++) await Promise.resolve()
    if (task !== 'same') throw new Error('This look came too late to prove anything.')
    const seen = {
      titles: [...list.querySelectorAll('label')].map((label) => label.textContent ?? ''),
      count: document.querySelector('.todo-count')?.textContent ?? '',
      changes,
      node: list.children[2] === third,
    }

    const before = changes + countChanges
    const panel = document.querySelector('.write-panel') as HTMLElement
    while (panel.dataset.state !== 'stored') await new Promise(requestAnimationFrame)
    await new Promise(requestAnimationFrame)
    await new Promise(requestAnimationFrame)
    return { ...seen, changesWhenSettled: changes + countChanges - before }
  }, act)
}

test('insert', async ({ page }) => {
  const seen = await watch(
    page,
    `const input = document.querySelector('.new-todo'); type(input, 'four'); input.form.requestSubmit()`,
  )
  expect(seen).toEqual({
    titles: ['one', 'two', 'three', 'four'],
    count: '4 items left',
    changes: 1,
    changesWhenSettled: 0,
    node: true,
  })
})

test('toggle', async ({ page }) => {
  const seen = await watch(page, `document.querySelectorAll('.toggle')[1].click()`)
  expect(seen).toMatchObject({ count: '2 items left', changes: 1, changesWhenSettled: 0, node: true })
  await expect(app.row('two')).toHaveClass('completed')
})

test('toggle under a filter: the row leaves', async ({ page }) => {
  await app.filter('Active').click()
  await expect(app.rows).toHaveCount(3)
  const seen = await watch(page, `document.querySelectorAll('.toggle')[1].click()`)
  expect(seen).toMatchObject({
    titles: ['one', 'three'],
    count: '2 items left',
    changes: 1,
    changesWhenSettled: 0,
  })
})

test('delete', async ({ page }) => {
  const seen = await watch(page, `document.querySelectorAll('.destroy')[0].click()`)
  expect(seen).toMatchObject({
    titles: ['two', 'three'],
    count: '2 items left',
    changes: 1,
    changesWhenSettled: 0,
  })
})

test('edit', async ({ page }) => {
  const input = await app.edit('two')
  await input.fill('TWO')
  const seen = await watch(page, `document.querySelector('.edit').form.requestSubmit()`)
  expect(seen).toMatchObject({
    titles: ['one', 'TWO', 'three'],
    count: '3 items left',
    changes: 1,
    changesWhenSettled: 0,
    node: true,
  })
})

test('move', async ({ page }) => {
  const seen = await watch(
    page,
    `const handle = document.querySelector('.handle'); handle.focus();
     handle.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown', bubbles: true, cancelable: true }))`,
  )
  expect(seen).toMatchObject({
    titles: ['two', 'one', 'three'],
    changes: 1,
    changesWhenSettled: 0,
    node: true,
  })
})

test('toggle all, and clear completed', async ({ page }) => {
  const all = await watch(page, `document.querySelector('.toggle-all').click()`)
  expect(all).toMatchObject({ count: '0 items left', changes: 1, changesWhenSettled: 0, node: true })
  await app.toggle('three')
  await app.stored()
  const cleared = await watch(page, `document.querySelector('.clear-completed').click()`)
  expect(cleared).toMatchObject({
    titles: ['three'],
    count: '1 item left',
    changes: 1,
    changesWhenSettled: 0,
  })
})

test('a toggle touches one row: its class, and nothing else in the list', async ({ page }) => {
  const touched = await page.evaluate(async () => {
    const list = document.querySelector('.todo-list')!
    const records: MutationRecord[] = []
    new MutationObserver((found) => records.push(...found)).observe(list, {
      childList: true,
      subtree: true,
      characterData: true,
      attributeOldValue: true,
    })
    const toggles = document.querySelectorAll<HTMLElement>('.toggle')
    toggles[1]!.click()
    const panel = document.querySelector('.write-panel') as HTMLElement
    do await new Promise(requestAnimationFrame)
    while (panel.dataset.state !== 'stored')
    return {
      elements: new Set(records.map(({ target }) => (target as Element).closest('li'))).size,
      // React writes an input's name and type on each render of its row, and leaves them as they were.
      changes: records
        .filter(
          ({ target, attributeName }) =>
            !['name', 'type'].includes(attributeName ?? '') || target.nodeName !== 'INPUT',
        )
        .map(({ type, target, attributeName }) => `${type} ${target.nodeName} ${attributeName}`),
    }
  })
  expect(touched).toEqual({ elements: 1, changes: ['attributes LI class'] })
})
