export const EVERYTHING = { childList: true, subtree: true, attributes: true, characterData: true } as const

/** A change of the DOM in a few words: `characterData P.title`, `childList UL`, `attributes LI class`. */
export function describe({ type, target, attributeName }: MutationRecord): string {
  const element = target instanceof Element ? target : target.parentElement
  const name = element === null ? '?' : [element.tagName, ...element.classList].join('.')
  return attributeName === null ? `${type} ${name}` : `${type} ${name} ${attributeName}`
}

/**
 * React's alone: on each render of an input it takes the name away and gives it back, and it writes the value into the
 * attribute as well.
 */
export function isOfReact(change: string): boolean {
  return /^attributes INPUT (name|value)$/.test(change)
}
