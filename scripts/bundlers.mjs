// Walks through the README's quick start as a newcomer does, with one bundler after the other: makes an app in a
// temporary folder, installs the packages as npm would publish them, and drives it in Chromium, once under the dev
// server and once built.
//
//   npm run build && npm run test:bundlers                all of them, or: -- vite8-react next-turbopack
//   -- --keep                                             leaves the apps where they are, and says where
//
// It installs the bundlers from the registry, and hence is not in the test line.
import { spawn, spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from '@playwright/test'
import { runnerImport } from 'vite'
import { apps } from './bundlers/apps.mjs'

const here = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const port = Number(process.env.MILLRACE_PORT ?? 4173)
const address = `http://localhost:${port}/`
const chosen = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const keep = process.argv.includes('--keep')
const unknown = chosen.filter((name) => !(name in apps))
if (unknown.length > 0) {
  console.error(`No such app: ${unknown.join(', ')}. There are ${Object.keys(apps).join(', ')}.`)
  process.exit(1)
}

const folder = mkdtempSync(join(tmpdir(), 'millrace-bundlers-'))
const tarballs = packAll()
const { module } = await runnerImport(here('e2e/chromium.ts'))
// Vite has set it in this process, and it would make development builds of all.
delete process.env.NODE_ENV
const browser = await chromium.launch(module.chromiumOptions)
const results = []
let server
for (const name of chosen.length > 0 ? chosen : Object.keys(apps)) {
  const app = { name, root: join(folder, name), ...apps[name] }
  await step(app, 'install', () => makeApp(app))
  await step(app, 'dev', () => develop(app))
  await step(app, 'build', () => visitBuilt(app))
}
await browser.close()
if (keep) console.log(`The apps are in ${folder}.`)
else rmSync(folder, { recursive: true, force: true })
const failed = results.filter(({ error }) => error)
console.log(`${results.length - failed.length} passed, ${failed.length} failed`)
process.exit(failed.length > 0 ? 1 : 0)

async function step(app, what, run) {
  const { name } = app
  if (results.some((result) => result.name === name && result.what === 'install' && result.error)) return
  let error
  try {
    await run()
  } catch (thrown) {
    error = thrown
  } finally {
    await server?.stop()
    server = undefined
    restoreSchema(app)
  }
  results.push({ name, what, error })
  console.log(`${error ? 'FAILED' : 'ok    '} ${name} ${what}${error ? `\n${error.stack}` : ''}`)
}

/** What npm would publish, by package. */
function packAll() {
  const names = readdirSync(here('packages'))
  return Object.fromEntries(
    names.map((name) => {
      if (!existsSync(here(`packages/${name}/dist/index.js`))) throw new Error('Run npm run build first.')
      const file = run('npm', ['pack', '--silent', '--pack-destination', folder], here(`packages/${name}`))
      return [`@millrace/${name}`, `file:${join(folder, file.trim())}`]
    }),
  )
}

function makeApp({ root, framework, packages, files, clientComponent, name }) {
  const version = (spec) => {
    const at = spec.indexOf('@', 1)
    return at < 0 ? [spec, '*'] : [spec.slice(0, at), spec.slice(at + 1)]
  }
  const own = ['client', 'protocol', 'engine', 'worker', framework].map((name) => `@millrace/${name}`)
  const ours = Object.fromEntries(own.map((name) => [name, tarballs[name]]))
  write(root, 'package.json', {
    name,
    private: true,
    type: 'module',
    dependencies: { ...Object.fromEntries(packages.map(version)), ...ours },
    // The packages depend on each other by versions that may not be published yet.
    overrides: ours,
  })
  for (const [file, text] of Object.entries(files)) write(root, file, text)
  const source = (file) =>
    readFileSync(here(`packages/${framework}/test/readme/${file}`), 'utf8').replace(
      /^\s*\/\/ biome-ignore .*\n/gm,
      '',
    )
  write(root, 'todos.tsx', source('todos.tsx'))
  if (clientComponent) write(root, 'app.tsx', source('app.tsx'))
  else write(root, 'main.tsx', source('main.tsx'))
  run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], root)
}

/** Writes show and stay; the schema is edited while the page is open; an error has its branch. */
async function develop(app) {
  server = await serve(app, app.dev)
  await withPage(app, async (page, warnings) => {
    await page.goto(address)
    await addAndReload(page, 'made in development')

    editSchema(app, 'note')
    // Solid's hot reload replaces the component and leaves main.tsx, and the database that it opened, as they are.
    if (app.framework === 'solid') await page.reload()
    // Whether the bundler reloads the page or replaces its modules: the list is there again, and empty.
    await eventually(async () => warnings.some((text) => text.includes('has deleted the database "todos"')))
    await eventually(async () => (await page.getByLabel('made in development').count()) === 0)
    await addAndReload(page, 'made with the new schema')

    editSchema(app, 'UNIQUE (missing)')
    if (app.framework === 'solid') await page.reload()
    await page.getByRole('alert').filter({ hasText: 'The statement reads' }).waitFor()
  })
}

/** In a production build a schema that differs is an error, which the page shows, and nothing is lost by it. */
async function visitBuilt(app) {
  await build(app)
  server = await start(app)
  await withPage(app, async (page) => {
    await page.goto(address)
    await addAndReload(page, 'made in production')

    await server.stop()
    editSchema(app, 'note')
    await build(app)
    server = await start(app)
    await page.goto(address)
    await page.getByRole('alert').filter({ hasText: 'is not the one that the schema declares' }).waitFor()

    await server.stop()
    restoreSchema(app)
    await build(app)
    server = await start(app)
    await page.goto(address)
    await page.getByLabel('made in production').waitFor()
  })
}

/** Adds a todo by the form, and finds it again after a reload. */
async function addAndReload(page, title) {
  await page.getByLabel('New todo').fill(title)
  await page.getByLabel('New todo').press('Enter')
  await page.getByLabel(title, { exact: true }).check()
  await page.waitForFunction(() => navigator.storage.getDirectory().then(() => true))
  await eventually(async () => {
    await page.reload()
    await page.getByLabel('New todo').waitFor()
    return page.getByLabel(title, { exact: true }).isChecked()
  })
}

async function withPage({ name }, visit) {
  const context = await browser.newContext()
  const page = await context.newPage()
  page.setDefaultTimeout(30_000)
  const said = []
  const warnings = []
  page.on('console', (message) => {
    said.push(`${message.type()}: ${message.text()}`)
    if (message.type() === 'warning') warnings.push(message.text())
  })
  page.on('pageerror', (error) => said.push(`thrown: ${error.message}`))
  try {
    await visit(page, warnings)
  } catch (error) {
    const shown = await page.locator('body').innerText().catch(String)
    error.stack += `\n${name} showed: ${shown.slice(0, 2000)}\nsaid: ${said.slice(-20).join('\n')}\nserver: ${server?.output().slice(-3000)}`
    throw error
  } finally {
    await context.close()
  }
}

function editSchema({ root }, column) {
  restoreSchema({ root })
  const file = join(root, 'todos.tsx')
  const text = readFileSync(file, 'utf8')
  writeFileSync(`${file}.before`, text)
  writeFileSync(file, text.replace('DEFAULT 0);', `DEFAULT 0, ${column});`))
}

function restoreSchema({ root }) {
  const before = join(root, 'todos.tsx.before')
  if (existsSync(before)) cpSync(before, join(root, 'todos.tsx'))
}

function build({ root, build, env }) {
  run('npx', build, root, env)
}

function start(app) {
  return app.start ? serve(app, app.start) : serveFiles(app.static.map((path) => join(app.root, path)))
}

/** Runs a server of the bundler. Resolves when it answers. */
async function serve({ root, env }, command) {
  const child = spawn('npx', [...command, String(port)], {
    cwd: root,
    env: { ...process.env, ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  let ended = false
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text))
  const end = new Promise((resolve) => child.on('close', resolve)).then(() => (ended = true))
  const stop = async () => {
    if (!ended) process.kill(-child.pid)
    await end
  }
  await eventually(async () => {
    if (ended) throw new Error(`${command.join(' ')} has ended:\n${output}`)
    return (await fetch(address)).ok
  }, stop)
  return { stop, output: () => output }
}

async function serveFiles(folders) {
  const types = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' }
  const files = createServer((request, response) => {
    const { pathname } = new URL(request.url, address)
    const path = pathname === '/' ? 'index.html' : pathname.slice(1)
    const file = folders.map((folder) => join(folder, path)).find((file) => existsSync(file))
    if (file === undefined) return response.writeHead(404).end()
    response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream' })
    response.end(readFileSync(file))
  })
  await new Promise((resolve) => files.listen(port, resolve))
  const stop = () => {
    files.closeAllConnections()
    return new Promise((resolve) => files.close(resolve))
  }
  return { stop, output: () => '' }
}

/** Asks again for half a minute. What is thrown meanwhile counts as no. */
async function eventually(holds, giveUp) {
  const until = Date.now() + 30_000
  let last
  for (;;) {
    try {
      if (await holds()) return
      last = new Error(`never: ${holds}`)
    } catch (error) {
      last = error
    }
    if (Date.now() > until) {
      await giveUp?.()
      throw last
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

function write(root, file, content) {
  const path = join(root, file)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content, null, 2))
}

function run(command, args, cwd, env) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: 'utf8',
  })
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')} failed:\n${stdout.slice(-3000)}\n${stderr.slice(-3000)}`)
  return stdout
}
