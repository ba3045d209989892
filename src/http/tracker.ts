// The tracking endpoints as a Hono app. What a request is answered is decided in hit.ts.
import type { HttpBindings } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { answerHit, type Endpoint, type Hit } from './hit.ts'
import { makeRateLimit } from './ratelimit.ts'

export interface TrackerOptions extends Omit<Endpoint, 'isOverLimit'> {
  /** How long an answer took. */
  readonly onAnswered?: (seconds: number) => void
}

export function trackerApp(options: TrackerOptions): Hono {
  const app = new Hono()
  const endpoint: Endpoint = { ...options, isOverLimit: makeRateLimit(options.nowSeconds) }
  const answer = (c: Context): Response => {
    const startedMs = performance.now()
    const { body, status, headers } = answerHit(hitOf(c), endpoint)
    options.onAnswered?.((performance.now() - startedMs) / 1000)
    return new Response(body, { status, headers })
  }
  // One handler for all methods: with a second one Hono would have to wait for the first.
  for (const path of ['/f/*', '/q/*', '/e/*']) app.all(path, answer)
  return app
}

/** From what Node has parsed already: a Request with its Headers would be made for each click. */
function hitOf(c: Context): Hit {
  const { incoming } = c.env as HttpBindings
  return {
    method: c.req.method,
    path: (incoming.url ?? '').replace(/^[a-z]+:\/\/[^/]*/i, ''),
    peer: incoming.socket.remoteAddress ?? '',
    header: (name) => incoming.headers[name]?.toString(),
  }
}
