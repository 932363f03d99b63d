// Random steps of many tabs that all write, in a real browser: prints what they came to, and fails with the seed and the
// steps where a promise was broken. `npm test` makes 200 steps from seed 1. What is tested is what `npm run build` makes.
//
//     npm run test:tabs -- [--steps 5000] [--seed 7] [--browser firefox] [--durability relaxed] [--verbose]
import { parseArgs } from 'node:util'
import { soak } from './soak.mjs'

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '5000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
    browser: { type: 'string', default: 'chromium' },
    durability: { type: 'string', default: 'strict' },
    // Prints each step as it begins.
    verbose: { type: 'boolean', default: false },
  },
})
soak('tabs/random', values.browser, {
  MILLRACE_STEPS: values.steps,
  MILLRACE_SEED: values.seed,
  MILLRACE_BROWSER: values.browser,
  MILLRACE_DURABILITY: values.durability,
  MILLRACE_VERBOSE: values.verbose ? '1' : '',
})
