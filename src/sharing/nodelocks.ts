// Named locks among nodes, through Redis. A holder renews its lease as long as it is there; a node that dies, or
// stands still, loses the lock when the lease is over, and one that comes back hears of it. While Redis is away
// a lock is this node's own, or cannot be had, as `locks` of the stanza says.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Nodes } from './nodes.ts'
import type { HeldLock, LockKeeper } from '../policy/locks.ts'
import { askForLock, type LockPlace, releaseLock, renewLock } from '../redis/lock.ts'

/** Milliseconds between two questions of one that waits. */
const FIRST_PAUSE_MS = 10
const LAST_PAUSE_MS = 100

const OVERTAKEN = 'its lease ran out, and another one may have had it'

/** Undefined while there is no Redis. */
export function lockAmongNodes({
  link,
  options,
  warn,
}: Pick<Nodes, 'link' | 'options' | 'warn'>): LockKeeper | undefined {
  if (!link || !options) return undefined
  const isOpen = options.locks === 'fail_open'
  const leaseMs = options.lockLeaseSeconds * 1000
  return {
    async acquire(name, signal) {
      const place: LockPlace = { link, prefix: options.prefix, name, owner: randomUUID() }
      let pauseMs = FIRST_PAUSE_MS
      try {
        for (;;) {
          signal.throwIfAborted()
          const askedMs = performance.now()
          const fence = await askForLock(place, leaseMs)
          // Given back below, when nobody wants it any more.
          signal.throwIfAborted()
          if (fence !== undefined) return keep(place, fence, { askedMs, leaseMs, isOpen, warn })
          await sleep(pauseMs * (0.5 + Math.random() / 2), undefined, { signal })
          pauseMs = Math.min(LAST_PAUSE_MS, pauseMs * 1.5)
        }
      } catch (error) {
        // It may have been given to us all the same.
        releaseLock(place, 0).catch(() => undefined)
        if (isOpen && !signal.aborted) return undefined
        throw error
      }
    },
  }
}

interface Lease {
  /** When it began, on the clock of this process. */
  readonly askedMs: number
  readonly leaseMs: number
  /** Without Redis it is ours all the same. */
  readonly isOpen: boolean
  /** Hears that it was lost. */
  warn(text: string): void
}

/** Renews it until it is given back, or lost. */
function keep(place: LockPlace, fence: number, lease: Lease): HeldLock {
  const { leaseMs, isOpen, warn } = lease
  let validMs = lease.askedMs + leaseMs
  let lost: string | undefined
  let isReleased = false
  let timer: NodeJS.Timeout

  const lose = (reason: string): void => {
    if (isReleased || lost !== undefined) return
    lost = reason
    warn(`lock "${place.name}" was lost: ${reason}`)
  }
  const renew = async (): Promise<void> => {
    const askedMs = performance.now()
    try {
      if (await renewLock(place, fence, leaseMs)) validMs = askedMs + leaseMs
      else lose(OVERTAKEN)
    } catch (error) {
      if (!isOpen && performance.now() > validMs) lose(`its lease ran out: ${reasonOf(error)}`)
    }
    if (!isReleased && lost === undefined) begin()
  }
  const begin = (): void => void (timer = setTimeout(() => void renew(), leaseMs / 3).unref())
  begin()
  return {
    fence,
    async release() {
      isReleased = true
      clearTimeout(timer)
      try {
        const isOurs = await releaseLock(place, fence)
        return lost ?? (isOurs ? undefined : OVERTAKEN)
      } catch (error) {
        if (lost !== undefined || isOpen || performance.now() <= validMs) return lost
        return `its lease ran out: ${reasonOf(error)}`
      }
    },
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
