import { expose } from 'comlink'
import { type CommitTimes, commitTimes } from './commits.ts'
import { type ImportTimes, importTimes } from './imports.ts'
import { onOpfs } from './on-opfs.ts'

/** How much is measured: milliseconds for the commits of each contender, and rows of an import. */
export interface Extent {
  readonly budget: number
  readonly imported: number
}

export interface OpfsTimes {
  readonly strict: readonly CommitTimes[]
  readonly relaxed: readonly CommitTimes[]
  /** Strict. */
  readonly imports: readonly ImportTimes[]
}

const calls = {
  async measure({ budget, imported }: Extent): Promise<OpfsTimes> {
    return {
      strict: await commitTimes(onOpfs('strict'), budget),
      relaxed: await commitTimes(onOpfs('relaxed'), budget),
      imports: await importTimes(onOpfs('strict'), imported),
    }
  },
}
export type WorkerCalls = typeof calls
expose(calls)
