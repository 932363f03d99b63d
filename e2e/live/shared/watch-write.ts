import type { Write } from '@millrace/client'
import { describe, EVERYTHING } from './describe.ts'

/** What a write did to the DOM. */
export interface Watched {
  /** In the task in which it was made: calls of a MutationObserver, with the changes of each, sorted. */
  readonly inItsTask: readonly (readonly string[])[]
  /** The titles, and the count, that the page showed when that task ended. */
  readonly shown: { readonly titles: readonly string[]; readonly count: string }
  /** As `inItsTask`, from the next task until it was stored and 300 ms more. */
  readonly later: readonly (readonly string[])[]
}

/** `act` makes a write, or clicks on something that does. */
export async function watchWrite(act: () => Write | undefined): Promise<Watched> {
  const root = document.getElementById('app') as HTMLElement
  const inItsTask: string[][] = []
  const later: string[][] = []
  let rounds = inItsTask
  const observer = new MutationObserver((records) => rounds.push(records.map(describe).sort()))
  observer.observe(root, EVERYTHING)

  const nextTask = new Promise<void>((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      rounds = later
      port1.close()
      resolve()
    }
    port2.postMessage(null)
  })
  const write = act() ?? window.live.writes.last
  await nextTask
  const shown = {
    titles: [...root.querySelectorAll('span')].map(({ textContent }) => textContent ?? ''),
    count: root.querySelector('.count')?.textContent ?? '',
  }
  await write?.stored
  await new Promise((resolve) => setTimeout(resolve, 300))
  observer.disconnect()
  return { inItsTask, shown, later }
}
