import { afterEachKey, expect, insert, open, rowOnDisk, test, typeAt } from './fixtures.ts'

// The same in a row of a list, which is a window of five rows with a count and groups beside it.

const letters = [...'abcdefghijkl']
const rows = [
  ...letters.map((letter, i) => ({
    id: letter,
    title: `${letter} row`,
    list: i % 2 === 0 ? 'home' : 'work',
  })),
  { id: 'm', title: 'm row', done: 1 },
]
const texts = afterEachKey((typed) => `c ${typed}row`)
const last = texts.at(-1) as string

for (const { name, order } of [
  { name: 'by another column', order: 'id' },
  { name: 'by what is typed, which leaves the row in its place', order: 'title' },
]) {
  test(`ordered ${name}`, async ({ context, framework }) => {
    const page = await open(context, framework, `list.html?order=${order}`)
    await insert(page, rows)
    const values = () =>
      page.locator('input').evaluateAll((all) => all.map((one) => (one as HTMLInputElement).value))
    await expect.poll(values).toEqual(['a row', 'b row', 'c row', 'd row', 'e row'])
    await expect(page.locator('p')).toHaveText([
      '12',
      'home: 7, the longest of 5',
      'work: 6, the longest of 5',
    ])

    const seen = await typeAt(page, 2, { selector: '#c', texts }, [
      { selector: '.count', texts: afterEachKey(() => '12') },
      { selector: '.work', texts: afterEachKey(() => 'work: 6, the longest of 5') },
      { selector: '.home', texts: afterEachKey((typed) => `home: 7, the longest of ${5 + typed.length}`) },
    ])
    expect(seen.changes).toEqual(texts.slice(1).map(() => ['characterData P.group.home']))
    expect(seen.strays).toEqual([])
    expect(await values()).toEqual(['a row', 'b row', last, 'd row', 'e row'])

    expect(await rowOnDisk(page, 'c')).toMatchObject({ title: last, list: 'home' })
    await expect.poll(values).toEqual(['a row', 'b row', last, 'd row', 'e row'])
  })
}
