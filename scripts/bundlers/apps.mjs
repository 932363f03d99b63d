// The smallest app of each kind, as its users would write it, around the quick start of the README. What stands here
// besides the bundler's own minimum is what the README has to tell its users.

const html = (script) =>
  `<!doctype html><html lang="en"><head><title>Todos</title></head><body>${script}</body></html>`
const page = html('<script type="module" src="/main.tsx"></script>')

const tsconfig = JSON.stringify({
  compilerOptions: {
    target: 'ES2022',
    lib: ['ES2022', 'DOM', 'DOM.Iterable'],
    module: 'ESNext',
    moduleResolution: 'bundler',
    jsx: 'react-jsx',
    strict: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
  },
})

const viteConfig = (plugin, from) => `
import { defineConfig } from 'vite'
import plugin from '${from}'

export default defineConfig({ plugins: [plugin()]${plugin} })
`

const react = ['react@19', 'react-dom@19']

const vite = ({ framework, packages, plugin, options = '' }) => ({
  framework,
  packages,
  files: { 'index.html': page, 'tsconfig.json': tsconfig, 'vite.config.ts': viteConfig(options, plugin) },
  dev: ['vite', '--strictPort', '--port'],
  build: ['vite', 'build'],
  start: ['vite', 'preview', '--strictPort', '--port'],
})

const viteReact = (version, pluginVersion) =>
  vite({
    framework: 'react',
    packages: [...react, `vite@${version}`, `@vitejs/plugin-react@${pluginVersion}`],
    plugin: '@vitejs/plugin-react',
    options: version < 8 ? `, optimizeDeps: { exclude: ['@millrace/worker'] }` : '',
  })

/** Next renders on the server first: the database is opened in a client component. */
const next = (bundler) => ({
  framework: 'react',
  packages: [...react, 'next@latest', 'typescript@5', '@types/react@19', '@types/node@20'],
  files: {
    'app/layout.tsx': `import type { ReactNode } from 'react'

export default function Layout({ children }: { children: ReactNode }) {
  return <html lang="en"><body>{children}</body></html>
}
`,
    'app/page.tsx': `import { App } from '../app.tsx'

export default function Page() {
  return <App />
}
`,
    'tsconfig.json': tsconfig,
  },
  clientComponent: true,
  env: { NEXT_TELEMETRY_DISABLED: '1' },
  dev: ['next', 'dev', `--${bundler}`, '--port'],
  build: ['next', 'build', `--${bundler}`],
  start: ['next', 'start', '--port'],
})

const webpackConfig = (loader) => `
export default (env, { mode }) => ({
  entry: './main.tsx',
  output: { path: import.meta.dirname + '/dist', clean: true },
  module: { rules: [{ test: /\\.tsx$/, exclude: /node_modules/, use: ${JSON.stringify(loader)} }] },
  devServer: { static: './public', hot: true },
})
`
const swc = (loader) => ({
  loader,
  options: {
    jsc: { parser: { syntax: 'typescript', tsx: true }, transform: { react: { runtime: 'automatic' } } },
  },
})
const plainPage = html('<script src="/main.js"></script>')

export const apps = {
  'vite8-react': viteReact(8, 6),
  'vite8-solid': vite({
    framework: 'solid',
    packages: ['solid-js@1', 'vite@8', 'vite-plugin-solid@2'],
    plugin: 'vite-plugin-solid',
  }),
  'vite7-react': viteReact(7, 5),
  'vite6-react': viteReact(6, 4),
  'vite5-react': viteReact(5, 4),
  'next-turbopack': next('turbopack'),
  'next-webpack': next('webpack'),
  webpack: {
    framework: 'react',
    packages: [...react, 'webpack@5', 'webpack-cli@6', 'webpack-dev-server@5', 'swc-loader', '@swc/core'],
    files: { 'public/index.html': plainPage, 'webpack.config.mjs': webpackConfig(swc('swc-loader')) },
    dev: ['webpack', 'serve', '--mode', 'development', '--port'],
    build: ['webpack', '--mode', 'production'],
    static: ['public', 'dist'],
  },
  rspack: {
    framework: 'react',
    packages: [...react, '@rspack/core@1', '@rspack/cli@1'],
    files: { 'public/index.html': plainPage, 'rspack.config.mjs': webpackConfig(swc('builtin:swc-loader')) },
    dev: ['rspack', 'serve', '--mode', 'development', '--port'],
    build: ['rspack', 'build', '--mode', 'production'],
    static: ['public', 'dist'],
  },
}
