// An HTTP listener for the apps of this server, by Hono on node:http.
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface HttpListener {
  readonly address: { readonly host: string; readonly port: number }
  /** Lets running requests finish for the grace. */
  close(graceMs: number): Promise<void>
}

/** Milliseconds and octets. No request to us has a body worth waiting for. */
const LIMITS = {
  headersTimeout: 10_000,
  requestTimeout: 20_000,
  connectionsCheckingInterval: 2_000,
  keepAliveTimeout: 5_000,
  maxHeaderSize: 16_384,
}
/** A client that neither sends nor reads. */
const SILENCE_MS = 30_000
const MAX_REQUESTS_PER_SOCKET = 1_000

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
    const server = serve({
      fetch: app.fetch,
      hostname: address.host,
      port: address.port,
      serverOptions: LIMITS,
    }) as Server
    server.setTimeout(SILENCE_MS)
    server.maxRequestsPerSocket = MAX_REQUESTS_PER_SOCKET
    server.once('error', reject)
    server.once('listening', () => {
      server.off('error', reject)
      server.on('error', onError)
      const { address: host, port } = server.address() as AddressInfo
      resolve({ address: { host, port }, close: (graceMs) => closeServer(server, graceMs) })
    })
  })
}

function closeServer(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), graceMs)
    server.close(() => {
      clearTimeout(timer)
      resolve()
    })
    server.closeIdleConnections()
  })
}
