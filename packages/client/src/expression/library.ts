type Library = typeof import('../on-demand.ts').onDemand

let library: Library | undefined
let loading: Promise<void> | undefined

/**
 * SQLite's functions of text, numbers, dates and JSON, its long lists, and statements over rows; undefined until they are
 * loaded.
 */
export function functions(): Library | undefined {
  return library
}

/**
 * Loads what most pages need nothing of and none needs to start: the first expression with a function asks for it. Settles
 * either way: without it, what needs it is told by the engine, and the next such expression asks again.
 */
export function loadFunctions(): Promise<void> {
  loading ??= import('../on-demand.ts').then(
    ({ onDemand }) => {
      library = onDemand
    },
    () => {
      loading = undefined
    },
  )
  return loading
}
