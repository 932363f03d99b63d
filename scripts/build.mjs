// Builds all packages to their dist folders.
//
// tsc makes everything but one thing: the worker script. Where it runs there is no package resolution, so that it has
// to be one file with engine, parser, Comlink and the wasm glue in it, and the wasm beside it. Hence packages/worker
// takes only its declarations from tsc, and its bundles are made here:
//
//   dist/index.js    the page half; imports of packages stay imports, and it names the wasm beside it
//   dist/rescue.js   what reads the files of a database that cannot be opened
//   dist/worker.js   src/worker.ts with all that it imports, and dist/*.wasm
//
// The source says `new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })`, which is what a dev server
// or a demo build over the sources needs to see. Here that becomes './worker.js', the same expression with the name of
// the built file, which bundlers of applications know how to follow.
import { execFileSync } from 'node:child_process'
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { build } from 'vite'

const here = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const packages = readdirSync(here('packages'))

for (const name of packages) {
  rmSync(here(`packages/${name}/dist`), { recursive: true, force: true })
  for (const file of readdirSync(here(`packages/${name}`))) {
    if (file.endsWith('.tsbuildinfo')) rmSync(here(`packages/${name}/${file}`))
  }
  copyFileSync(here('LICENSE'), here(`packages/${name}/LICENSE`))
}

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
execFileSync(process.execPath, [tsc, '-b', 'tsconfig.packages.json'], { cwd: here('.'), stdio: 'inherit' })

await buildPageHalf()
await buildRescue()
await buildWorkerScript()

async function buildPageHalf() {
  let renamed = 0
  const bundle = await rolldown({
    input: here('packages/worker/src/index.ts'),
    external: /^[^./]/,
    // For a browser it would write its own answer in place of process.env.NODE_ENV, and the app's bundler has the say.
    platform: 'neutral',
    plugins: [
      {
        name: 'wasm-address',
        load(id) {
          if (!id.endsWith('/wasm-address.ts')) return null
          return "export const wasmUrlOfBundle = () => new URL('./crsqlite-sync.wasm', import.meta.url).href"
        },
      },
      {
        name: 'worker-file-name',
        transform(code) {
          const withName = code.replaceAll(/new URL\(\s*(['"])\.\/worker\.ts\1/g, () => {
            renamed += 1
            return `new URL('./worker.js'`
          })
          return withName === code ? null : { code: withName, map: null }
        },
      },
    ],
  })
  const { output } = await bundle.write({
    dir: here('packages/worker/dist'),
    entryFileNames: 'index.js',
    codeSplitting: false,
    sourcemap: true,
  })
  must(renamed === 1, `packages/worker/src names './worker.ts' in ${renamed} places; the build expects one`)
  must(
    output[0].code.includes('process.env.NODE_ENV'),
    'the page half of packages/worker does not ask for process.env.NODE_ENV any more',
  )
  const engine = output[0].imports.find((name) => name.startsWith('@millrace/engine'))
  must(!engine, `the page half of packages/worker imports ${engine}, which belongs into the worker`)
}

/** Loaded only where a database cannot be opened, so that it is in no page's first script. */
async function buildRescue() {
  const bundle = await rolldown({
    input: here('packages/worker/src/rescue.ts'),
    external: /^[^./]/,
    platform: 'neutral',
  })
  await bundle.write({
    dir: here('packages/worker/dist'),
    entryFileNames: 'rescue.js',
    codeSplitting: false,
    sourcemap: true,
  })
}

async function buildWorkerScript() {
  const { output } = await build({
    configFile: false,
    root: here('packages/worker'),
    base: './',
    logLevel: 'warn',
    build: {
      target: 'es2022',
      outDir: 'dist',
      emptyOutDir: false,
      copyPublicDir: false,
      assetsInlineLimit: 0,
      modulePreload: false,
      minify: true,
      sourcemap: true,
      rolldownOptions: {
        input: here('packages/worker/src/worker.ts'),
        output: { entryFileNames: 'worker.js', assetFileNames: '[name][extname]', codeSplitting: false },
      },
    },
  })
  // What is wrong with this file would show only in somebody's application.
  const files = output.map((file) => file.fileName).filter((name) => !name.endsWith('.map'))
  const expected =
    files.length === 2 && files.includes('worker.js') && files.some((name) => name.endsWith('.wasm'))
  must(
    expected,
    `packages/worker should build to worker.js and one .wasm file, but built to ${files.join(', ')}`,
  )
  const { imports, dynamicImports, moduleIds } = output.find((file) => file.fileName === 'worker.js')
  const left = [...imports, ...dynamicImports]
  must(
    left.length === 0,
    `packages/worker/dist/worker.js has to be self-contained, but imports ${left.join(', ')}`,
  )
  writeNotices(moduleIds)
}

/** The licences of all packages of others that are in the worker script, and of what is in the wasm. */
function writeNotices(moduleIds) {
  const folders = moduleIds.flatMap((id) => id.match(/^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0] ?? [])
  // cr-sqlite has no package of its own: it is in the wasm of wa-sqlite, and this one is made of it.
  const all = new Set([...folders, here('node_modules/@vlcn.io/crsqlite-wasm')])
  const notices = [...all].sort().map((folder) => {
    const { name, version } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'))
    const file = readdirSync(folder).find((file) => /^(licen[cs]e|copying)/i.test(file))
    must(file, `${name} is in the worker script and has no file with its licence`)
    const what = name === '@vlcn.io/crsqlite-wasm' ? `cr-sqlite, as in ${name}` : name
    return `${what} ${version}\n\n${readFileSync(`${folder}/${file}`, 'utf8').trim()}\n`
  })
  const head =
    'worker.js and crsqlite-sync.wasm contain these works of others.\n\nSQLite, https://sqlite.org\n\nThe author disclaims copyright: it is in the public domain.\n'
  writeFileSync(
    here('packages/worker/dist/THIRD-PARTY-NOTICES.txt'),
    [head, ...notices].join(`\n${'-'.repeat(80)}\n\n`),
  )
}

function must(condition, message) {
  if (!condition) throw new Error(message)
}
