import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
}

/** Built pages on a server of our own, which can be cut off. */
export class Site {
  readonly #server: Server
  /** Requests end without an answer, as without a network. */
  cut = false

  private constructor(root: string) {
    this.#server = createServer(async (request, response) => {
      if (this.cut) return void request.socket.destroy()
      const path = normalize(new URL(request.url as string, 'http://site').pathname)
      try {
        const body = await readFile(join(root, path))
        // Asked for again each time, as many hosts say: what a tab needs again without a network, it must keep.
        response.writeHead(200, {
          'content-type': TYPES[extname(path)] ?? 'application/octet-stream',
          'cache-control': 'public, max-age=0, must-revalidate',
        })
        response.end(body)
      } catch {
        response.writeHead(404).end()
      }
    })
  }

  /** Those of the e2e tests, unless `folder` (from here) says otherwise. */
  static async start(folder = '../dist/'): Promise<Site> {
    const site = new Site(fileURLToPath(new URL(folder, import.meta.url)))
    await new Promise<void>((resolve) => site.#server.listen(0, 'localhost', resolve))
    return site
  }

  url(path: string): string {
    return `http://localhost:${(this.#server.address() as AddressInfo).port}/${path}`
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}
