// The control listener of a running server: its console, its health and its metrics for supervisors, on Unix
// sockets; the page that shows it, there and on ports of loopback, where a token is needed.
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Hono } from 'hono'
import type { ControlOptions } from '../config/control.ts'
import { runCommand } from './console.ts'
import { errorText } from '../events/lines.ts'
import { type Answer, controlApp } from '../http/control.ts'
import { guardApp, keepToItself, refuseForeign } from '../http/guard.ts'
import { healthApp } from '../http/health.ts'
import { openHttpListener, openSocketListener } from '../http/listener.ts'
import { metricsApp } from '../http/metrics.ts'
import { pageApp, type PageOptions } from '../http/page.ts'
import { traceApp } from '../http/trace.ts'
import type { Server } from '../server.ts'

export interface Control {
  /** Of the page, the token in it. */
  readonly pages: readonly string[]
  close(): Promise<void>
}

interface Opened {
  close(graceMs: number): Promise<void>
}

const GRACE_MS = 1_000

export async function openControl(server: Server): Promise<Control> {
  const shutdown = (): void => void process.kill(process.pid, 'SIGTERM')
  return listenForControl({
    ...server.config.control,
    warn: server.warn,
    run: (argv, pages) => runCommand({ server, now: Date.now, shutdown, pages }, argv),
    apps: [
      healthApp({ notReady: () => server.notReady() }),
      metricsApp(server.metrics),
      traceApp(server.traces),
    ],
    news: ([since = 0]) => {
      const { number, ...news } = server.news(since)
      return { since: [number], json: JSON.stringify(news) }
    },
  })
}

export interface ControlListening extends ControlOptions {
  warn(text: string): void
  /** The console; `pages`: where the page is. */
  run(argv: readonly string[], pages: readonly string[]): Promise<Answer>
  /** Served beside the console and the page. */
  readonly apps: readonly Hono[]
  readonly news: PageOptions['news']
}

/** Where the configuration says that the server started with. What cannot be had is told. */
export async function listenForControl(listening: ControlListening): Promise<Control> {
  const { paths, pages, token = randomBytes(24).toString('base64url') } = listening
  const { apps, news, run, warn } = listening
  const urls: string[] = []
  const page = pageApp({ news, sleep })
  const command = controlApp((argv) => run(argv, urls))
  const opened: Opened[] = []
  const open = async (name: string, listen: (complain: Complain) => Promise<Opened>) => {
    const complain = (error: unknown): void => warn(`control_listener ${name}: ${errorText(error)}`)
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

function textOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
