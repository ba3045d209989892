// The listening sockets of one protocol, by their configured addresses. A reload opens the new ones, keeps
// those that stay (with their sessions and ports) and closes those that are gone.
import type { HostPort } from './config/config.ts'

export interface Endpoint {
  readonly address: HostPort
}

export interface Listening {
  readonly address: HostPort
  close(graceMs: number): Promise<void>
}

export interface Listeners<E extends Endpoint, L extends Listening = Listening> {
  readonly addresses: readonly HostPort[]
  readonly listening: readonly L[]
  /** Opens what is new; rejects, and changes nothing, when an address cannot be had. */
  prepare(endpoints: readonly E[]): Promise<Prepared>
  /** Their options are others now; addresses stay. */
  refresh(endpoints: readonly E[]): void
  close(graceMs: number): Promise<void>
}

/** What a configuration will listen on. Until it is adopted nothing has changed for anybody. */
export interface Prepared {
  /** From now on; what is not listened on any more closes within the grace. */
  adopt(graceMs: number): void
  drop(): Promise<void>
}

/** All of them, or none: what was prepared before one that failed is dropped. */
export async function prepareAll(
  ...steps: readonly (() => Promise<Prepared>)[]
): Promise<Prepared> {
  const ready: Prepared[] = []
  const drop = async (): Promise<void> => {
    await Promise.all(ready.map((each) => each.drop()))
  }
  try {
    for (const step of steps) ready.push(await step())
  } catch (error) {
    await drop()
    throw error
  }
  return { adopt: (graceMs) => ready.forEach((each) => each.adopt(graceMs)), drop }
}

interface Held<E, L> {
  endpoint: E
  readonly listening: L
}

/** `open` gets a function that gives the endpoint as it is configured now. */
export function makeListeners<E extends Endpoint, L extends Listening = Listening>(
  open: (endpoint: E, current: () => E) => Promise<L>,
): Listeners<E, L> {
  let held = new Map<string, Held<E, L>>()

  const openOne = async (endpoint: E): Promise<Held<E, L>> => {
    const holder: { current: E } = { current: endpoint }
    const listening = await open(endpoint, () => holder.current)
    return {
      get endpoint() {
        return holder.current
      },
      set endpoint(next) {
        holder.current = next
      },
      listening,
    }
  }

  return {
    get addresses() {
      return [...held.values()].map(({ listening }) => listening.address)
    },
    get listening() {
      return [...held.values()].map(({ listening }) => listening)
    },
    async prepare(endpoints) {
      const next = new Map<string, Held<E, L>>()
      const opened: Held<E, L>[] = []
      const drop = async (): Promise<void> => {
        await Promise.all(opened.map(({ listening }) => listening.close(0)))
      }
      try {
        for (const [i, endpoint] of endpoints.entries()) {
          const key = keyOf(endpoint, i)
          const kept = held.get(key)
          if (!kept) opened.push(await openOne(endpoint))
          next.set(key, kept ?? (opened.at(-1) as Held<E, L>))
        }
      } catch (error) {
        await drop()
        throw error
      }
      const adopt = (graceMs: number): void => {
        const gone = [...held]
          .filter(([key]) => !next.has(key))
          .map(([, { listening }]) => listening)
        held = next
        refresh(held, endpoints)
        for (const listening of gone) void listening.close(graceMs)
      }
      return { adopt, drop }
    },
    refresh: (endpoints) => refresh(held, endpoints),
    async close(graceMs) {
      await Promise.all([...held.values()].map(({ listening }) => listening.close(graceMs)))
    },
  }
}

function refresh<E extends Endpoint>(
  held: ReadonlyMap<string, Held<E, Listening>>,
  endpoints: readonly E[],
): void {
  for (const [i, endpoint] of endpoints.entries()) {
    const kept = held.get(keyOf(endpoint, i))
    if (kept) kept.endpoint = endpoint
  }
}

/** Several endpoints may ask for any free port: those are told apart by their place in the list. */
function keyOf({ address }: Endpoint, index: number): string {
  return `${address.host} ${address.port === 0 ? `any ${index}` : address.port}`
}
