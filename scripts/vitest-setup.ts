// Waiting for an element gives up after a second by default, which a busy machine may need: no test is about that time.
if (typeof document !== 'undefined') {
  const { configure } = await import('@testing-library/dom')
  configure({ asyncUtilTimeout: 30_000 })
}
