// Looks at each built package as npm would publish it: publint reads its manifest, attw asks whether TypeScript finds
// the types that belong to each entry. ESM only, on purpose: require() of these packages is no supported case.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const here = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))
/** An entry that is asked for by its address, and has no types. */
const NO_TYPES = ['--exclude-entrypoints', 'crsqlite-sync.wasm']
const checks = [
  ['publint', (folder) => [folder, '--strict']],
  [
    'attw',
    (folder) => ['--pack', folder, '--profile', 'esm-only', '--format', 'ascii', '--no-emoji', ...NO_TYPES],
  ],
]

let failed = 0
for (const name of readdirSync(here('packages'))) {
  const folder = `packages/${name}`
  if (!existsSync(here(`${folder}/dist/index.js`))) {
    console.error(`${folder} is not built. Run npm run build.`)
    failed += 1
    continue
  }
  // What the compiler makes of a class may be text that throws when it is loaded; tests run on the sources and do not see it.
  const loads = await import(here(`${folder}/dist/index.js`)).then(() => null, String)
  console.log(`${loads === null ? 'ok    ' : 'FAILED'} load ${folder}${loads === null ? '' : `: ${loads}`}`)
  if (loads !== null) failed += 1
  for (const [tool, args] of checks) {
    const { status, stdout, stderr } = spawnSync(here(`node_modules/.bin/${tool}`), args(folder), {
      cwd: here('.'),
      encoding: 'utf8',
    })
    console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${tool} ${folder}`)
    if (status === 0) continue
    failed += 1
    console.log(stdout, stderr)
  }
}
// The licences of what the worker script contains ask for their text to go with it.
const notices = here('packages/worker/dist/THIRD-PARTY-NOTICES.txt')
const text = existsSync(notices) ? readFileSync(notices, 'utf8') : ''
for (const work of ['SQLite', 'cr-sqlite', '@vlcn.io/wa-sqlite', 'comlink', 'sqlite3-parser']) {
  const named = text.includes(`\n${work}${work === 'SQLite' || work === 'cr-sqlite' ? ',' : ' '}`)
  console.log(`${named ? 'ok    ' : 'FAILED'} licence of ${work} in packages/worker`)
  if (!named) failed += 1
}
process.exit(failed ? 1 : 0)
