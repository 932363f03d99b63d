import { fileURLToPath } from 'node:url'
import { type AliasOptions, defineConfig } from 'vite'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

// As in the root's vite.config.ts: sources, or with MILLRACE_DIST=1 what `npm run build` made.
const alias: AliasOptions = process.env.MILLRACE_DIST
  ? []
  : [{ find: /^@millrace\/([a-z]+)$/, replacement: here('../../packages/$1/src/index.ts') }]

export default defineConfig({
  root: here('.'),
  base: './',
  resolve: { alias },
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    outDir: here('dist'),
    emptyOutDir: true,
    rolldownOptions: { input: [here('tab.html'), here('elsewhere.html')] },
  },
})
