// Locks for calls that suspend: held by one call, or shared by several. Who must wait waits in line, and
// gets the lock handed over, so that nobody is overtaken. A lock ends with the call that holds it; one
// that waits leaves the line when its call ends.

import { hold, type Call, type CallEnd } from './call.ts'

export type LockMode = 'shared' | 'exclusive'

export interface Lock {
  /** Told when a call ends that still holds it. */
  readonly onLeft?: ((call: Call, end: CallEnd) => void) | undefined
  readonly shares: Map<Call, Share>
  readonly line: Waiter[]
}

interface Share {
  readonly mode: LockMode
  /** How often it was taken. */
  count: number
  readonly drop: () => void
}

interface Waiter {
  readonly call: Call
  readonly mode: LockMode
  readonly grant: () => void
}

export function makeLock(onLeft?: Lock['onLeft']): Lock {
  return { onLeft, shares: new Map(), line: [] }
}

/**
 * Takes the lock if that is possible at once. `own`: the call holds it already, in a way that would
 * make it wait for itself.
 */
export function tryLock(lock: Lock, call: Call, mode: LockMode): 'taken' | 'busy' | 'own' {
  const share = lock.shares.get(call)
  if (share !== undefined) {
    if (share.mode === 'exclusive' || mode === 'exclusive') return 'own'
    share.count++
    return 'taken'
  }
  if (!isFree(lock, mode) || lock.line.length > 0) return 'busy'
  take(lock, call, mode)
  return 'taken'
}

/** Waits in line for a lock that is busy. Never settles when the call ends before. */
export function waitForLock(lock: Lock, call: Call, mode: LockMode): Promise<void> {
  return new Promise((resolve) => {
    const waiter: Waiter = {
      call,
      mode,
      grant() {
        drop()
        take(lock, call, mode)
        resolve()
      },
    }
    lock.line.push(waiter)
    const drop = hold(call, () => {
      const place = lock.line.indexOf(waiter)
      if (place >= 0) lock.line.splice(place, 1)
      advance(lock)
    })
  })
}

/** Once more by the call that holds it. */
export function lockAgain(lock: Lock, call: Call): void {
  const share = lock.shares.get(call)
  if (share !== undefined) share.count++
}

/** Gives it back once; false when the call does not hold it. */
export function unlock(lock: Lock, call: Call): boolean {
  const share = lock.shares.get(call)
  if (share === undefined) return false
  if (--share.count > 0) return true
  share.drop()
  lock.shares.delete(call)
  advance(lock)
  return true
}

function take(lock: Lock, call: Call, mode: LockMode): void {
  const share: Share = { mode, count: 1, drop: () => drop() }
  lock.shares.set(call, share)
  const drop = hold(call, (end) => {
    lock.shares.delete(call)
    lock.onLeft?.(call, end)
    advance(lock)
  })
}

function isFree({ shares }: Lock, mode: LockMode): boolean {
  for (const share of shares.values()) {
    if (mode === 'exclusive' || share.mode === 'exclusive') return false
  }
  return true
}

function advance(lock: Lock): void {
  for (let [next] = lock.line; next !== undefined && isFree(lock, next.mode); [next] = lock.line) {
    lock.line.shift()
    next.grant()
  }
}
