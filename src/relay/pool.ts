// Idle connections, kept for the next message to the same address and port: as long as their profile says
// (Momentum "idle_timeout"), and only for as many messages as the domain allows. Opening tries hosts in order.
import { FleetingMap } from '../mail/fleeting.ts'
import type { Way } from '../spool/stored.ts'
import type { Tap } from './channel.ts'
import type { Client } from './client.ts'
import type { Host } from './nexthop.ts'
import { type Outcome, outcome, STAGES } from './outcome.ts'
import { canReach, type Profile, profileKey } from './profile.ts'

/** Hosts in the order to try, and how to speak to them. */
export interface Destination {
  readonly hosts: readonly Host[]
  readonly profile: Profile
  /** Of the copies that go there. */
  readonly way: Way
}

/** A connection as others see it. */
export interface Connection {
  /** That it is used for, or was last. */
  readonly way: Way
  readonly address: string
  readonly port: number
  readonly state: 'connecting' | 'delivering' | 'idle'
  /** Transactions begun. */
  readonly deliveries: number
}

/** Who listens to a connection while it is used for a way; undefined: nobody. */
export type Listen = (
  way: Way,
  connection: Pick<Client, 'id' | 'address' | 'port'>,
) => Tap | undefined

export interface Pool {
  /**
   * An idle connection to one of the hosts, else (with `isFresh` always) a new one, else why none of
   * them can be reached; `held`: there is none, and `mayOpen` forbids to open one.
   */
  lease(
    destination: Destination,
    mayOpen?: () => boolean,
    isFresh?: boolean,
  ): Promise<Client | Outcome | 'held'>
  /** Takes a connection back after a transaction; `maxDeliveries` 0: no limit. */
  release(client: Client, maxDeliveries: number): void
  /** Those that are there, or being opened. */
  all(): readonly Connection[]
  /** Says QUIT on the idle connections and ends the leased ones at once. */
  close(): Promise<void>
}

const NO_WAY = outcome(
  STAGES.notConnected,
  '451 4.4.1 [internal] No valid hosts (no address of the family of bind_address)',
)

export function makePool(
  open: (host: Host, profile: Profile, way: Way) => Promise<Client | Outcome>,
  listen: Listen = () => undefined,
): Pool {
  const idle = makeIdle()
  const opening = new Set<Host & { readonly way: Way }>()
  /** With the key that each is kept by, and how long. */
  const leased = new FleetingMap<Client, Keeping>()
  let isClosed = false

  const hold = (client: Client, keeping: Keeping): Client => {
    leased.set(client, keeping)
    if (isClosed) client.destroy()
    return client
  }

  return {
    async lease({ hosts, profile, way }, mayOpen = () => true, isFresh = false) {
      const reachable = hosts.filter(({ address }) => canReach(profile, address))
      const shared = profileKey(profile)
      const keepingOf = ({ address, port }: Host): Keeping => ({
        key: `${address} ${port} ${shared}`,
        idleMs: profile.idleMs,
        way,
      })
      for (const host of isFresh ? [] : reachable) {
        const keeping = keepingOf(host)
        const client = idle.take(keeping.key)
        client?.tap(listen(way, client))
        if (client) return hold(client, keeping)
      }
      if (reachable.length > 0 && !mayOpen()) return 'held'
      let result: Outcome | undefined
      for (const host of reachable) {
        const begun = { ...host, way }
        opening.add(begun)
        const opened = await open(host, profile, way).finally(() => opening.delete(begun))
        if (!('kind' in opened)) return hold(opened, keepingOf(host))
        // A host that may accept later outweighs one that never will.
        if (result === undefined || opened.kind === 'deferred') result = opened
      }
      return result ?? NO_WAY
    },
    release(client, maxDeliveries) {
      const keeping = leased.get(client)
      leased.delete(client)
      const isWorn = maxDeliveries > 0 && client.deliveries() >= maxDeliveries
      if (!client.isUsable()) client.destroy()
      else if (isWorn) void client.quit()
      else if (keeping) idle.add(keeping, client)
    },
    all: () => [
      ...[...opening].map((one) => connectionOf(one, one.way, 'connecting')),
      ...[...leased].map(([client, { way }]) => connectionOf(client, way, 'delivering')),
      ...idle.all().map(({ client, way }) => connectionOf(client, way, 'idle')),
    ],
    async close() {
      isClosed = true
      for (const client of leased.keys()) client.destroy()
      await Promise.all(idle.takeAll().map((client) => client.quit()))
    },
  }
}

function connectionOf(
  { address, port, deliveries }: Pick<Client, 'address' | 'port'> & Partial<Client>,
  way: Way,
  state: Connection['state'],
): Connection {
  return { way, address, port, state, deliveries: deliveries?.() ?? 0 }
}

interface Keeping {
  readonly key: string
  readonly idleMs: number
  readonly way: Way
}

interface Idle {
  add(keeping: Keeping, client: Client): void
  /** The one used last that is still good. */
  take(key: string): Client | undefined
  all(): IdleClient[]
  takeAll(): Client[]
}

interface IdleClient {
  readonly client: Client
  /** That it was used for last. */
  readonly way: Way
  readonly timer: NodeJS.Timeout
}

/** Clients say QUIT when their time is over. */
function makeIdle(): Idle {
  const clients = new Map<string, IdleClient[]>()
  const end = (key: string, { client }: IdleClient): void => {
    const others = clients.get(key)?.filter((each) => each.client !== client) ?? []
    if (others.length) clients.set(key, others)
    else clients.delete(key)
    void client.quit()
  }
  return {
    add({ key, idleMs, way }, client) {
      const idle = { client, way, timer: setTimeout(() => end(key, idle), idleMs) }
      const same = clients.get(key)
      if (same) same.push(idle)
      else clients.set(key, [idle])
    },
    take(key) {
      const same = clients.get(key)
      for (let idle = same?.pop(); idle; idle = same?.pop()) {
        if (same?.length === 0) clients.delete(key)
        clearTimeout(idle.timer)
        if (idle.client.isUsable()) return idle.client
        idle.client.destroy()
      }
      return undefined
    },
    all: () => [...clients.values()].flat(),
    takeAll() {
      const all = [...clients.values()].flat()
      clients.clear()
      for (const { timer } of all) clearTimeout(timer)
      return all.map(({ client }) => client)
    },
  }
}
