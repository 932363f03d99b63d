import { RawChromium } from '../worker/raw-chromium.ts'
import type { Action } from './steps.ts'

/** A browser as the random tabs need it. */
export interface Driver {
  /** What it can do. */
  readonly actions: ReadonlySet<Action>
  /** `report` hears what the page says by `window.report(text)`. */
  newPage(url: string, options: { window: boolean; report: (text: string) => void }): Promise<DrivenPage>
  close(): Promise<void>
}

/** A tab. What ends a page may not be told as done. */
export interface DrivenPage {
  evaluate<T>(expression: string): Promise<T>
  navigate(url: string): Promise<void>
  reload(): Promise<void>
  back(): Promise<void>
  close(): Promise<void>
  show(): Promise<void>
  crash?(): Promise<void>
  setLifecycle?(state: 'frozen' | 'active'): Promise<void>
}

export const EVERYWHERE: readonly Action[] = [
  'open',
  'reload',
  'away',
  'back',
  'close',
  'show',
  'block',
  'terminate',
  'burst',
  'cut',
  'restore',
  'check',
]

export async function launchChromium(): Promise<Driver> {
  const chromium = await RawChromium.launch()
  return {
    actions: new Set([...EVERYWHERE, 'crash', 'freeze', 'resume']),
    newPage: (url, options) => chromium.newPage(url, options),
    close: () => chromium.close(),
  }
}
