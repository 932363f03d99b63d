import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'

/** What is measured against is installed by who measures: nothing else needs it, and Zero alone is hundreds of megabytes. */
export function installPeers(folder: string): void {
  if (existsSync(`${folder}/node_modules`)) return
  console.log(`Installing what is measured against, into ${folder} …`)
  // No scripts: what they build are servers.
  execFileSync(
    'npm',
    ['ci', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
    { stdio: 'inherit' },
  )
}
