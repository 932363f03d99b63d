// Kills the whole browser amid the writes of its tabs, again and again on one profile, strict and relaxed, and looks each
// time whether what was acknowledged is there. `npm test` does so a few times.
//
//     npm run test:kills -- [--kills 20]
import { parseArgs } from 'node:util'
import { soak } from './soak.mjs'

const { values } = parseArgs({ options: { kills: { type: 'string', default: '20' } } })
soak('tabs/kills', 'chromium', { MILLRACE_KILLS: values.kills })
