// `GET /metrics` for Prometheus. A web page that reaches the listener by a name of its own gets nothing.
import { Hono } from 'hono'
import { isOwnHost } from './host.ts'
import { CONTENT_TYPE, expositionOf } from '../metrics/exposition.ts'
import type { Snapshot } from '../metrics/snapshot.ts'

/** `isServed`: whether they are, now; 404 if not. */
export function metricsApp(
  snapshot: () => Snapshot | Promise<Snapshot>,
  isServed: () => boolean = () => true,
): Hono {
  const app = new Hono()
  app.get('/metrics', async (c) => {
    if (!isServed() || !isOwnHost(c.req.header('host'))) return c.notFound()
    return c.body(expositionOf(await snapshot()), 200, { 'Content-Type': CONTENT_TYPE })
  })
  return app
}
