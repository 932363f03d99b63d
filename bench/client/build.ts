import { fileURLToPath } from 'node:url'
import { build, loadConfigFromFile } from 'vite'

const root = fileURLToPath(new URL('../..', import.meta.url))
export const outDir = fileURLToPath(new URL('../dist', import.meta.url))

/**
 * Both are built alike, all contenders in one script: run through Vite's module runner, our sources would pay for each
 * import at each use, and the peers would not. Returns the script.
 */
export async function buildForNode(): Promise<string> {
  await build({
    ...(await shared()),
    root,
    build: { ...target, ssr: `${root}/bench/client/program.ts`, outDir: `${outDir}/node`, emptyOutDir: true },
  })
  return `${outDir}/node/program.js`
}

/** Returns the settings of a server for it. */
export async function buildForChromium() {
  const settings = {
    ...(await shared()),
    root: `${root}/bench/client`,
    base: './',
    worker: { format: 'es' as const },
    build: { ...target, outDir: `${outDir}/page`, emptyOutDir: true },
  }
  await build({
    ...settings,
    build: { ...settings.build, rolldownOptions: { input: `${root}/bench/client/page.html` } },
  })
  return settings
}

const target = { target: 'es2022', minify: false }

/** Package names point where the repository's own settings have them: at the sources, or by MILLRACE_DIST at the builds. */
async function shared() {
  const env = { command: 'build', mode: 'production' } as const
  const loaded = await loadConfigFromFile(env, `${root}/vite.config.ts`)
  const resolve = loaded?.config.resolve ?? {}
  return { configFile: false as const, mode: 'production', logLevel: 'warn' as const, resolve }
}
