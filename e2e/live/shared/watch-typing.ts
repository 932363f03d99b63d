import { describe, EVERYTHING } from './describe.ts'

/** What was seen while somebody typed. */
export interface Typing {
  /** Input events. */
  readonly inputs: number
  /** Where text, caret or focus were not what they must be. */
  readonly violations: readonly string[]
  /** The DOM's changes in the event of each keystroke. */
  readonly changes: readonly (readonly string[])[]
  /** The DOM's changes at any other time. */
  readonly strays: readonly string[]
  /** The most writes that were on their way at once. */
  readonly mostInFlight: number
}

/** The text of an element that must follow the keystrokes. */
interface Mirror {
  readonly selector: string
  readonly expected: (keystrokes: number) => string
}

/** Watches an input into which `text` is about to be typed, key by key, at the caret. */
export class TypingWatch implements Typing {
  inputs = 0
  readonly violations: string[] = []
  readonly changes: string[][] = []
  readonly strays: string[] = []
  mostInFlight = 0

  readonly #input: HTMLInputElement
  readonly #before: string
  readonly #text: string
  readonly #after: string
  readonly #mirrors: readonly Mirror[]
  readonly #undo: (() => void)[] = []
  #inEvent = false

  constructor(input: HTMLInputElement, text: string, mirrors: readonly Mirror[] = []) {
    const caret = input.selectionStart ?? 0
    this.#input = input
    this.#before = input.value.slice(0, caret)
    this.#text = text
    this.#after = input.value.slice(caret)
    this.#mirrors = mirrors

    const root = document.getElementById('app') as HTMLElement
    const observer = new MutationObserver((records) => this.#changed(records))
    observer.observe(root, EVERYTHING)
    // Around all that a framework listens by: React on its root, Solid on the document.
    const begin = () => {
      this.#changed(observer.takeRecords())
      this.inputs++
      this.changes.push([])
      this.#inEvent = true
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
    const changes = (this.#inEvent && this.changes.at(-1)) || this.strays
    changes.push(...records.map(describe))
  }

  #check(when: string): void {
    const input = this.#input
    const { value, selectionStart, selectionEnd } = input
    const typed = this.#text.slice(0, this.inputs)
    const caret = this.#before.length + typed.length
    const expect = (what: string, found: unknown, wanted: unknown) => {
      if (found === wanted) return
      const of = [found, wanted].map((each) => JSON.stringify(each))
      this.violations.push(`${when} of key ${this.inputs}: ${what} was ${of[0]}, not ${of[1]}`)
    }
    expect('text', value, this.#before + typed + this.#after)
    expect('caret', selectionStart, caret)
    expect('end of selection', selectionEnd, caret)
    expect('focus', document.activeElement === input, true)
    for (const { selector, expected } of this.#mirrors) {
      expect(selector, document.querySelector(selector)?.textContent, expected(this.inputs))
    }
  }

  /** Waits until all is stored and has had time to show, and watches till then. */
  async end(): Promise<Typing> {
    await window.live.writes.settled()
    this.#check('after all')
    for (const undo of this.#undo) undo()
    const { inputs, violations, changes, strays, mostInFlight } = this
    return { inputs, violations, changes, strays, mostInFlight }
  }
}
