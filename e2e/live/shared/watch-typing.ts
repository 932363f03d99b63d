import { describe, EVERYTHING, isOfReact } from './describe.ts'

/** What was seen while somebody typed. */
export interface Typing {
  /** Keystrokes that made an input event. */
  readonly keys: number
  /** Where a text, the caret or the focus was not what it must be; the first ten. */
  readonly violations: readonly string[]
  /** The DOM's changes in the event of each keystroke, without those that are React's alone. */
  readonly changes: readonly (readonly string[])[]
  /** All of the DOM's changes at any other time, and how many writes were on their way then. */
  readonly strays: readonly { readonly change: string; readonly inFlight: number }[]
  /** The most writes that were on their way at once. */
  readonly mostInFlight: number
  /** Frames in which writes were on their way. */
  readonly frames: number
}

export interface Expected {
  readonly selector: string
  /** By how many keys were pressed. */
  readonly texts: readonly string[]
}

/** Watches an input that is typed into: its text, and what else must follow, at each keystroke and in each frame. */
export class TypingWatch implements Typing {
  keys = 0
  readonly violations: string[] = []
  readonly changes: string[][] = []
  readonly strays: { change: string; inFlight: number }[] = []
  mostInFlight = 0
  frames = 0

  readonly #input: HTMLInputElement
  readonly #texts: readonly string[]
  readonly #caret: number
  readonly #mirrors: readonly Expected[]
  readonly #undo: (() => void)[] = []
  #inEvent = false

  constructor(typed: Expected, caret: number, mirrors: readonly Expected[]) {
    const input = document.querySelector(typed.selector) as HTMLInputElement
    input.focus()
    input.setSelectionRange(caret, caret)
    this.#input = input
    this.#texts = typed.texts
    this.#caret = caret
    this.#mirrors = mirrors

    const observer = new MutationObserver((records) => this.#changed(records))
    observer.observe(document.getElementById('app') as HTMLElement, EVERYTHING)
    // Before and after all that listens for a framework: React does on its root, Solid on the document.
    const begin = () => {
      this.#changed(observer.takeRecords())
      this.#inEvent = true
      this.keys++
      this.changes.push([])
    }
    const end = () => {
      this.#changed(observer.takeRecords())
      this.#inEvent = false
      this.mostInFlight = Math.max(this.mostInFlight, window.live.writes.inFlight)
      this.#check('in the event')
    }
    window.addEventListener('input', begin, { capture: true })
    window.addEventListener('input', end)
    let next = 0
    const frame = () => {
      if (window.live.writes.inFlight > 0) this.frames++
      this.#check('in a frame')
      next = requestAnimationFrame(frame)
    }
    frame()
    this.#undo.push(
      () => observer.disconnect(),
      () => window.removeEventListener('input', begin, { capture: true }),
      () => window.removeEventListener('input', end),
      () => cancelAnimationFrame(next),
    )
  }

  #changed(records: readonly MutationRecord[]): void {
    const changes = records.map(describe)
    const { inFlight } = window.live.writes
    if (this.#inEvent) this.changes.at(-1)?.push(...changes.filter((change) => !isOfReact(change)))
    else this.strays.push(...changes.map((change) => ({ change, inFlight })))
  }

  #check(when: string): void {
    const { value, selectionStart, selectionEnd } = this.#input
    const caret = this.#caret + this.keys
    const expect = (what: string, found: unknown, wanted: unknown) => {
      if (found === wanted || this.violations.length === 10) return
      const [is, not] = [found, wanted].map((each) => JSON.stringify(each))
      this.violations.push(`${what} was ${is}, not ${not}, ${when}, after ${this.keys} keys`)
    }
    expect('the text', value, this.#texts[this.keys])
    expect('the caret', `${selectionStart}–${selectionEnd}`, `${caret}–${caret}`)
    expect('the focus', document.activeElement === this.#input, true)
    for (const { selector, texts } of this.#mirrors) {
      expect(selector, document.querySelector(selector)?.textContent, texts[this.keys])
    }
  }

  /** Waits until all is stored and has had time to show, and watches till then. */
  async end(): Promise<Typing> {
    await window.live.writes.settled()
    this.#check('at the end')
    for (const undo of this.#undo) undo()
    const { keys, violations, changes, strays, mostInFlight, frames } = this
    return { keys, violations, changes, strays, mostInFlight, frames }
  }
}
