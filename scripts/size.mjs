// What a page has to load, in bytes after minifying and gzip, against the budgets in size-budgets.json. It is taken from
// the sources, so that it needs no build. Bindings count without client and protocol, which have their own line; what the
// client loads only when an expression needs it has one too. The worker script and its wasm are left out: they load beside
// the page, not before it.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'

const here = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const source = (name) => here(`packages/${name}/src/index.ts`)
const peers = [/^react(-dom)?(\/|$)/, /^solid-js(\/|$)/]

const lines = [
  { name: 'client and protocol', entry: 'client', external: peers },
  { name: 'client, on demand', entry: 'client', external: peers, isLater: true },
  { name: 'react', entry: 'react', external: [...peers, /^@millrace\//] },
  { name: 'solid', entry: 'solid', external: [...peers, /^@millrace\//] },
  // Of the wasm it has the address.
  { name: 'worker, page half', entry: 'worker', external: [...peers, /\.wasm\?url$/] },
]
const budgets = JSON.parse(readFileSync(new URL('size-budgets.json', import.meta.url), 'utf8'))

let over = false
for (const { name, entry, external, isLater = false } of lines) {
  const bytes = await gzippedBytes(entry, external, isLater)
  const budget = budgets[name]
  if (!(bytes <= budget)) over = true
  const verdict = bytes <= budget ? 'ok' : 'OVER'
  console.log(
    `${name.padEnd(22)}${String(bytes).padStart(7)} of ${String(budget).padStart(6)} bytes  ${verdict}`,
  )
}
if (over) {
  console.error('Over budget. Make it smaller, or raise the budget in scripts/size-budgets.json and say why.')
  process.exit(1)
}

/** `isLater`: of what is imported while the page runs, else of what it starts with. */
async function gzippedBytes(entry, external, isLater) {
  const bundle = await rolldown({
    input: source(entry),
    external,
    platform: 'browser',
    resolve: {
      alias: Object.fromEntries(['protocol', 'client'].map((name) => [`@millrace/${name}`, source(name)])),
    },
    transform: { define: { 'process.env.NODE_ENV': '"production"' } },
  })
  const { output } = await bundle.generate({ format: 'es', minify: true })
  await bundle.close()
  const chunks = new Map(
    output.filter(({ type }) => type === 'chunk').map((chunk) => [chunk.fileName, chunk]),
  )
  const first = new Set()
  const add = (fileName) => {
    if (!chunks.has(fileName) || first.has(fileName)) return
    first.add(fileName)
    chunks.get(fileName).imports.forEach(add)
  }
  for (const { fileName, isEntry } of chunks.values()) if (isEntry) add(fileName)
  return [...chunks.values()]
    .filter(({ fileName }) => first.has(fileName) !== isLater)
    .reduce((sum, { code }) => sum + gzipSync(code, { level: 9 }).length, 0)
}
