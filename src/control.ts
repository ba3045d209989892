// The control listener of a running server: its console, and its health for supervisors, on Unix sockets.
import { errorText } from './events/lines.ts'
import { runCommand } from './console.ts'
import { controlApp } from './http/control.ts'
import { healthApp } from './http/health.ts'
import { metricsApp } from './http/metrics.ts'
import { openSocketListener } from './http/listener.ts'
import { traceApp } from './http/trace.ts'
import type { Server } from './server.ts'

export interface Control {
  close(): Promise<void>
}

const GRACE_MS = 1_000

/** On the sockets of the configuration that the server started with. What cannot be had is told. */
export async function openControl(server: Server): Promise<Control> {
  const shutdown = (): void => void process.kill(process.pid, 'SIGTERM')
  const apps = [
    controlApp((argv) => runCommand({ server, now: Date.now, shutdown }, argv)),
    traceApp(server.traces),
    healthApp({ notReady: () => server.notReady() }),
    metricsApp(() => server.metrics()),
  ]
  const opened: { close(graceMs: number): Promise<void> }[] = []
  for (const path of server.config.control) {
    const complain = (error: unknown): void =>
      server.warn(`control_listener ${path}: ${errorText(error)}`)
    const listener = await openSocketListener(path, apps, complain).catch(complain)
    if (listener) opened.push(listener)
  }
  return {
    async close() {
      await Promise.all(opened.map((each) => each.close(GRACE_MS)))
    },
  }
}
