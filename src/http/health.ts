// Health for balancers and supervisors: alive answers as long as the process does, ready says whether
// mail can be taken.
import { Hono } from 'hono'

export interface Health {
  /** Why no mail can be taken now; undefined: it can. */
  notReady(): string | undefined
}

export function healthApp(health: Health): Hono {
  const app = new Hono()
  app.get('/livez', (c) => c.text('ok\n'))
  app.get('/readyz', (c) => {
    const reason = health.notReady()
    return reason === undefined ? c.text('ready\n') : c.text(`not ready: ${reason}\n`, 503)
  })
  return app
}
