// Time for the dispatcher. `now` is epoch milliseconds that never jump: the system clock as it stood at
// start, plus time that passed since. Setting the system clock neither delays retries nor expires mail.
import { performance } from 'node:perf_hooks'

export interface Clock {
  now(): number
  /** How far it is before the system clock now: what was dated by that one is this much later here. */
  aheadMs(): number
  /** Runs `action` once; returns what cancels it. */
  after(delayMs: number, action: () => void): () => void
}

export function steadyClock(): Clock {
  const now = (): number => performance.timeOrigin + performance.now()
  return {
    now,
    aheadMs: () => now() - Date.now(),
    after(delayMs, action) {
      const timer = setTimeout(action, delayMs)
      return () => clearTimeout(timer)
    },
  }
}
