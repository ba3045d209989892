// Traces over HTTP, for a Unix socket: `GET /trace` lists the receptions that there are traces of,
// `GET /trace/<id>` gives the callouts of a connection, a reception or a copy, as JSON. Slashes of an id may
// be dots.
import { Hono } from 'hono'
import type { Eventually } from '../mail/eventually.ts'
import type { CalloutTrace } from '../policy/trace.ts'

export interface TraceSource {
  find(id: string): Eventually<readonly CalloutTrace[]>
  recent(): Eventually<readonly unknown[]>
}

export function traceApp({ find, recent }: TraceSource): Hono {
  const app = new Hono()
  app.get('/trace', async (c) => c.json(await recent()))
  app.get('/trace/:id{.+}', async (c) => {
    const records = await find(c.req.param('id'))
    return records.length > 0 ? c.json(records) : c.json({ error: 'no trace of that' }, 404)
  })
  return app
}
