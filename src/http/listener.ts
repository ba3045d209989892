// An HTTP listener for the apps of this server, by Hono on node:http.
import { type ServerType, serve } from '@hono/node-server'
import { Hono } from 'hono'
import type { AddressInfo } from 'node:net'

export interface HttpListener {
  readonly address: { readonly host: string; readonly port: number }
  /** Lets running requests finish for the grace. */
  close(graceMs: number): Promise<void>
}

export function openHttpListener(
  address: { readonly host: string; readonly port: number },
  apps: readonly Hono[],
  onError: (error: unknown) => void,
): Promise<HttpListener> {
  const app = new Hono()
  for (const part of apps) app.route('/', part)
  app.notFound((c) => c.text('Not found.\n', 404))
  app.onError((error, c) => {
    onError(error)
    return c.text('Internal error.\n', 500)
  })
  return new Promise((resolve, reject) => {
    const server: ServerType = serve({
      fetch: app.fetch,
      hostname: address.host,
      port: address.port,
    })
    server.once('error', reject)
    server.once('listening', () => {
      server.off('error', reject)
      server.on('error', onError)
      const { address: host, port } = server.address() as AddressInfo
      resolve({ address: { host, port }, close: (graceMs) => closeServer(server, graceMs) })
    })
  })
}

function closeServer(server: ServerType, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      if ('closeAllConnections' in server) server.closeAllConnections()
    }, graceMs)
    server.close(() => {
      clearTimeout(timer)
      resolve()
    })
    if ('closeIdleConnections' in server) server.closeIdleConnections()
  })
}
