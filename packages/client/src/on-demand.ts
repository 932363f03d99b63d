import { execute } from './execute.ts'
import { compileFunction } from './expression/functions.ts'
import { compileIn } from './expression/in.ts'
import { membersIn, printedIn } from './expression/json.ts'

/** What is loaded when something first needs it, as one file. See `expression/library.ts`. */
export const onDemand = { compileFunction, compileIn, execute, membersIn, printedIn }
