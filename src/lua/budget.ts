// What a call may use: processor time while it runs (`cpuMs`), time while it is suspended (`wallMs`),
// octets allocated in total, and the longest string. The engine counts ticks (loops, calls, pattern
// steps, octets, calls of the host) and asks here when they are used up; only then is the clock read. How many
// there are until the next look follows from how long the last ones took, so that a budget is overrun by
// about a millisecond, whatever runs. A breach throws a Kill, which no Lua code can catch.

import { host } from './engine.ts'
import type { KillReason } from './error.ts'

export interface Budget {
  readonly cpuMs: number
  readonly wallMs: number
  readonly allocBytes: number
  readonly maxStringBytes: number
}

/** How much of a budget a call and everything below it has used. */
export interface Meter {
  readonly budget: Budget
  readonly clock: () => number
  cpuUsedMs: number
  /** When the present run was first measured; undefined until a refill is due. */
  runningSince: number | undefined
  /** When the clock was last read in this run. */
  lookedAt: number
  /** Ticks until the next look. */
  refill: number
  ticks: number
  bytes: number
}

const FIRST_REFILL = 1000
const LARGEST_REFILL = 10_000
const SMALLEST_REFILL = 20
const LOOK_EVERY_MS = 0.5

const { tick } = host

let current: Meter | undefined

host.over = over

export function createMeter(budget: Budget, clock: () => number): Meter {
  return {
    budget,
    clock,
    cpuUsedMs: 0,
    runningSince: undefined,
    lookedAt: 0,
    refill: FIRST_REFILL,
    ticks: FIRST_REFILL,
    bytes: budget.allocBytes,
  }
}

/** Runs `work` on a meter; what it nests on another meter is counted there. */
export function runMetered<T>(meter: Meter, work: () => T): T {
  if (meter === current) return work()
  const outer = current
  const { n, bytes, maxString } = tick
  current = meter
  tick.n = meter.ticks
  tick.bytes = meter.bytes
  tick.maxString = meter.budget.maxStringBytes
  try {
    return work()
  } finally {
    meter.ticks = tick.n
    meter.bytes = tick.bytes
    if (meter.runningSince !== undefined) meter.cpuUsedMs += meter.clock() - meter.runningSince
    meter.runningSince = undefined
    current = outer
    tick.n = n
    tick.bytes = bytes
    tick.maxString = maxString
  }
}

/** Why an exception is a kill, or undefined when it is none. */
export function killReason(error: unknown): KillReason | undefined {
  return error instanceof host.Kill ? error.reason : undefined
}

function over(): void {
  if (current === undefined) {
    tick.n = LARGEST_REFILL
    tick.bytes = Number.MAX_SAFE_INTEGER
    return
  }
  if (tick.bytes < 0) throw new host.Kill('memory')
  const now = current.clock()
  if (current.runningSince === undefined) current.runningSince = now
  else adapt(current, now - current.lookedAt)
  current.lookedAt = now
  if (current.cpuUsedMs + now - current.runningSince >= current.budget.cpuMs) {
    throw new host.Kill('cpu')
  }
  tick.n = current.refill
}

function adapt(meter: Meter, tookMs: number): void {
  const { refill } = meter
  if (tookMs < LOOK_EVERY_MS) meter.refill = Math.min(refill * 2, LARGEST_REFILL)
  else if (tookMs > 2 * LOOK_EVERY_MS) {
    meter.refill = Math.max(Math.round((refill * LOOK_EVERY_MS) / tookMs), SMALLEST_REFILL)
  }
}

/** Charges what a host function allocates, and the work of copying it. May throw a Kill. */
export function charge(octets: number, copied = octets): void {
  tick.bytes -= octets
  tick.n -= copied >> 5
  if (tick.n < 0 || tick.bytes < 0) over()
}

/** Counts work of the host: a tick is about a step of Lua. May throw a Kill. */
export function chargeTicks(ticks: number): void {
  tick.n -= ticks
  if (tick.n < 0) over()
}

/** Octets that a string may have in the call that runs now. */
export function longestString(): number {
  return tick.maxString
}
