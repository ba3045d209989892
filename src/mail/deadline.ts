// A time limit beside a signal that may end things before it. Not AbortSignal.any over AbortSignal.timeout: Node 20 lets
// the garbage collector take the second while the first is waited for, and then nothing ends.
import { MAX_TIMER_MS } from './eventually.ts'

/** `work` hears of the end of its time, or of `signal`, and then ends by itself. */
export async function withDeadline<T>(
  ms: number,
  signal: AbortSignal,
  work: (limit: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController()
  const end = (): void => limit.abort()
  const timer = setTimeout(end, Math.min(ms, MAX_TIMER_MS))
  if (signal.aborted) end()
  signal.addEventListener('abort', end)
  try {
    return await work(limit.signal)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
  }
}
