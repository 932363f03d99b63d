import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { QUESTIONS, SILENCE } from '../time-limits.ts'
import { Silence } from './silence.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function watched() {
  const ask = vi.fn()
  const giveUp = vi.fn()
  return { ask, giveUp, silence: new Silence(ask, giveUp) }
}

test('nothing is asked while no call is in flight', async () => {
  const { ask, silence } = watched()
  await silence.during(Promise.resolve())
  await vi.advanceTimersByTimeAsync(60_000)
  expect(ask).not.toHaveBeenCalled()
})

test('an owner that answers no question is given up', async () => {
  const { ask, giveUp, silence } = watched()
  void silence.during(new Promise(() => {}))
  await vi.advanceTimersByTimeAsync(SILENCE * QUESTIONS)
  expect(ask).toHaveBeenCalledTimes(QUESTIONS)
  expect(giveUp).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(SILENCE)
  expect(giveUp).toHaveBeenCalledTimes(1)
})

test('an owner that gives signs of life may take its time', async () => {
  const { ask, giveUp, silence } = watched()
  ask.mockImplementation(() => silence.heard())
  void silence.during(new Promise(() => {}))
  await vi.advanceTimersByTimeAsync(60_000)
  expect(giveUp).not.toHaveBeenCalled()
})
