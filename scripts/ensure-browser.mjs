// Makes sure that the e2e tests have a Chromium, in the order in which e2e/chromium.ts looks for one: the path in
// PLAYWRIGHT_CHROMIUM, Debian's, Playwright's own. If there is none, it installs one. With `firefox` or `webkit` as its
// argument: Debian's firefox-esr, or WebKitGTK's MiniBrowser with its WebDriver.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chromium } from '@playwright/test'

const packages = {
  firefox: { path: process.env.PLAYWRIGHT_FIREFOX || '/usr/bin/firefox-esr', name: 'firefox-esr' },
  webkit: { path: '/usr/bin/WebKitWebDriver', name: 'webkit2gtk-driver' },
}
const other = packages[process.argv[2]]
if (other) {
  if (!existsSync(other.path)) installPackage(other.name)
  if (!existsSync(other.path)) {
    console.error(
      `There is no ${other.path}, and apt-get could not install ${other.name}: install it by hand.`,
    )
    process.exit(1)
  }
  console.log(`${other.name}: ${other.path}`)
  process.exit(0)
}

const debian = '/usr/bin/chromium'
const named = process.env.PLAYWRIGHT_CHROMIUM

if (named && !existsSync(named)) {
  console.error(`PLAYWRIGHT_CHROMIUM names ${named}, and there is no such file. Correct it or unset it.`)
  process.exit(1)
}

if (!findChromium()) installChromium()

const found = findChromium()
if (!found) {
  console.error(
    [
      'The e2e tests need Chromium. None was found, and neither Playwright nor apt-get could install one (see above).',
      'Install Chromium by hand and run again, with its path in PLAYWRIGHT_CHROMIUM if it is not /usr/bin/chromium.',
    ].join('\n'),
  )
  process.exit(1)
}
console.log(`Chromium: ${found}`)

function findChromium() {
  return [named, debian, chromium.executablePath()].find((path) => path && existsSync(path))
}

function installChromium() {
  console.log('No Chromium found; installing one.')
  const root = process.getuid?.() === 0
  const canBeRoot = root || spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0

  const playwright = ['npx', 'playwright', 'install', ...(canBeRoot ? ['--with-deps'] : []), 'chromium']
  if (run(playwright) && findChromium()) return
  if (process.platform !== 'linux') return
  console.log('Playwright could not install its Chromium; trying the one of the distribution.')
  installPackage('chromium')
}

function installPackage(name) {
  // Without a password prompt: nobody may be there to answer it.
  const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n']
  run([...asRoot, 'apt-get', 'update'])
  run([...asRoot, 'apt-get', 'install', '-y', '--no-install-recommends', name])
}

function run([command, ...args]) {
  console.log(`> ${[command, ...args].join(' ')}`)
  const { status, error } = spawnSync(command, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: 300_000,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  if (error) console.error(error.message)
  return status === 0
}
