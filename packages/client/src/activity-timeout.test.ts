import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ActivityTimeout } from './activity-timeout.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('it is over when its time has passed, once', () => {
  const over = vi.fn()
  new ActivityTimeout(2500, over)
  vi.advanceTimersByTime(2000)
  expect(over).not.toHaveBeenCalled()
  vi.advanceTimersByTime(60_000)
  expect(over).toHaveBeenCalledTimes(1)
})

test('a sign begins it anew', () => {
  const over = vi.fn()
  const timer = new ActivityTimeout(2000, over)
  for (let i = 0; i < 10; i++) {
    vi.advanceTimersByTime(1500)
    timer.renew()
  }
  expect(over).not.toHaveBeenCalled()
  vi.advanceTimersByTime(2500)
  expect(over).toHaveBeenCalledTimes(1)
})

test('time in which the page did not run is one turn', () => {
  const over = vi.fn()
  new ActivityTimeout(3000, over)
  // A frozen page: an hour passes, and the timer is called once.
  vi.setSystemTime(Date.now() + 3_600_000)
  vi.advanceTimersByTime(1000)
  expect(over).not.toHaveBeenCalled()
})
