import type { BrowserContext, Locator, Page } from '@playwright/test'
import { expect, type Framework } from '../fixtures.ts'

/** The demo as a user sees it; the same for both frameworks. */
export class App {
  readonly page: Page
  readonly framework: Framework
  readonly newTodo: Locator
  readonly rows: Locator
  readonly titles: Locator
  readonly count: Locator
  readonly panel: Locator
  readonly toast: Locator

  constructor(page: Page, framework: Framework) {
    this.page = page
    this.framework = framework
    this.newTodo = page.locator('.new-todo')
    this.rows = page.locator('.todo-list > li')
    this.titles = page.locator('.todo-list > li label')
    this.count = page.locator('.todo-count')
    this.panel = page.locator('.write-panel')
    this.toast = page.locator('.toast')
  }

  async open(hash = ''): Promise<this> {
    await this.page.goto(`${this.framework}/${hash}`)
    await this.newTodo.waitFor()
    return this
  }

  async reload(): Promise<void> {
    await this.page.reload()
    await this.newTodo.waitFor()
  }

  row(title: string): Locator {
    return this.rows.filter({ has: this.page.getByText(title, { exact: true }) })
  }

  list(name: string): Locator {
    return this.page.locator('.lists a').filter({ has: this.page.getByText(name, { exact: true }) })
  }

  filter(name: 'All' | 'Active' | 'Completed'): Locator {
    return this.page.locator('.filters a').getByText(name, { exact: true })
  }

  async add(...titles: string[]): Promise<void> {
    for (const title of titles) {
      await this.newTodo.fill(title)
      await this.newTodo.press('Enter')
    }
  }

  async addList(name: string): Promise<void> {
    await this.page.locator('.new-list').fill(name)
    await this.page.locator('.new-list').press('Enter')
    await expect(this.page.locator('h1')).toHaveText(name)
  }

  async toggle(title: string): Promise<void> {
    await this.row(title).locator('.toggle').click()
  }

  async remove(title: string): Promise<void> {
    await this.row(title).hover()
    await this.row(title).locator('.destroy').click()
  }

  /** Opens the row's editor and gives its input. */
  async edit(title: string): Promise<Locator> {
    await this.row(title).locator('label').dblclick()
    const input = this.page.locator('.todo-list .edit')
    await expect(input).toBeFocused()
    return input
  }

  /** The last write is on disk. */
  async stored(timeout = 15_000): Promise<void> {
    await expect(this.panel).toHaveAttribute('data-state', 'stored', { timeout })
  }
}

/** A second tab of the same browser. */
export async function openTab(context: BrowserContext, framework: Framework, hash = ''): Promise<App> {
  return new App(await context.newPage(), framework).open(hash)
}

export const other = (framework: Framework): Framework => (framework === 'react' ? 'solid' : 'react')
