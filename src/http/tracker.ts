// The tracking endpoints as a Hono app. What a request is answered is decided in hit.ts.
import { getConnInfo } from '@hono/node-server/conninfo'
import { type Context, Hono } from 'hono'
import { answerHit, type Endpoint, type Hit } from './hit.ts'
import { makeRateLimit } from './ratelimit.ts'

export type TrackerOptions = Omit<Endpoint, 'isOverLimit'>

export function trackerApp(options: TrackerOptions): Hono {
  const app = new Hono()
  const endpoint: Endpoint = { ...options, isOverLimit: makeRateLimit(options.nowSeconds) }
  const answer = (c: Context): Response => {
    const { body, status, headers } = answerHit(hitOf(c), endpoint)
    return new Response(body, { status, headers })
  }
  // One handler for all methods: with a second one Hono would have to wait for the first.
  for (const path of ['/f/*', '/q/*', '/e/*']) app.all(path, answer)
  return app
}

function hitOf(c: Context): Hit {
  return {
    method: c.req.method,
    path: c.req.url.replace(/^[a-z]+:\/\/[^/]*/i, ''),
    get peer() {
      return getConnInfo(c).remote.address ?? ''
    },
    header: (name) => c.req.header(name),
  }
}
