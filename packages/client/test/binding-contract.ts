import { type Database, open, type Queryable, type SqlQuery, sql } from '@millrace/client'
import { enginePort } from '@millrace/engine/node'
import { DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely'
import { describe, expect, onTestFinished, test, vi } from 'vitest'

/**
 * What every binding owes its users, on the real engine: a binding mounts the components of {@link Page} with its
 * framework, the cases here are the same for all.
 */
export function bindingContract(name: string, driver: BindingDriver): void {
  describe(name, () => {
    queries(driver)
    writes(driver)
    rendering(driver)
    failures(driver)
    lifetimes(driver)
  })
}

export interface Todo {
  readonly id: number
  readonly list: string
  readonly title: string
  readonly done: number
  readonly position: number
}

export interface ContractTables {
  todo: Todo
}

/**
 * What a driver mounts: its parts in order, inside a provider of `db` (none where that is undefined), inside an error
 * boundary that shows `<pre>{error.code}: {error.message}</pre>`.
 *
 * | part | shows |
 * |---|---|
 * | `list` | `<ul data-status data-error>` of `query`, with the code of the error; in it for each row `<li data-id>` with {@link lineOf} the row, by a component of its own that calls `probe.row(id)` each time it works that text out |
 * | `count` | the lengths of `query` and of `count` in one component: `<p>2 of 2</p>`; it calls `probe.count(2, 2)` each time it works that text out |
 * | `rejections` | `<aside>` with a `<button>` for each refused write, with the code of its error: a click dismisses it |
 * | `editor` | `<input>` with the title of the first row, controlled: each input event writes the title with `db.update` |
 */
export interface Page {
  readonly db: Database<ContractTables> | undefined
  readonly parts: readonly ('list' | 'count' | 'editor' | 'rejections')[]
  /** To be called on each render, or by the accessor: it makes a new object each time. */
  readonly query: () => Queryable<Todo> | null
  readonly count: () => Queryable<{ readonly n: number }>
  readonly probe: Probe
}

export interface Probe {
  row(id: number): void
  count(rows: number, count: number | undefined): void
}

export const lineOf = (todo: Todo) => (todo.done ? `${todo.title} ✓` : todo.title)

export interface MountedPage {
  readonly root: HTMLElement
  /** Shows another page in the place of this one: the components stay mounted and get its query. */
  change(page: Page): void
  unmount(): void
}

/** What a binding brings. */
export interface BindingDriver {
  /** Cases, by name, that are known not to hold. One that holds after all fails, so that it leaves this list. */
  readonly gaps?: readonly string[]
  mount(page: Page): MountedPage
  /** Where the framework shows a change only at the next microtask: waits for that, and for no timer. */
  nextMicrotask?(): Promise<void>
  /** Renders on the server, where that is possible beside the rendering in a browser. */
  serverHtml?(page: Page): string
}

const schema = `
  CREATE TABLE todo (
    id INTEGER PRIMARY KEY NOT NULL,
    list TEXT NOT NULL,
    title TEXT NOT NULL CHECK (title <> 'forbidden'),
    done INTEGER NOT NULL DEFAULT 0,
    position INTEGER NOT NULL
  );
  CREATE INDEX todo_list ON todo (list, position);
`

/** Whatever a schema does besides, what the user types shows. */
const schemas = {
  'a plain table': schema,
  'a full-text index that triggers keep': `${schema}
    CREATE VIRTUAL TABLE todo_text USING fts5(title, content='todo', content_rowid='id');
    CREATE TRIGGER todo_inserted AFTER INSERT ON todo BEGIN
      INSERT INTO todo_text(rowid, title) VALUES (new.id, new.title);
    END;
    CREATE TRIGGER todo_updated AFTER UPDATE ON todo BEGIN
      INSERT INTO todo_text(todo_text, rowid, title) VALUES ('delete', old.id, old.title);
      INSERT INTO todo_text(rowid, title) VALUES (new.id, new.title);
    END;`,
  'a trigger that writes to the row itself': `${schema.replace('position INTEGER', "changed TEXT NOT NULL DEFAULT '', position INTEGER")}
    CREATE TRIGGER todo_updated AFTER UPDATE OF title ON todo BEGIN
      UPDATE todo SET changed = new.title || '!' WHERE id = new.id;
    END;`,
  'generated columns': schema.replace(
    'position INTEGER',
    'slug TEXT AS (lower(title)) STORED, size AS (length(slug)), position INTEGER',
  ),
  'a conflict that replaces': schema.replace(
    'position INTEGER',
    'code TEXT UNIQUE ON CONFLICT REPLACE, position INTEGER',
  ),
}

const todosOf = (list: string): SqlQuery<Todo> =>
  sql<Todo>`SELECT * FROM todo WHERE list = ${list} ORDER BY position`

const countOf = (list: string): SqlQuery<{ n: number }> =>
  sql<{ n: number }>`SELECT count(*) AS n FROM todo WHERE list = ${list}`

/** Kysely as a builder of queries only. */
const kysely = new Kysely<ContractTables>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
})

const todo = (id: number, title: string, list = 'a'): Todo => ({
  id,
  list,
  title,
  done: 0,
  position: id * 10,
})

/** A database with a few rows: "one", "two", "three" in list a, "else" in list b. */
async function database(text = schema): Promise<Database<ContractTables>> {
  const db = await open<ContractTables>({ port: enginePort({ schema: text }) })
  onTestFinished(() => db.close())
  await db.write((tx) => {
    tx.insert('todo', todo(1, 'one'))
    tx.insert('todo', todo(2, 'two'))
    tx.insert('todo', todo(3, 'three'))
    tx.insert('todo', todo(4, 'else', 'b'))
  }).stored
  return db
}

const silent: Probe = { row() {}, count() {} }

const listPage = (db: Database<ContractTables> | undefined, page: Partial<Page> = {}): Page => ({
  db,
  parts: ['list'],
  query: () => todosOf('a'),
  count: () => countOf('a'),
  probe: silent,
  ...page,
})

function mount(driver: BindingDriver, page: Page): MountedPage {
  const mounted = driver.mount(page)
  onTestFinished(() => mounted.unmount())
  return mounted
}

/** Mounts a page and waits for its rows. */
async function mountLive(driver: BindingDriver, page: Page): Promise<MountedPage> {
  const mounted = mount(driver, page)
  await untilLive(mounted)
  return mounted
}

/** Tries again until it holds. What it waits for takes milliseconds, but other tests may have the machine. */
const until = <T>(holds: () => T | Promise<T>, interval = 10) =>
  vi.waitFor(holds, { timeout: 30_000, interval })

const untilLive = ({ root }: MountedPage, status = 'live') =>
  until(() => {
    const statuses = Array.from(root.querySelectorAll('ul'), (list) => list.dataset.status)
    expect(statuses).toEqual(statuses.map(() => status))
    expect(root.textContent).not.toContain('undefined')
  })

const items = ({ root }: MountedPage) => Array.from(root.querySelectorAll('li'))
const lines = (mounted: MountedPage) => items(mounted).map((item) => item.textContent)
const listOf = ({ root }: MountedPage) => root.querySelector('ul')

/** Lets everything come that is on its way: messages, timers of 0 ms, a framework's own tasks. */
const quiet = () => new Promise<void>((resolve) => setTimeout(resolve, 20))

/** Counts the changes of the DOM: one for each text, attribute, or place where children came or went. */
function watch({ root }: MountedPage): () => number {
  let count = 0
  const observer = new MutationObserver((records) => {
    count += records.length
  })
  observer.observe(root, { subtree: true, childList: true, characterData: true, attributes: true })
  onTestFinished(() => observer.disconnect())
  return () => {
    count += observer.takeRecords().length
    return count
  }
}

/** A case that a driver may list as a gap. */
function gapOrTest(driver: BindingDriver, name: string, run: () => Promise<void>): void {
  if (driver.gaps?.includes(name)) test.fails(name, run)
  else test(name, run)
}

function queries(driver: BindingDriver): void {
  test('pending at first, then the rows in order', async () => {
    const page = mount(driver, listPage(await database()))
    expect(listOf(page)?.dataset.status).toBe('pending')
    expect(lines(page)).toEqual([])
    await untilLive(page)
    expect(lines(page)).toEqual(['one', 'two', 'three'])
  })

  test('other parameters: the rows of the other query, and no more of the first', async () => {
    const db = await database()
    const page = await mountLive(driver, listPage(db))
    page.change(listPage(db, { query: () => todosOf('b') }))
    expect(lines(page)).toEqual([])
    await untilLive(page)
    expect(lines(page)).toEqual(['else'])
    db.update('todo', 1, { title: 'not shown' })
    db.update('todo', 4, { title: 'shown' })
    await driver.nextMicrotask?.()
    expect(lines(page)).toEqual(['shown'])
  })

  test('there and back: the rows of the first query', async () => {
    const db = await database()
    const page = await mountLive(driver, listPage(db))
    page.change(listPage(db, { query: () => todosOf('b') }))
    page.change(listPage(db, { query: () => todosOf('a') }))
    await untilLive(page)
    expect(lines(page)).toEqual(['one', 'two', 'three'])
  })

  test('an equal query made anew changes nothing', async () => {
    const db = await database()
    const page = await mountLive(driver, listPage(db))
    const changes = watch(page)
    page.change(listPage(db, { query: () => todosOf('a') }))
    page.change(listPage(db, { query: () => ({ ...todosOf('a') }) }))
    await quiet()
    expect(changes()).toBe(0)
    expect(await wokenBy(db)).toBe(1)
  })

  test('a Kysely builder is a query, made anew on each render', async () => {
    const db = await database()
    const query = () =>
      kysely.selectFrom('todo').selectAll().where('list', '=', 'a').orderBy('position', 'desc')
    const page = await mountLive(driver, listPage(db, { query }))
    expect(lines(page)).toEqual(['three', 'two', 'one'])
    const changes = watch(page)
    page.change(listPage(db, { query }))
    expect(changes()).toBe(0)
    db.update('todo', 2, { title: 'zwei' })
    await driver.nextMicrotask?.()
    expect(lines(page)).toEqual(['three', 'zwei', 'one'])
  })

  test('a skipped query is pending and empty, and asks for nothing', async () => {
    const db = await database()
    const page = mount(driver, listPage(db, { query: () => null }))
    await quiet()
    expect(listOf(page)?.dataset.status).toBe('pending')
    expect(lines(page)).toEqual([])
    expect(await wokenBy(db)).toBe(0)

    page.change(listPage(db))
    await untilLive(page)
    expect(lines(page)).toEqual(['one', 'two', 'three'])

    page.change(listPage(db, { query: () => null }))
    expect(listOf(page)?.dataset.status).toBe('pending')
    expect(lines(page)).toEqual([])
  })

  // Where the server's build is another program, the binding has a file of its own for it.
  if (driver.serverHtml !== undefined) {
    test('on the server: pending and empty', async () => {
      const html = driver.serverHtml?.(listPage(await database()))
      expect(html).toContain('data-status="pending"')
      expect(html).not.toContain('<li')
    })
  }
}

function writes(driver: BindingDriver): void {
  test('a write shows in the task of the call', async () => {
    const db = await database()
    const page = await mountLive(driver, listPage(db))

    db.insert('todo', todo(5, 'five'))
    await driver.nextMicrotask?.()
    expect(lines(page)).toEqual(['one', 'two', 'three', 'five'])

    db.update('todo', 2, { title: 'zwei' })
    await driver.nextMicrotask?.()
    expect(lines(page)).toEqual(['one', 'zwei', 'three', 'five'])

    db.update('todo', 3, { done: true })
    await driver.nextMicrotask?.()
    expect(lines(page)).toEqual(['one', 'zwei', 'three ✓', 'five'])

    db.delete('todo', 1)
    await driver.nextMicrotask?.()
    expect(lines(page)).toEqual(['zwei', 'three ✓', 'five'])

    const { stored } = db.write((tx) => {
      tx.update('todo', 3, { done: false })
      tx.delete('todo', 5)
      tx.insert('todo', todo(6, 'six'))
    })
    await driver.nextMicrotask?.()
    expect(lines(page)).toEqual(['zwei', 'three', 'six'])

    await stored
    expect(lines(page)).toEqual(['zwei', 'three', 'six'])
  })

  const each: readonly (readonly [string, (db: Database<ContractTables>) => { stored: Promise<unknown> }])[] =
    [
      ['insert at the end', (db) => db.insert('todo', todo(5, 'five'))],
      ['insert between', (db) => db.insert('todo', { ...todo(5, 'five'), position: 15 })],
      ['update', (db) => db.update('todo', 2, { title: 'zwei' })],
      ['toggle', (db) => db.update('todo', 2, { done: true })],
      ['delete', (db) => db.delete('todo', 2)],
    ]
  test.each(each)('%s: one change of the DOM, none when it settles', async (_, write) => {
    const db = await database()
    const page = await mountLive(driver, listPage(db))
    const changes = watch(page)
    const { stored } = write(db)
    await driver.nextMicrotask?.()
    expect(changes()).toBe(1)
    const shown = lines(page)
    await stored
    await quiet()
    expect(changes()).toBe(1)
    expect(lines(page)).toEqual(shown)
  })

  test('a refused write leaves the page again, and its promise rejects', async () => {
    const db = await database()
    const refused: string[] = []
    db.onRejected(({ error }) => void refused.push(error.code))
    const page = await mountLive(driver, listPage(db))

    const insert = db.insert('todo', todo(5, 'forbidden'))
    const update = db.update('todo', 1, { title: 'forbidden' })
    await driver.nextMicrotask?.()
    expect(lines(page)).toEqual(['forbidden', 'two', 'three', 'forbidden'])

    await expect(insert.stored).rejects.toMatchObject({ code: 'WRITE_REJECTED' })
    await expect(update.stored).rejects.toMatchObject({ code: 'WRITE_REJECTED' })
    await driver.nextMicrotask?.()
    expect(lines(page)).toEqual(['one', 'two', 'three'])
    expect(refused).toEqual(['WRITE_REJECTED', 'WRITE_REJECTED'])
  })

  test('refused writes are listed until they are dismissed', async () => {
    const db = await database()
    const page = await mountLive(driver, listPage(db, { parts: ['list', 'rejections'] }))
    const told = () => [...page.root.querySelectorAll('aside button')]
    await expect(db.insert('todo', todo(5, 'forbidden')).stored).rejects.toMatchObject({})
    await expect(db.update('todo', 77, { done: 1 }).stored).rejects.toMatchObject({})
    await until(() =>
      expect(told().map(({ textContent }) => textContent)).toEqual(['WRITE_REJECTED', 'WRITE_REJECTED']),
    )
    const [, second] = told()
    told()[0]?.dispatchEvent(new MouseEvent('click', { bubbles: true }))
    await until(() => expect(told()).toEqual([second]))
    page.unmount()
    db.onRejected(() => {})
    await expect(db.update('todo', 77, { done: 1 }).stored).rejects.toMatchObject({})
  })

  gapOrTest(driver, 'a refused write keeps the DOM of the rows it touched', async () => {
    const db = await database()
    db.onRejected(() => {})
    const page = await mountLive(driver, listPage(db))
    const before = items(page)
    const write = db.write((tx) => {
      tx.update('todo', 1, { position: 25 })
      tx.update('todo', 2, { title: 'forbidden' })
    })
    await driver.nextMicrotask?.()
    expect(lines(page)).toEqual(['forbidden', 'one', 'three'])
    await expect(write.stored).rejects.toMatchObject({ code: 'WRITE_REJECTED' })
    await driver.nextMicrotask?.()
    expect(lines(page)).toEqual(['one', 'two', 'three'])
    expect(items(page)).toEqual(before)
    items(page).forEach((item, i) => {
      expect(item).toBe(before[i])
    })
  })

  test('a list and its count never disagree', async () => {
    const db = await database()
    db.onRejected(() => {})
    const seen: string[] = []
    const probe: Probe = {
      row() {},
      count: (rows, count) => void (count !== undefined && seen.push(`${rows} of ${count}`)),
    }
    const page = await mountLive(driver, listPage(db, { parts: ['list', 'count'], probe }))
    await until(() => expect(page.root.querySelector('p')?.textContent).toBe('3 of 3'))
    const shown: string[] = []
    const observer = new MutationObserver(
      () => void shown.push(`${items(page).length}: ${page.root.querySelector('p')?.textContent}`),
    )
    observer.observe(page.root, { subtree: true, childList: true, characterData: true })
    onTestFinished(() => observer.disconnect())
    seen.length = 0

    await db.insert('todo', todo(5, 'five')).stored
    await db.delete('todo', 1).stored
    await db.write((tx) => {
      tx.insert('todo', todo(6, 'six'))
      tx.insert('todo', todo(7, 'seven'))
    }).stored
    await db.insert('todo', todo(8, 'forbidden')).stored.catch(() => {})
    await db.exec(sql`DELETE FROM todo WHERE list = 'a' AND id > 5`)
    await until(() => expect(page.root.querySelector('p')?.textContent).toBe('3 of 3'))

    expect(seen.filter((pair) => !/^(\d+) of \1$/.test(pair))).toEqual([])
    expect(shown.filter((state) => !/^(\d+): \1 of \1$/.test(state))).toEqual([])
    expect(seen.length).toBeGreaterThan(0)
    expect(shown.length).toBeGreaterThan(0)
  })
}

function rendering(driver: BindingDriver): void {
  const hundred = async () => {
    const db = await database()
    await db.write((tx) => {
      tx.update('todo', 4, { list: 'a' })
      for (let id = 5; id <= 100; id++) tx.insert('todo', todo(id, `todo ${id}`))
    }).stored
    return db
  }

  test('of 100 rows the one that is toggled is rendered again', async () => {
    const db = await hundred()
    const rendered: number[] = []
    const probe: Probe = { row: (id) => void rendered.push(id), count() {} }
    const page = await mountLive(driver, listPage(db, { probe }))
    expect(new Set(rendered).size).toBe(100)
    rendered.length = 0

    const { stored } = db.update('todo', 50, { done: true })
    await driver.nextMicrotask?.()
    expect(lines(page)[49]).toBe('todo 50 ✓')
    // StrictMode renders it twice.
    expect([...new Set(rendered)]).toEqual([50])
    await stored
    await quiet()
    expect([...new Set(rendered)]).toEqual([50])
  })

  const moves: readonly (readonly [string, number, number, readonly number[]])[] = [
    ['down by one', 50, 515, [51, 50]],
    ['up by one', 51, 495, [51, 50]],
    ['to the end', 1, 9999, [2, 3]],
    ['to the top', 100, 0, [100, 1]],
  ]
  for (const [where, id, position, now] of moves) {
    gapOrTest(driver, `a row that moves ${where} keeps its DOM, and so do the others`, async () => {
      const db = await hundred()
      const page = await mountLive(driver, listPage(db))
      const before = new Map(items(page).map((item) => [item.dataset.id, item]))
      const moved = () => {
        const ids = items(page).map((item) => item.dataset.id)
        expect(ids.join()).toContain(now.join())
        expect(ids.length).toBe(100)
        for (const item of items(page)) expect(item === before.get(item.dataset.id)).toBe(true)
      }
      const { stored } = db.update('todo', id, { position })
      await driver.nextMicrotask?.()
      moved()
      await stored
      await quiet()
      moved()
    })
  }

  gapOrTest(driver, 'when all of 1,000 rows change, each keeps its DOM', async () => {
    const db = await database()
    await db.exec(sql`
      WITH RECURSIVE n(id) AS (VALUES (5) UNION ALL SELECT id + 1 FROM n WHERE id < 1001)
      INSERT INTO todo SELECT id, 'a', 'todo ' || id, 0, id * 10 FROM n`)
    const page = await mountLive(driver, listPage(db))
    const before = items(page)
    expect(before.length).toBe(1000)
    await db.exec(sql`UPDATE todo SET done = 1, position = -position WHERE list = 'a'`)
    await until(() => expect(lines(page)[999]).toBe('one ✓'))
    expect(items(page).every((item, i) => item === before[999 - i])).toBe(true)
  })

  test.each(Object.entries(schemas))('a controlled input keeps its caret: %s', async (_, schema) => {
    const db = await database(schema)
    const page = mount(driver, listPage(db, { parts: ['editor'] }))
    const input = await until(() => {
      const found = page.root.querySelector('input')
      expect(found?.value).toBe('one')
      return found as HTMLInputElement
    })
    let caret = 1
    for (const character of '-x–y') {
      const { value } = input
      type(input, value.slice(0, caret) + character + value.slice(caret), ++caret)
      await driver.nextMicrotask?.()
      expect([input.value, input.selectionStart]).toEqual([`o${'-x–y'.slice(0, caret - 1)}ne`, caret])
      // Some are answered while the user goes on to type.
      if (caret % 2 === 1) await quiet()
    }
    await quiet()
    expect([input.value, input.selectionStart]).toEqual(['o-x–yne', caret])
    expect(await db.query(sql`SELECT title FROM todo WHERE id = 1`)).toEqual([{ title: 'o-x–yne' }])
  })
}

/** What a browser does at a keystroke, past React's own setter of `value`. */
function type(input: HTMLInputElement, text: string, caret: number): void {
  const value = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')
  value?.set?.call(input, text)
  input.setSelectionRange(caret, caret)
  input.dispatchEvent(new Event('input', { bubbles: true }))
}

function failures(driver: BindingDriver): void {
  /** Frameworks log the errors that a boundary has caught. */
  const hush = () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => log.mockRestore())
  }

  test('an error of SQLite is in the snapshot, and another query recovers', async () => {
    const db = await database()
    const page = mount(driver, listPage(db, { query: () => sql<Todo>`SELECT * FROM missing` }))
    await untilLive(page, 'error')
    expect(listOf(page)?.dataset.error).toBe('INVALID_SQL')
    page.change(listPage(db))
    await untilLive(page)
    expect(lines(page)).toEqual(['one', 'two', 'three'])
    expect(listOf(page)?.dataset.error).toBeUndefined()
  })

  test('an error that a row causes goes with the row', async () => {
    const db = await database()
    const query = () =>
      sql<Todo>`SELECT id, json_extract(title, '$.text') AS title, done FROM todo WHERE list = 'json' ORDER BY id`
    await db.insert('todo', todo(5, '{"text":"fine"}', 'json')).stored
    const page = await mountLive(driver, listPage(db, { query }))
    expect(lines(page)).toEqual(['fine'])
    db.insert('todo', todo(6, 'no json', 'json'))
    await untilLive(page, 'error')
    db.update('todo', 6, { title: '{"text":"mended"}' })
    await untilLive(page)
    expect(lines(page)).toEqual(['fine', 'mended'])
  })

  test('a parameter that SQLite cannot hold reaches the error boundary', async () => {
    hush()
    const db = await database()
    const page = mount(
      driver,
      listPage(db, { query: () => ({ sql: 'SELECT * FROM todo WHERE id = ?', parameters: [Number.NaN] }) }),
    )
    expect(page.root.querySelector('pre')?.textContent).toMatch(/^INVALID_VALUE: .*NaN/)
  })

  test('without a provider the error says what to do', () => {
    hush()
    const page = mount(driver, listPage(undefined))
    expect(page.root.querySelector('pre')?.textContent).toMatch(/<MillraceProvider db=\{db\}>/)
  })
}

function lifetimes(driver: BindingDriver): void {
  test('two components with the same query show the same and are one live query', async () => {
    const db = await database()
    const page = await mountLive(driver, listPage(db, { parts: ['list', 'list'] }))
    expect(lines(page)).toEqual(['one', 'two', 'three', 'one', 'two', 'three'])
    db.update('todo', 2, { title: 'zwei' })
    await driver.nextMicrotask?.()
    expect(lines(page)).toEqual(['one', 'zwei', 'three', 'one', 'zwei', 'three'])
    expect(await wokenBy(db)).toBe(1)
  })

  test('after unmount nothing is live, and a second mount works', async () => {
    const db = await database()
    const page = await mountLive(driver, listPage(db))
    expect(await wokenBy(db)).toBe(1)
    page.unmount()
    await until(async () => expect(await wokenBy(db)).toBe(0), 100)

    const again = await mountLive(driver, listPage(db))
    expect(lines(again)).toEqual(['one', 'two', 'three'])
    db.update('todo', 2, { title: 'zwei' })
    await driver.nextMicrotask?.()
    expect(lines(again)).toEqual(['one', 'zwei', 'three'])
  })

  test('unmounted and mounted at once: the rows, and one live query', async () => {
    const db = await database()
    const page = await mountLive(driver, listPage(db))
    page.unmount()
    const again = await mountLive(driver, listPage(db))
    expect(lines(again)).toEqual(['one', 'two', 'three'])
    expect(await wokenBy(db)).toBe(1)
  })
}

let wokenRow = 1000

/** How many live queries a new row of list a wakes in the engine. The row goes again. */
async function wokenBy(db: Database<ContractTables>): Promise<number> {
  const id = wokenRow++
  const { woken } = await db.insert('todo', todo(id, 'woken')).stored
  await db.delete('todo', id).stored
  return woken
}
