// What an http_listener serves: the tracking endpoints, files of the tracking domain, health, and, where it is
// asked for, metrics.
import type { Hono } from 'hono'
import type { HttpEndpoint } from './config/config.ts'
import type { Denials } from './sharing/denials.ts'
import type { Generation } from './generation.ts'
import { healthApp } from './http/health.ts'
import { metricsApp } from './http/metrics.ts'
import { policyApp } from './http/policy.ts'
import { trackerApp } from './http/tracker.ts'
import { wellKnownApp } from './http/wellknown.ts'
import type { TrackingInstruments } from './observing/instruments.ts'
import type { Snapshot } from './metrics/snapshot.ts'

export interface EndpointOptions {
  current(): Generation
  notReady(): string | undefined
  metrics(): Snapshot | Promise<Snapshot>
  readonly tracking: TrackingInstruments
  readonly denials: Pick<Denials, 'covers'>
}

/** `endpoint` gives the listener as it is configured now. */
export function endpointApps(options: EndpointOptions, endpoint: () => HttpEndpoint): Hono[] {
  const { current, notReady, metrics, tracking, denials } = options
  return [
    trackerApp({
      settings() {
        const { tracker } = current()
        return {
          ...tracker,
          isDenied: (facts) => denials.covers(facts) || tracker.isDenied(facts),
          isTrustedProxy: endpoint().isTrustedProxy,
        }
      },
      nowSeconds: () => Math.floor(Date.now() / 1000),
      onEvent: (type, facts) => current().journal.event(type, facts),
      onAnswered: tracking.answered,
      onRejected: tracking.rejected,
    }),
    wellKnownApp(() => current().config.tracking),
    healthApp({ notReady }),
    metricsApp(metrics, () => endpoint().servesMetrics),
    policyApp(() => current().policy),
  ]
}
