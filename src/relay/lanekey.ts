// Which copies share a lane: those that go by the same binding to the same gateway or maildir, with the same
// options, else those to the same domain. A domain whose options differ from those of others on its way has a
// lane of its own, or one with domains like it: what holds for it must not depend on who came first.
import type { OutboundOptions } from '../config/config.ts'
import type { Way } from '../spool/stored.ts'
import type { RelayConfig } from './worker.ts'

export type LaneKeys = (way: Way, config: RelayConfig) => string

/** What is looked up for each copy, whatever lane it is in. */
const OF_COPIES: ReadonlySet<string> = new Set<keyof OutboundOptions>([
  'retryIntervalSeconds',
  'maxRetryIntervalSeconds',
  'messageExpirationSeconds',
  'generateBounces',
  'maxRetries',
  'neverRetry',
])

export function makeLaneKeys(): LaneKeys {
  const shapes = new WeakMap<OutboundOptions, string>()
  /** The first domain of each shape gives it its name. */
  const names = new Map<string, string>()
  const shapeOf = (options: OutboundOptions): string => {
    const known = shapes.get(options)
    if (known !== undefined) return known
    const shape = JSON.stringify(options, (name, value: unknown) =>
      OF_COPIES.has(name) ? undefined : value,
    )
    shapes.set(options, shape)
    return shape
  }
  return ({ routingDomain, egress }, config) => {
    const options = config.outbound(routingDomain, egress)
    const { gateway, maildir } = options
    const by = egress ? ` by ${egress.group} ${egress.binding}` : ''
    if (!gateway && maildir === undefined) return routingDomain + by
    const to =
      maildir === undefined ? `gateway ${gateway?.host} ${gateway?.port}` : `maildir ${maildir}`
    const shape = shapeOf(options)
    // Options of a domain that nothing is said of.
    if (shape === shapeOf(config.outbound('', egress))) return to + by
    const like = names.get(shape) ?? routingDomain
    if (names.size >= MAX_NAMES) names.clear()
    names.set(shape, like)
    return `${to}${by} as ${like}`
  }
}

/** Configurations come and go. */
const MAX_NAMES = 10_000
