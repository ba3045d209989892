// Endpoints that policy registered. They come after all others: a script cannot take what is the server's.
import { Hono } from 'hono'
import { fromText } from '../mail/bytes.ts'
import type { Policy } from '../policy/policy.ts'

/** `policy` gives the current one. */
export function policyApp(policy: () => Pick<Policy, 'serve'>): Hono {
  const app = new Hono()
  app.all('*', async (c) => {
    const url = new URL(c.req.url)
    const [path = '', query = ''] = [url.pathname, url.search.slice(1)].map(fromText)
    const reply = await policy().serve({
      method: c.req.method,
      url: query === '' ? path : `${path}?${query}`,
      path,
      query,
      host: fromText(url.hostname),
      port: Number(url.port) || 80,
      attributes: new Map(
        [...url.searchParams].map(([name, value]) => [fromText(name), fromText(value)]),
      ),
    })
    if (!reply) return c.notFound()
    const { status, body, contentType } = reply
    return new Response(Buffer.from(body, 'latin1'), {
      status,
      headers: { 'Content-Type': contentType, 'X-Content-Type-Options': 'nosniff' },
    })
  })
  return app
}
