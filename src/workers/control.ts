// The control listener of several workers, on the primary.
import { pagesAnswer } from '../console/console.ts'
import { type Control, listenForControl } from '../console/control.ts'
import type { FleetServer } from './server.ts'
import type { Answer } from '../http/control.ts'
import { healthApp } from '../http/health.ts'
import { metricsApp } from '../http/metrics.ts'
import { traceApp } from '../http/trace.ts'

/** On what the configuration has that it started with. What cannot be had is told. */
export function openFleetControl(
  server: FleetServer,
  run: (argv: readonly string[]) => Promise<Answer>,
): Promise<Control> {
  return listenForControl({
    ...server.config.control,
    warn: server.warn,
    run: (argv, pages) =>
      argv.join(' ') === 'page' ? Promise.resolve(pagesAnswer(pages)) : run(argv),
    apps: [
      healthApp({ notReady: () => server.notReady() }),
      metricsApp(() => server.metrics()),
      traceApp(server.traces),
    ],
    news: async (since) => {
      const { numbers, ...news } = await server.news(since)
      return { since: numbers, json: JSON.stringify(news) }
    },
  })
}
