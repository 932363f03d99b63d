type Library = Pick<typeof import('./functions.ts'), 'compileFunction'> &
  Pick<typeof import('./json.ts'), 'membersIn' | 'printedIn'>

let library: Library | undefined
let loading: Promise<void> | undefined

/** SQLite's functions of text, numbers, dates and JSON; undefined until they are loaded. */
export function functions(): Library | undefined {
  return library
}

/**
 * Loads SQLite's functions, which most pages need none of and none needs to start: the first expression with one asks for
 * them. Settles either way: without them, what needs one is told by the engine, and the next such expression asks again.
 */
export function loadFunctions(): Promise<void> {
  loading ??= Promise.all([import('./functions.ts'), import('./json.ts')]).then(
    ([{ compileFunction }, { membersIn, printedIn }]) => {
      library = { compileFunction, membersIn, printedIn }
    },
    () => {
      loading = undefined
    },
  )
  return loading
}
