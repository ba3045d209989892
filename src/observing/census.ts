// Who is connected: live SMTP sessions by listener and client address.
import { holds, readAddress } from '../config/cidr.ts'
import { makeTally, type Tally } from '../fleet/tally.ts'
import type { SessionCensus } from '../msys/handle.ts'
import { makeSessionWatch, type SessionWatch } from './sessionwatch.ts'

export interface Census {
  /** Counts a session until the function that comes back is called. */
  enter(listener: string, address: string): () => void
  /** Live sessions of this process by listener and address. */
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

/** `tally`: shared with other processes, whose sessions count, too. */
export function makeCensus(now: () => number, tally: Tally = makeTally()): Census {
  const own = new Map<string, number>()
  const add = (key: string, by: number): void => {
    tally.add(key, by)
    const next = (own.get(key) ?? 0) + by
    if (next > 0) own.set(key, next)
    else own.delete(key)
  }
  return {
    watch: makeSessionWatch(now),
    enter(listener, address) {
      const key = keyOf(listener, address)
      add(key, 1)
      return () => add(key, -1)
    },
    all: () =>
      [...own].map(([key, sessions]) => {
        const [listener = '', address = ''] = key.split('\n')
        return { listener, address, sessions }
      }),
    of: (listener) => ({
      ofAddress: (address) => tally.count(keyOf(listener, address)),
      within(block) {
        const prefix = keyOf(listener, '')
        let count = 0
        for (const [key, sessions] of tally.entries()) {
          const found = key.startsWith(prefix) ? readAddress(key.slice(prefix.length)) : undefined
          if (found && holds(block, found)) count += sessions
        }
        return count
      },
      total() {
        let sum = 0
        for (const [, sessions] of tally.entries()) sum += sessions
        return sum
      },
    }),
  }
}

function keyOf(listener: string, address: string): string {
  return `${listener}\n${address}`
}
