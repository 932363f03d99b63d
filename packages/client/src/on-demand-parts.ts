import { execute } from './execute.ts'
import { compileFunction } from './expression/functions.ts'
import { compileIn } from './expression/in.ts'
import { membersIn, printedIn } from './expression/json.ts'

/** The code that `on-demand.ts` loads. One object, so that bundlers make one file of it. */
export const parts = { compileFunction, compileIn, execute, membersIn, printedIn }
