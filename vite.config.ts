import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { type AliasOptions, defaultClientConditions } from 'vite'
import solid from 'vite-plugin-solid'
import { defineConfig } from 'vitest/config'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

// Package names point at their sources, so that a change shows without a build. MILLRACE_DIST=1 leaves them alone:
// the same tests and the same demo then run on what `npm run build` made, through each package's `exports`.
const alias: AliasOptions = process.env.MILLRACE_DIST
  ? []
  : [
      { find: /^@millrace\/engine\/node$/, replacement: here('packages/engine/src/node.ts') },
      { find: /^@millrace\/worker\/rescue$/, replacement: here('packages/worker/src/rescue.ts') },
      { find: /^@millrace\/([a-z]+)$/, replacement: here('packages/$1/src/index.ts') },
    ]

const reactPlugin = () => react({ include: /\/(demo|packages|docs|e2e\/live)\/react\/.*\.tsx?$/ })
const solidPlugin = () => solid({ include: /\/(demo|packages|docs|e2e\/live)\/solid\/.*\.tsx$/, hot: false })

const livePages = ['react', 'solid'].flatMap((framework) =>
  ['typing', 'list', 'writes'].map((page) => `e2e/live/${framework}/${page}.html`),
)

// `--mode e2e` serves and builds the pages of the e2e tests that are below the demo: live rows in a framework, the client,
// and the worker alone.
const sites = {
  demo: ['demo/index.html', 'demo/react/index.html', 'demo/solid/index.html'],
  e2e: [
    'e2e/client/page.html',
    'e2e/worker/tab.html',
    'e2e/worker/elsewhere.html',
    'e2e/tabs/page.html',
    'e2e/tabs/elsewhere.html',
    ...livePages,
  ],
}
const testFiles = (folder: string) => [
  `${folder}/src/**/*.test.{ts,tsx}`,
  `${folder}/test/**/*.test.{ts,tsx}`,
]
// What a component does on a server is tested with the frameworks' builds for servers.
const serverTests = 'packages/*/test/**/*.server-test.{ts,tsx}'
const solidTests = [...testFiles('packages/solid'), 'docs/solid/**/*.test.{ts,tsx}']

const siteOf = (mode: string) => (mode === 'e2e' ? 'e2e' : 'demo')

export default defineConfig(({ mode }) => ({
  root: here(process.env.VITEST ? '.' : siteOf(mode)),
  // Relative, so that the built demo can lie in any folder of any host.
  base: './',
  resolve: { alias },
  plugins: [reactPlugin(), solidPlugin()],
  worker: { format: 'es' },
  server: { fs: { allow: [here('.')] } },
  // These find their wasm beside themselves by import.meta.url, which pre-bundling would move.
  optimizeDeps: {
    exclude: ['@vlcn.io/wa-sqlite', '@vlcn.io/crsqlite-wasm'],
    // Only the worker imports these, where the dev server does not look ahead; found late, they would reload the page.
    include: ['comlink', 'sqlite3-parser'],
  },
  build: {
    target: 'es2022',
    outDir: here(`${siteOf(mode)}/dist`),
    emptyOutDir: true,
    rolldownOptions: { input: sites[siteOf(mode)].map(here) },
  },
  test: {
    pool: 'forks',
    maxWorkers: 2,
    // What is polled for takes milliseconds, but other tests may have the machine.
    expect: { poll: { timeout: 30_000, interval: 5 } },
    // Two projects, because solid-js is two builds: without these conditions Node gets the one for servers, in which
    // nothing is reactive.
    projects: [
      {
        root: here('.'),
        resolve: { alias },
        plugins: [reactPlugin()],
        test: {
          name: 'node',
          environment: 'node',
          testTimeout: 60_000,
          hookTimeout: 60_000,
          setupFiles: [here('scripts/vitest-setup.ts')],
          include: [...testFiles('packages/*'), serverTests, 'docs/**/*.test.{ts,tsx}'],
          exclude: ['**/node_modules/**', '**/dist/**', ...solidTests],
        },
      },
      {
        root: here('.'),
        resolve: { alias, conditions: ['development', ...defaultClientConditions] },
        plugins: [solidPlugin()],
        test: {
          name: 'solid',
          environment: 'node',
          testTimeout: 60_000,
          hookTimeout: 60_000,
          setupFiles: [here('scripts/vitest-setup.ts')],
          include: solidTests,
          exclude: ['**/node_modules/**', '**/dist/**'],
        },
      },
    ],
  },
}))
