/** Longer lists have only the rows in and around the window in the DOM. */
export const ALL_ROWS = 100

/** What a row of one line measures, as in style.css; taller ones are measured. */
export const ROW_HEIGHT = 48

/** Rows beyond the window, each way: what a quick flick of the wheel uncovers before the next frame. */
export const OVERSCAN = 12

/** For an input that appears in order to be typed in. */
export function focusAtEnd(input: HTMLInputElement | null): void {
  input?.focus()
  input?.setSelectionRange(input.value.length, input.value.length)
}

/**
 * Makes a change after which the focused control, or its whole row, may be gone: the focus then goes to `heir` in its
 * row or the next one, and not to the top of the page.
 */
export function keepFocus(focused: Element, heir: string, change: () => void): void {
  const row = focused.closest('li')
  const next = row?.nextElementSibling ?? row?.previousElementSibling
  change()
  queueMicrotask(() => {
    if (focused.isConnected) return
    const target = (row?.isConnected ? row : next)?.querySelector<HTMLElement>(heir)
    ;(target ?? document.querySelector<HTMLElement>('.new-todo'))?.focus()
  })
}

/**
 * Calls `leave` if an input lost the focus to the user. The browser also takes it from a row that is moved, as when
 * another tab reorders the list: then the input gets it back. React does the same by itself.
 */
export function whenLeft(input: HTMLInputElement, leave: () => void): void {
  const neighbours = () => [input.closest('li')?.previousSibling, input.closest('li')?.nextSibling]
  const { selectionStart, selectionEnd } = input
  const [previous, next] = neighbours()
  queueMicrotask(() => {
    if (!input.isConnected) return
    const [previousNow, nextNow] = neighbours()
    if (previous === previousNow && next === nextNow) return leave()
    input.focus()
    input.setSelectionRange(selectionStart, selectionEnd)
  })
}

/** Scrolls to what was just added, once it is on the page. */
export function showEnd(): void {
  queueMicrotask(() => document.querySelector('.scroller')?.scrollTo({ top: Number.MAX_SAFE_INTEGER }))
}
