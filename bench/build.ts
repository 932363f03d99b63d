import { fileURLToPath } from 'node:url'
import { build, loadConfigFromFile, type Plugin } from 'vite'

const root = fileURLToPath(new URL('..', import.meta.url))
const here = `${root}/bench`

/**
 * Both are built alike, all contenders in one script: run through Vite's module runner, our sources would pay for each
 * import at each use, and the peers would not. Builds the folder's program.ts, and returns the script.
 */
export async function buildForNode(folder: string): Promise<string> {
  const outDir = `${here}/dist/${folder}/node`
  await build({
    ...(await shared()),
    root,
    build: { ...target, ssr: `${here}/${folder}/program.ts`, outDir, emptyOutDir: true },
  })
  return `${outDir}/program.js`
}

/** Builds the folder's page.html, and returns the settings of a server for it. Minified where loading it is measured. */
export async function buildForChromium(folder: string, minify = false) {
  const settings = {
    ...(await shared()),
    root: `${here}/${folder}`,
    base: './',
    worker: { format: 'es' as const, plugins: () => [keepWorkerScript] },
    build: { ...target, minify, outDir: `${here}/dist/${folder}/page`, emptyOutDir: true },
  }
  await build({
    ...settings,
    build: { ...settings.build, rolldownOptions: { input: `${here}/${folder}/page.html` } },
  })
  return settings
}

/** Behind a probe the worker's script is an import, and by its package it has side effects only where it is built. */
const keepWorkerScript: Plugin = {
  name: 'keep-worker-script',
  transform: (code, id) =>
    id.endsWith('/packages/worker/src/worker.ts') ? { code, moduleSideEffects: true } : undefined,
}

const target = { target: 'es2022', minify: false }

/** Package names point where the repository's own settings have them: at the sources, or by MILLRACE_DIST at the builds. */
async function shared() {
  const env = { command: 'build', mode: 'production' } as const
  const loaded = await loadConfigFromFile(env, `${root}/vite.config.ts`)
  const resolve = loaded?.config.resolve ?? {}
  return { configFile: false as const, mode: 'production', logLevel: 'warn' as const, resolve }
}
