import { test as base } from '@playwright/test'

export type Framework = 'react' | 'solid'

export interface FrameworkOption {
  /** Which demo a spec runs against. Every spec runs once for each; the pages are the same to the user. */
  framework: Framework
}

export const test = base.extend<FrameworkOption>({
  framework: ['react', { option: true }],
})

export { expect } from '@playwright/test'
