type Parts = typeof import('./on-demand-parts.ts').parts

let parts: Parts | undefined
let loading: Promise<void> | undefined

/** The code that a page does not need to start: operators, functions, long lists, and `exec` over rows. Undefined until it is loaded. */
export function onDemand(): Parts | undefined {
  return parts
}

/**
 * Loads that code. What first needs the code asks for it. The promise never rejects: when loading fails, predictions that
 * need the code wait for the engine, and the next call tries again.
 */
export function loadOnDemand(): Promise<void> {
  loading ??= import('./on-demand-parts.ts').then(
    (module) => {
      parts = module.parts
    },
    () => {
      loading = undefined
    },
  )
  return loading
}
