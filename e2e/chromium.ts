import { existsSync } from 'node:fs'
import type { LaunchOptions } from '@playwright/test'

const debian = '/usr/bin/chromium'
const executablePath = process.env.PLAYWRIGHT_CHROMIUM || (existsSync(debian) ? debian : undefined)

/** How every spec starts Chromium, also one that needs a browser of its own. Without a path: Playwright's own build. */
export const chromiumOptions: LaunchOptions = {
  ...(executablePath ? { executablePath } : {}),
  args: [
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    // A test machine has no GPU, and nothing here should talk to anything but the server under test.
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
}
