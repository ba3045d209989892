// How the relay stands, for those who look on: its lanes, the way of a copy, the connections to next hops.
import type { Egress } from '../mail/envelope.ts'
import type { Queue } from '../spool/queue.ts'
import type { Way } from '../spool/stored.ts'
import { type Lane, waiting } from './lane.ts'
import type { Connection, Pool } from './pool.ts'
import { type Route, routeOf, type Standing } from './route.ts'

export interface View {
  /** Every next hop that has mail. */
  lanes(): readonly LaneFacts[]
  /** Where copies that go this way stand. */
  route(way: Way): Route
  /** Deliveries that are being made, of each lane. */
  connections(): readonly Connections[]
  /** Connections to next hops, one by one. */
  peers(): readonly Connection[]
  /** The next hop of a domain, or of all, is looked up anew. False: nothing was known of it. */
  refresh(domain?: string): boolean
}

/** Copies of one next hop. */
export interface LaneFacts {
  /** As `gateway 192.0.2.1 25`, `maildir /path` or a domain, and the binding it goes by. */
  readonly key: string
  /** Due now, on their way not counted. */
  readonly active: number
  /** Waiting for their next attempt. */
  readonly delayed: number
  readonly workers: number
  readonly health: Lane['health']
}

export interface Connections {
  readonly egress: Egress
  readonly count: number
}

interface Viewed extends Standing {
  readonly queue: Pick<Queue, 'census'>
}

/** `state` as it is whenever somebody looks. */
export function viewOf(state: Viewed, pool: Pick<Pool, 'all'>): View {
  return {
    lanes: () => lanesOf(state),
    route: (way) => routeOf(state, way),
    connections: () =>
      [...state.lanes.values()].map(({ egress, workers: count }) => ({ egress, count })),
    peers: pool.all,
    refresh: (domain) => refresh(state, domain),
  }
}

function lanesOf({ lanes, queue }: Viewed): LaneFacts[] {
  const queued = queue.census()
  const keys = new Set([...lanes.keys(), ...queued.keys()])
  return [...keys].map((key) => {
    const lane = lanes.get(key)
    const { ready = 0, waiting: delayed = 0 } = queued.get(key) ?? {}
    const active = ready + (lane ? waiting(lane) : 0)
    return { key, active, delayed, workers: lane?.workers ?? 0, health: lane?.health ?? 'good' }
  })
}

function refresh({ lanes, laneKey, config }: Viewed, domain?: string): boolean {
  const isOf = ({ key, egress }: Lane, routingDomain: string): boolean =>
    // A way that is bound to nothing goes by the default.
    [laneKey({ routingDomain }, config), laneKey({ routingDomain, egress }, config)].includes(key)
  const found = [...lanes.values()].filter((lane) => domain === undefined || isOf(lane, domain))
  for (const lane of found) lane.hop = undefined
  return found.length > 0
}
