// Time for the dispatcher. `now` is epoch milliseconds that never jump: the system clock as it stood at
// start, plus time that passed since. Setting the system clock neither delays retries nor expires mail.
import { performance } from 'node:perf_hooks'

export interface Clock {
  now(): number
  /** Runs `action` once; returns what cancels it. */
  after(delayMs: number, action: () => void): () => void
}

export function steadyClock(): Clock {
  return {
    now: () => performance.timeOrigin + performance.now(),
    after(delayMs, action) {
      const timer = setTimeout(action, delayMs)
      return () => clearTimeout(timer)
    },
  }
}
