import {
  connected,
  expect,
  newPage,
  openTab,
  SCHEMA,
  startTab,
  state,
  test,
  texts,
  until,
  write,
} from './fixtures.ts'

test('a second tab is served by the first, and changes go both ways', async ({ context }) => {
  const owner = await openTab(context)
  const follower = await openTab(context)
  const select = 'SELECT id, text FROM entry ORDER BY id'
  await owner.evaluate((sql) => window.tabs.main?.subscribe(sql), select)
  await follower.evaluate((sql) => window.tabs.main?.subscribe(sql), select)

  await write(owner, 'from the owner')
  await until(follower, () => JSON.stringify(window.tabs.main?.messages).includes('from the owner'))
  await write(follower, 'from the follower')
  await until(owner, () => JSON.stringify(window.tabs.main?.messages).includes('from the follower'))

  expect(await texts(owner)).toEqual(['from the owner', 'from the follower'])
  expect(await texts(follower)).toEqual(await texts(owner))
  for (const page of [owner, follower]) {
    expect(await state(page)).toMatchObject({ connections: 1, losses: [], refusals: [] })
  }
})

test('a follower gets errors with their codes, and an export in full', async ({ context }) => {
  const owner = await openTab(context)
  const follower = await openTab(context)
  for (const page of [owner, follower]) {
    const code = await page.evaluate(async () => {
      try {
        await window.tabs.main?.query('SELECT nonsense FROM nowhere')
        return 'none'
      } catch (error) {
        return error instanceof window.MillraceError ? error.code : String(error)
      }
    })
    expect(code).toBe('INVALID_SQL')
    expect(await page.evaluate(() => window.tabs.main?.exportedBytes())).toBeGreaterThan(4096)
  }
})

test('a second source of the same name in one page follows the first', async ({ context }) => {
  const page = await openTab(context)
  await page.evaluate((schema) => {
    window.tabs.second = new window.Tab({ name: 'test', schema })
  }, SCHEMA)
  await until(page, () => window.tabs.second?.connected === true)
  await page.evaluate(() => window.tabs.second?.write("INSERT INTO entry (text) VALUES ('second')"))
  expect(await texts(page)).toEqual(['second'])

  // And takes over from it.
  await page.evaluate(() => window.tabs.main?.close())
  await until(page, () => window.tabs.second?.connected === true && window.tabs.second.connections === 2)
  expect(await page.evaluate(() => window.tabs.second?.query('SELECT text FROM entry'))).toEqual([['second']])
})

test('tabs that open at the same moment agree on one owner', async ({ context }) => {
  for (let round = 0; round < 10; round++) {
    const name = `round ${round}`
    const pages = [await newPage(context), await newPage(context)]
    await Promise.all(pages.map((page) => startTab(page, { name })))
    await Promise.all(pages.map((page) => connected(page)))
    await Promise.all(pages.map((page, index) => write(page, `tab ${index}`)))
    for (const page of pages) {
      expect((await texts(page)).toSorted()).toEqual(['tab 0', 'tab 1'])
      expect(await state(page)).toMatchObject({ connections: 1, refusals: [] })
    }
    await Promise.all(pages.map((page) => page.close()))
  }
})
