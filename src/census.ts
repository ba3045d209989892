// Who is connected: live SMTP sessions by listener and client address.
import { holds, readAddress } from './config/cidr.ts'
import type { SessionCensus } from './msys/handle.ts'
import { makeSessionWatch, type SessionWatch } from './sessionwatch.ts'

export interface Census {
  /** Counts a session until the function that comes back is called. */
  enter(listener: string, address: string): () => void
  /** Live sessions by listener and address. */
  all(): readonly {
    readonly listener: string
    readonly address: string
    readonly sessions: number
  }[]
  /** What each of them is doing. */
  readonly watch: SessionWatch
  /** What a session of this listener sees. */
  of(listener: string): SessionCensus
}

export function makeCensus(now: () => number): Census {
  const listeners = new Map<string, Map<string, number>>()
  const at = (listener: string): Map<string, number> => listeners.get(listener) ?? new Map()

  return {
    watch: makeSessionWatch(now),
    enter(listener, address) {
      const counts = at(listener)
      listeners.set(listener, counts)
      counts.set(address, (counts.get(address) ?? 0) + 1)
      return () => {
        const left = (counts.get(address) ?? 1) - 1
        if (left > 0) counts.set(address, left)
        else counts.delete(address)
      }
    },
    all: () =>
      [...listeners].flatMap(([listener, counts]) =>
        [...counts].map(([address, sessions]) => ({ listener, address, sessions })),
      ),
    of: (listener) => ({
      ofAddress: (address) => at(listener).get(address) ?? 0,
      within(block) {
        let count = 0
        for (const [address, sessions] of at(listener)) {
          const found = readAddress(address)
          if (found && holds(block, found)) count += sessions
        }
        return count
      },
      total: () => [...listeners.values()].reduce((sum, counts) => sum + sumOf(counts), 0),
    }),
  }
}

function sumOf(counts: ReadonlyMap<string, number>): number {
  let sum = 0
  for (const count of counts.values()) sum += count
  return sum
}
