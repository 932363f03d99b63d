export const EVERYTHING = { childList: true, subtree: true, attributes: true, characterData: true } as const

/** A change of the DOM in a few words, e.g. `attributes INPUT value`. */
export function describe({ type, target, attributeName }: MutationRecord): string {
  return [type, target.nodeName, ...(attributeName === null ? [] : [attributeName])].join(' ')
}
