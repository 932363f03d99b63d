import { MillraceError } from '@millrace/protocol'
import type { QueryOptions } from './types.ts'

/**
 * Starts `work` and gives its answer, unless the caller's signal or time limit ends the wait before: then `end` is
 * called, and what `work` still answers is passed over.
 * @throws MillraceError `ABORTED`, `TIMEOUT`, `INVALID_VALUE`; and what `work` throws
 */
export function abortable<T>(
  { signal, timeout }: QueryOptions,
  work: () => Promise<T>,
  end: () => void,
): Promise<T> {
  checkTimeout(timeout)
  if (signal?.aborted) return Promise.reject(aborted(signal))
  return new Promise((resolve, reject) => {
    const settle = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
    const giveUp = (error: MillraceError) => {
      settle()
      reject(error)
      end()
    }
    const onAbort = () => giveUp(aborted(signal as AbortSignal))
    // A longer one than timers can have is none.
    const timer =
      timeout !== undefined && timeout < 2 ** 31
        ? setTimeout(() => giveUp(timedOut(timeout)), timeout)
        : undefined
    signal?.addEventListener('abort', onAbort)
    work().finally(settle).then(resolve, reject)
  })
}

/** @throws MillraceError `INVALID_VALUE` */
export function checkTimeout(timeout: number | undefined): void {
  if (timeout === undefined || timeout >= 0) return
  throw new MillraceError(
    'INVALID_VALUE',
    `The timeout of a query is a number of milliseconds, but it was given ${String(timeout)}.`,
  )
}

/** Subscribes, until the undo is called or the signal aborts. Returns the undo. */
export function subscribeUntil(signal: AbortSignal | undefined, subscribe: () => () => void): () => void {
  if (signal?.aborted) return () => {}
  const undo = subscribe()
  const end = () => {
    signal?.removeEventListener('abort', end)
    undo()
  }
  signal?.addEventListener('abort', end)
  return end
}

function aborted(signal: AbortSignal): MillraceError {
  return new MillraceError('ABORTED', "The query was ended by the caller's signal.", { cause: signal.reason })
}

function timedOut(timeout: number): MillraceError {
  return new MillraceError(
    'TIMEOUT',
    `The query was not answered within ${timeout} ms: look at db.explain for what would make it cheaper, or give it more time.`,
  )
}
