// Who measures callouts: told when one begins and when it ends. Seconds count from the call to its result,
// also those in which it waits for something.
import { LuaError } from '../lua/error.ts'

export interface CalloutMeter {
  started(): void
  ended(seconds: number, failure: CalloutFailure | undefined): void
}

/** `timeout`: of the processor or the clock. */
export type CalloutFailure = 'error' | 'timeout' | 'memory'

/** Begins to measure; the function that comes back ends it. */
export function startMeter(
  meter: CalloutMeter | undefined,
): (failure: CalloutFailure | undefined) => void {
  if (!meter) return NOBODY
  meter.started()
  const startedMs = performance.now()
  return (failure) => meter.ended((performance.now() - startedMs) / 1000, failure)
}

export function failureOf(error: unknown): CalloutFailure {
  const reason = error instanceof LuaError ? error.reason : undefined
  if (reason === 'memory') return 'memory'
  return reason === 'cpu' || reason === 'wall' ? 'timeout' : 'error'
}

const NOBODY = (): void => {}
