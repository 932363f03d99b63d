import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Patience } from './patience.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('it is over when its time has passed, once', () => {
  const over = vi.fn()
  new Patience(2500, over)
  vi.advanceTimersByTime(2000)
  expect(over).not.toHaveBeenCalled()
  vi.advanceTimersByTime(60_000)
  expect(over).toHaveBeenCalledTimes(1)
})

test('a sign begins it anew', () => {
  const over = vi.fn()
  const patience = new Patience(2000, over)
  for (let i = 0; i < 10; i++) {
    vi.advanceTimersByTime(1500)
    patience.renew()
  }
  expect(over).not.toHaveBeenCalled()
  vi.advanceTimersByTime(2500)
  expect(over).toHaveBeenCalledTimes(1)
})

test('time in which the page did not run is one turn', () => {
  const over = vi.fn()
  new Patience(3000, over)
  // A frozen page: an hour passes, and the timer is called once.
  vi.setSystemTime(Date.now() + 3_600_000)
  vi.advanceTimersByTime(1000)
  expect(over).not.toHaveBeenCalled()
})
