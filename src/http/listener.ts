// An HTTP listener for the apps of this server, by Hono on node:http.
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import type { Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { lstat, unlink } from 'node:fs/promises'

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

export async function openHttpListener(
  { host, port }: { readonly host: string; readonly port: number },
  apps: readonly Hono[],
  onError: (error: unknown) => void,
): Promise<HttpListener> {
  const server = await listen(apps, onError, (made) => made.listen(port, host))
  const { address, port: taken } = server.address() as AddressInfo
  const close = (graceMs: number): Promise<void> => closeServer(server, graceMs)
  return { address: { host: address, port: taken }, close }
}

/** On a Unix socket that only our own user can open; one that nobody listens on any more is replaced. */
export async function openSocketListener(
  path: string,
  apps: readonly Hono[],
  onError: (error: unknown) => void,
): Promise<Pick<HttpListener, 'close'>> {
  // Nothing but a socket may go, whatever the path names.
  const isSocket = await lstat(path).then(
    (found) => found.isSocket(),
    () => false,
  )
  if (isSocket && !(await isAnswered(path))) await unlink(path)
  const server = await listen(apps, onError, (made) => {
    const mask = process.umask(0o177)
    try {
      made.listen(path)
    } finally {
      process.umask(mask)
    }
  })
  return { close: (graceMs) => closeServer(server, graceMs) }
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

function listen(
  apps: readonly Hono[],
  onError: (error: unknown) => void,
  begin: (server: Server) => void,
): Promise<Server> {
  const app = new Hono()
  for (const part of apps) app.route('/', part)
  app.notFound((c) => c.text('Not found.\n', 404))
  app.onError((error, c) => {
    onError(error)
    return c.text('Internal error.\n', 500)
  })
  return new Promise((resolve, reject) => {
    const server = createAdaptorServer({ fetch: app.fetch, serverOptions: LIMITS }) as Server
    server.setTimeout(SILENCE_MS)
    server.maxRequestsPerSocket = MAX_REQUESTS_PER_SOCKET
    server.once('error', reject)
    server.once('listening', () => {
      server.off('error', reject)
      server.on('error', onError)
      resolve(server)
    })
    begin(server)
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
