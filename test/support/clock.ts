// Time that passes when a test says so.
import type { Clock } from '../../src/outside/outside.ts'

export interface ManualClock extends Clock {
  /** Lets so much time pass: what is due runs, in order, and what that began too. */
  advance(ms: number): Promise<void>
}

export function manualClock(nowMs = 0): ManualClock {
  const waiting = new Set<{ readonly atMs: number; readonly run: () => void }>()
  return {
    nowMs: () => nowMs,
    after(delayMs, run) {
      const entry = { atMs: nowMs + delayMs, run }
      waiting.add(entry)
      return () => void waiting.delete(entry)
    },
    async advance(ms) {
      const untilMs = nowMs + ms
      for (;;) {
        await settled()
        const [next] = [...waiting].sort((a, b) => a.atMs - b.atMs)
        if (!next || next.atMs > untilMs) break
        waiting.delete(next)
        nowMs = next.atMs
        next.run()
      }
      nowMs = untilMs
    },
  }
}

/** What is not waiting for anything has run. */
function settled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}
