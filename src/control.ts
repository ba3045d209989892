// The control listener of a running server: its console, its health and its metrics for supervisors, on Unix
// sockets; the page that shows it, there and on ports of loopback, where a token is needed.
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Hono } from 'hono'
import { runCommand } from './console.ts'
import { errorText } from './events/lines.ts'
import { controlApp } from './http/control.ts'
import { guardApp, keepToItself, refuseForeign } from './http/guard.ts'
import { healthApp } from './http/health.ts'
import { openHttpListener, openSocketListener } from './http/listener.ts'
import { metricsApp } from './http/metrics.ts'
import { pageApp } from './http/page.ts'
import { traceApp } from './http/trace.ts'
import type { Server } from './server.ts'

export interface Control {
  /** Of the page, the token in it. */
  readonly pages: readonly string[]
  close(): Promise<void>
}

interface Opened {
  close(graceMs: number): Promise<void>
}

const GRACE_MS = 1_000

/** Where the configuration says that the server started with. What cannot be had is told. */
export async function openControl(server: Server): Promise<Control> {
  const { paths, pages, token = randomBytes(24).toString('base64url') } = server.config.control
  const shutdown = (): void => void process.kill(process.pid, 'SIGTERM')
  const urls: string[] = []
  const options = { server, now: Date.now, shutdown, pages: urls }
  const apps = [
    healthApp({ notReady: () => server.notReady() }),
    metricsApp(server.metrics),
    traceApp(server.traces),
  ]
  const page = pageApp({ news: (since) => newsOf(server, since), sleep })
  const command = controlApp((argv) => runCommand(options, argv))
  const opened: Opened[] = []
  const open = async (name: string, listen: (complain: Complain) => Promise<Opened>) => {
    const complain = (error: unknown): void =>
      server.warn(`control_listener ${name}: ${errorText(error)}`)
    const listener = await listen(complain).catch(complain)
    if (listener) opened.push(listener)
  }
  for (const path of paths) {
    await open(path, (complain) =>
      openSocketListener(path, unguarded([command, ...apps], page), complain),
    )
  }
  for (const address of pages) {
    const { host, port } = address
    await open(`${host}:${port}`, async (complain) => {
      const listener = await openHttpListener(address, guarded(token, [...apps, page]), complain)
      urls.push(`http://${textOf(listener.address)}/login?token=${token}`)
      return listener
    })
  }
  return {
    pages: urls,
    async close() {
      await Promise.all(opened.map((each) => each.close(GRACE_MS)))
    },
  }
}

type Complain = (error: unknown) => void

function guarded(token: string, apps: readonly Hono[]): Hono[] {
  const guard = guardApp(token)
  for (const app of apps) guard.route('/', app)
  return [guard]
}

/** Only we ourselves can open the socket; a browser reaches it where somebody forwards a port to it. */
function unguarded(apps: readonly Hono[], page: Hono): Hono[] {
  const all = new Hono().use(refuseForeign)
  for (const app of apps) all.route('/', app)
  return [all.use(keepToItself).route('/', page)]
}

function newsOf(server: Server, since: number): { number: number; json: string } {
  const { number, ...news } = server.news(since)
  return { number, json: JSON.stringify(news) }
}

function textOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
