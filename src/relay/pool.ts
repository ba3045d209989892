// Idle connections, kept for the next message to the same address and port: five seconds (Momentum
// "idle_timeout"), and only for as many messages as the domain allows. Opening tries hosts in order.
import type { Client } from './client.ts'
import type { Host } from './nexthop.ts'
import type { Outcome } from './outcome.ts'

/** Hosts in the order to try, and the name to greet them with. */
export interface Destination {
  readonly hosts: readonly Host[]
  readonly ehloHostname: string
}

export interface Pool {
  /**
   * An idle connection to one of the hosts, else (with `isFresh` always) a new one, else why none of
   * them can be reached.
   */
  lease(destination: Destination, isFresh?: boolean): Promise<Client | Outcome>
  /** Takes a connection back after a transaction; `maxDeliveries` 0: no limit. */
  release(client: Client, maxDeliveries: number): void
  /** Says QUIT on the idle connections and ends the leased ones at once. */
  close(): Promise<void>
}

const IDLE_MS = 5_000

export function makePool(
  open: (host: Host, ehloHostname: string) => Promise<Client | Outcome>,
  { idleMs = IDLE_MS }: { readonly idleMs?: number } = {},
): Pool {
  const idle = makeIdle(idleMs)
  const leased = new Set<Client>()
  let isClosed = false

  const hold = (client: Client): Client => {
    leased.add(client)
    if (isClosed) client.destroy()
    return client
  }

  return {
    async lease({ hosts, ehloHostname }, isFresh = false) {
      for (const host of isFresh ? [] : hosts) {
        const client = idle.take(keyOf({ ...host, ehloHostname }))
        if (client) return hold(client)
      }
      let result: Outcome | undefined
      for (const host of hosts) {
        const opened = await open(host, ehloHostname)
        if (!('kind' in opened)) return hold(opened)
        // A host that may accept later outweighs one that never will.
        if (result === undefined || opened.kind === 'deferred') result = opened
      }
      if (!result) throw new Error('a next hop has no hosts')
      return result
    },
    release(client, maxDeliveries) {
      leased.delete(client)
      const isWorn = maxDeliveries > 0 && client.deliveries() >= maxDeliveries
      if (!client.isUsable()) client.destroy()
      else if (isWorn) void client.quit()
      else idle.add(keyOf(client), client)
    },
    async close() {
      isClosed = true
      for (const client of leased) client.destroy()
      await Promise.all(idle.takeAll().map((client) => client.quit()))
    },
  }
}

interface Idle {
  add(key: string, client: Client): void
  /** The one used last that is still good. */
  take(key: string): Client | undefined
  takeAll(): Client[]
}

interface IdleClient {
  readonly client: Client
  readonly timer: NodeJS.Timeout
}

/** Clients say QUIT when their time is over. */
function makeIdle(idleMs: number): Idle {
  const clients = new Map<string, IdleClient[]>()
  const end = (key: string, { client }: IdleClient): void => {
    const others = clients.get(key)?.filter((each) => each.client !== client) ?? []
    if (others.length) clients.set(key, others)
    else clients.delete(key)
    void client.quit()
  }
  return {
    add(key, client) {
      const idle = { client, timer: setTimeout(() => end(key, idle), idleMs) }
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
    takeAll() {
      const all = [...clients.values()].flat()
      clients.clear()
      for (const { timer } of all) clearTimeout(timer)
      return all.map(({ client }) => client)
    },
  }
}

function keyOf({
  address,
  port,
  ehloHostname,
}: Pick<Client, 'address' | 'port' | 'ehloHostname'>): string {
  return `${address} ${port} ${ehloHostname}`
}
