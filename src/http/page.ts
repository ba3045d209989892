// The page that shows a running server: a few files without a build step, and a stream of server-sent events
// (https://html.spec.whatwg.org/multipage/server-sent-events.html), one a second with all that is new.
import { readFileSync } from 'node:fs'
import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'

export interface PageOptions {
  /** What is new since that, as JSON, and what to ask with next; first with nothing. */
  news(since: Since): Seen | Promise<Seen>
  /** Resolves after so long. */
  sleep(ms: number): Promise<void>
}

/** A number for each process that has news. */
type Since = readonly number[]

interface Seen {
  readonly since: Since
  readonly json: string
}

const EVERY_MS = 1_000
const MAX_WATCHERS = 10

/** Beside the sources, also in the package: they are served as they are. */
const FOLDER = new URL('../../src/http/page/', import.meta.url)

const FILES = [
  ['/', 'index.html', 'text/html; charset=utf-8'],
  ['/page.css', 'page.css', 'text/css; charset=utf-8'],
  ['/page.js', 'page.js', 'text/javascript; charset=utf-8'],
  ['/elements.js', 'elements.js', 'text/javascript; charset=utf-8'],
  ['/format.js', 'format.js', 'text/javascript; charset=utf-8'],
  ['/trace.js', 'trace.js', 'text/javascript; charset=utf-8'],
] as const

export function pageApp({ news, sleep }: PageOptions): Hono {
  const app = new Hono()
  for (const [path, name, type] of FILES) {
    const bytes = new Uint8Array(readFileSync(new URL(name, FOLDER)))
    app.get(path, (c) => c.body(bytes, 200, { 'Content-Type': type }))
  }
  let watchers = 0
  app.get('/stream', (c) => {
    if (watchers >= MAX_WATCHERS) return c.text('Too many watch already.\n', 503)
    watchers++
    return streamSSE(c, async (stream) => {
      let since: Since = []
      try {
        while (!stream.aborted) {
          const seen = await news(since)
          since = seen.since
          // One at a time: who reads slowly misses seconds, and nothing piles up.
          await stream.writeSSE({ data: seen.json })
          await sleep(EVERY_MS)
        }
      } finally {
        watchers--
      }
    })
  })
  return app
}
