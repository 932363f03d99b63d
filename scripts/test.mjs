// Runs the tests, but for the long suites that have commands of their own, whatever fails on the way, and ends with one
// line: `N passed, N failed`.
//
// Tests count as their runner counts them. A check without tests of its own (lint, types, packages, size, demo) counts
// as one. A runner that fails without a failing test to show for it (it could not start, a file did not load, it ran
// out of time) counts as one failure, so that silence never looks like success.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const reports = mkdtempSync(join(tmpdir(), 'millrace-test-'))
const unitReport = join(reports, 'unit.json')
const e2eReport = join(reports, 'e2e.json')

let running
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    if (running) await stop(running)
    process.exit(1)
  })
}

const rows = []
await check('lint', 5, ['npm', 'run', 'lint'])
await check('types', 5, ['npm', 'run', 'types'])
await suite(
  'unit',
  30,
  ['npx', 'vitest', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${unitReport}`],
  {
    count: () => countVitest(unitReport),
  },
)
const built = await check('packages', 10, ['npm', 'run', 'build'], ['npm', 'run', 'check:packages'])
await check('size', 5, ['npm', 'run', 'size'])
// The demo that the browsers get stands on the built packages, as an application would. If they did not build, on the
// sources, so that one failure does not hide the others. Never on what an earlier run left.
process.env.MILLRACE_DIST = built ? '1' : ''
rmSync(join(root, 'demo/dist'), { recursive: true, force: true })
await check('demo', 5, ['npm', 'run', 'build:demo'])
await suite('e2e', 30, ['npm', 'run', 'test:e2e', '--', '--reporter=list,json'], {
  count: () => countPlaywright(e2eReport),
  env: { MILLRACE_DEMO_BUILT: '1', PLAYWRIGHT_JSON_OUTPUT_NAME: e2eReport },
})

rmSync(reports, { recursive: true, force: true })
printFailures()
printTable()
const passed = rows.reduce((sum, row) => sum + row.passed, 0)
const failed = rows.reduce((sum, row) => sum + row.failed, 0)
process.exitCode = failed > 0 ? 1 : 0
console.log(`${passed} passed, ${failed} failed`)

async function check(name, minutes, ...commands) {
  const start = Date.now()
  let note = ''
  for (const command of commands) {
    note = await run(name, minutes, command)
    if (note) break
  }
  rows.push({ name, passed: note ? 0 : 1, failed: note ? 1 : 0, skipped: 0, note, ms: Date.now() - start })
  return !note
}

async function suite(name, minutes, command, { count, env }) {
  const start = Date.now()
  let note = await run(name, minutes, command, env)
  let counts = { passed: 0, failed: 0, skipped: 0, failures: [] }
  try {
    counts = count()
  } catch {
    note ||= 'no report'
  }
  if (note && counts.failed === 0) counts.failed = 1
  rows.push({ name, ...counts, note, ms: Date.now() - start })
}

/** Resolves to what went wrong in a few words, or to '' for nothing. */
function run(name, minutes, [command, ...args], env = {}) {
  console.log(`\n== ${name}: ${[command, ...args].join(' ')}`)
  return new Promise((resolve) => {
    // A process group of its own, so that a step that is out of time goes with all that it started.
    const child = spawn(command, args, {
      cwd: root,
      stdio: 'inherit',
      detached: true,
      env: { ...process.env, ...env },
    })
    running = child
    let stopped
    const timer = setTimeout(() => {
      stopped = stop(child)
    }, minutes * 60_000)
    const end = async (note) => {
      clearTimeout(timer)
      await stopped
      running = undefined
      resolve(stopped ? `stopped after ${minutes} min` : note)
    }
    child.on('error', (error) => end(error.message))
    child.on('exit', (code, signal) => end(code === 0 ? '' : `exit ${code ?? signal}`))
  })
}

/**
 * Asks first, as Ctrl-C would: Playwright then closes its browsers and its server, which are in groups of their own.
 * Resolves when the group is gone.
 */
async function stop(child) {
  if (!signalGroup(child, 'SIGINT')) return
  for (let waited = 0; waited < 15_000; waited += 100) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    if (!signalGroup(child, 0)) return
  }
  signalGroup(child, 'SIGKILL')
}

function signalGroup(child, signal) {
  try {
    return process.kill(-child.pid, signal)
  } catch {
    return false
  }
}

function countVitest(file) {
  const report = JSON.parse(readFileSync(file, 'utf8'))
  const unloadable = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  )
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + unloadable.length,
    skipped: report.numPendingTests + report.numTodoTests,
    failures: [
      ...unloadable.map(({ name, message }) => ({ name, message })),
      ...report.testResults.flatMap(({ name, assertionResults }) =>
        assertionResults
          .filter(({ status }) => status === 'failed')
          .map((test) => ({ name: `${name} > ${test.fullName}`, message: test.failureMessages.join('\n') })),
      ),
    ],
  }
}

function countPlaywright(file) {
  const { stats, errors, suites } = JSON.parse(readFileSync(file, 'utf8'))
  return {
    passed: stats.expected,
    failed: stats.unexpected + stats.flaky + errors.length,
    skipped: stats.skipped,
    failures: suites.flatMap(failedSpecs),
  }
}

function failedSpecs({ file, specs = [], suites = [] }) {
  const failed = specs
    .filter(({ ok }) => !ok)
    .map(({ title, tests }) => ({
      name: `${file} > ${title}`,
      message: tests
        .flatMap(({ results }) => results.flatMap(({ errors }) => errors.map(({ message }) => message)))
        .join('\n'),
    }))
  return [...failed, ...suites.flatMap(failedSpecs)]
}

/** Once more at the end, where somebody looks who has but the last lines of a long run. */
function printFailures() {
  for (const { name: step, failures = [] } of rows) {
    for (const { name, message } of failures)
      console.log(`\n== failed in ${step}: ${name}\n${message.slice(0, 4000)}`)
  }
}

function printTable() {
  console.log('\nstep       passed  failed  skipped    time')
  for (const { name, passed, failed, skipped, note, ms } of rows) {
    const numbers = [passed, failed, skipped].map((n, i) => String(n).padStart([6, 8, 9][i])).join('')
    console.log(
      `${name.padEnd(11)}${numbers}${`${(ms / 1000).toFixed(1)} s`.padStart(9)}${note && `  ${note}`}`,
    )
  }
  console.log('')
}
