import {
  connected,
  expect,
  newPage,
  openTab,
  startTab,
  state,
  test,
  texts,
  until,
  write,
} from './fixtures.ts'

test('a database on OPFS keeps its data over a reload', async ({ context }) => {
  const page = await openTab(context)
  expect((await state(page)).storage).toMatchObject({
    type: 'opfs',
    reason: expect.stringContaining('on disk'),
  })
  await write(page, 'kept')

  await page.reload()
  await until(page, () => 'Tab' in window)
  await startTab(page)
  await connected(page)
  expect(await texts(page)).toEqual(['kept'])
})

test('names that a file system would take for one, or refuse, are databases of their own', async ({
  context,
}) => {
  const names = ['a', 'A', '../a', 'a/b', 'ä', '%61;', '.', 'two words', '漢'.repeat(30)]
  for (const name of names) {
    const page = await openTab(context, { name })
    expect(await texts(page)).toEqual([])
    await write(page, name)
    await page.close()
  }
  for (const name of names) {
    const page = await openTab(context, { name })
    expect(await texts(page)).toEqual([name])
    await page.close()
  }
})

test('a name that cannot be a folder is refused at once', async ({ context }) => {
  const page = await newPage(context)
  const thrown = await page.evaluate(() =>
    ['', 'x'.repeat(300)].map((name) => {
      try {
        window.workerPort({ name, schema: '' })
        return 'nothing'
      } catch (error) {
        return (error as Error).name
      }
    }),
  )
  expect(thrown).toEqual(['TypeError', 'TypeError'])
})
