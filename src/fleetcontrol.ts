// The control listener of several workers, on the primary.
import { errorText } from './events/lines.ts'
import type { Control } from './control.ts'
import type { FleetServer } from './fleetserver.ts'
import { type Answer, controlApp } from './http/control.ts'
import { healthApp } from './http/health.ts'
import { metricsApp } from './http/metrics.ts'
import { openSocketListener } from './http/listener.ts'

const GRACE_MS = 1_000

/** On the sockets of the configuration that it started with. What cannot be had is told. */
export async function openFleetControl(
  server: FleetServer,
  run: (argv: readonly string[]) => Promise<Answer>,
): Promise<Control> {
  const apps = [
    controlApp(run),
    healthApp({ notReady: () => server.notReady() }),
    metricsApp(() => server.metrics()),
  ]
  const opened: { close(graceMs: number): Promise<void> }[] = []
  const { paths, pages } = server.config.control
  for (const { host, port } of pages) {
    server.warn(`control_listener ${host}:${port}: there is no page with several workers: ignored`)
  }
  for (const path of paths) {
    const complain = (error: unknown): void =>
      server.warn(`control_listener ${path}: ${errorText(error)}`)
    const listener = await openSocketListener(path, apps, complain).catch(complain)
    if (listener) opened.push(listener)
  }
  return {
    pages: [],
    async close() {
      await Promise.all(opened.map((each) => each.close(GRACE_MS)))
    },
  }
}
