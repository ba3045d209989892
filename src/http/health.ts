// Health for balancers and supervisors: alive answers as long as the process does, ready says whether
// mail can be taken, also at the paths where balancers and KumoMTA's tools look for that.
import { Hono } from 'hono'

export interface Health {
  /** Why no mail can be taken now; undefined: it can. */
  notReady(): string | undefined
}

export function healthApp(health: Health): Hono {
  const app = new Hono()
  app.get('/livez', (c) => c.text('ok\n'))
  for (const path of ['/readyz', '/health', '/api/check-liveness/v1']) {
    app.get(path, (c) => {
      const reason = health.notReady()
      return reason === undefined ? c.text('ready\n') : c.text(`not ready: ${reason}\n`, 503)
    })
  }
  return app
}
