// Time in a rehearsal: it stands still until somebody waits. Then it jumps to when the wait is over, and what
// is due by then runs in its order.
import type { Clock } from '../outside/outside.ts'

export interface RehearsalClock extends Clock {
  /** Time goes on by so much; what becomes due runs. */
  advance(ms: number): void
  /** Jumps to the next thing that is due and runs it; false: nothing waits. */
  step(): boolean
}

interface Timer {
  readonly dueMs: number
  readonly run: () => void
}

export function makeClock(startMs: number): RehearsalClock {
  const timers = new Set<Timer>()
  let nowMs = startMs
  const next = (): Timer | undefined => {
    let first: Timer | undefined
    for (const timer of timers) if (!first || timer.dueMs < first.dueMs) first = timer
    return first
  }
  const run = (timer: Timer): void => {
    timers.delete(timer)
    nowMs = Math.max(nowMs, timer.dueMs)
    timer.run()
  }
  return {
    nowMs: () => nowMs,
    after(delayMs, work) {
      const timer = { dueMs: nowMs + Math.max(0, delayMs), run: work }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    advance(ms) {
      const untilMs = nowMs + ms
      for (let timer = next(); timer && timer.dueMs <= untilMs; timer = next()) run(timer)
      nowMs = untilMs
    },
    step() {
      const timer = next()
      if (timer) run(timer)
      return timer !== undefined
    },
  }
}
