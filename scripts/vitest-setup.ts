import fc from 'fast-check'

// One seed for all random tests, so that the test line says the same thing twice. `npm run test:hunt` takes others.
fc.configureGlobal({ seed: Number(process.env.MILLRACE_SEED ?? 1) })

// Waiting for an element gives up after a second by default, which a busy machine may need: no test is about that time.
if (typeof document !== 'undefined') {
  const { configure } = await import('@testing-library/dom')
  configure({ asyncUtilTimeout: 30_000 })
}
