import { expect, test } from '@playwright/test'
import { Site } from '../tabs/site.ts'
import { WebKit } from './web-driver.ts'

for (const framework of ['react', 'solid']) {
  test(`WebKitGTK has no private file system: the demo (${framework}) says that it is in memory, and works`, async () => {
    const site = await Site.start('../../demo/dist/')
    const webkit = await WebKit.launch()
    try {
      await webkit.goto(site.url(`${framework}/index.html`))
      const notice = () =>
        webkit.run<string>(`return document.querySelector('.notice.memory')?.textContent ?? ''`)
      await expect.poll(notice, { timeout: 30_000 }).toContain('gone when the tab that holds it is closed')
      expect(await webkit.run('return typeof navigator.storage?.getDirectory')).toBe('undefined')

      // WebDriver's Enter.
      await webkit.type('.new-todo', 'one\uE007')
      const titles = () =>
        webkit.run<string[]>(
          `return [...document.querySelectorAll('.todo-list > li label')].map((e) => e.textContent)`,
        )
      await expect.poll(titles, { timeout: 30_000 }).toEqual(['one'])
    } finally {
      await webkit.close()
      site.close()
    }
  })
}
