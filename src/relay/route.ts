// Where copies that go one way stand in the relay, and what is known of their next hop: for those who look on.
import type { OutboundOptions } from '../config/config.ts'
import type { Way } from '../spool/stored.ts'
import type { KnownHop, Lane } from './lane.ts'
import type { LaneKeys } from './lanekey.ts'
import type { NextHop } from './nexthop.ts'
import type { RelayConfig } from './worker.ts'

export interface Route {
  /** Of their lane. */
  readonly key: string
  /** `mx`: what DNS says; else `gateway HOST:PORT`, `maildir PATH`, `routes`, `blackhole`. */
  readonly to: string
  /** Other domains may stand in that lane, too. */
  readonly isShared: boolean
  /** Deliveries that are being made there. */
  readonly connections: number
  readonly health: Lane['health']
  readonly isSuspended: boolean
  /** Undefined: nothing was tried lately. */
  readonly hop: KnownHop | undefined
}

export interface Standing {
  readonly lanes: ReadonlyMap<string, Lane>
  readonly laneKey: LaneKeys
  readonly config: RelayConfig
}

export function routeOf({ lanes, laneKey, config }: Standing, way: Way): Route {
  const outbound = config.outbound(way.routingDomain, way.egress)
  const { gateway, maildir } = outbound
  const key = laneKey(way, config)
  const { workers = 0, health = 'good', hop } = lanes.get(key) ?? {}
  return {
    key,
    to: nextHopName(outbound),
    isShared: maildir !== undefined || gateway !== undefined,
    connections: workers,
    health,
    isSuspended: outbound.suspendDelivery,
    hop,
  }
}

function nextHopName({ blackhole, maildir, gateway, routes }: OutboundOptions): string {
  if (blackhole !== 'no') return 'blackhole'
  if (maildir !== undefined) return `maildir ${maildir}`
  if (gateway) return `gateway ${gateway.host}:${gateway.port}`
  return routes?.length ? 'routes' : 'mx'
}

/** What has been found out; undefined while it is being looked up. */
export function settledHop({ found }: KnownHop): Promise<NextHop | undefined> {
  return Promise.race([found, Promise.resolve(undefined)])
}
