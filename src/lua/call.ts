// A call of the host while it lasts: what it may use, what it is about, and what it holds until it ends.
// All Lua code runs within one, also a script's own coroutines and what goes on after a suspension, so
// a host function always finds the call that it serves.

import { createMeter, runMetered, type Budget, type Meter } from './budget.ts'
import type { KillReason } from './error.ts'
import type { LuaTable } from './value.ts'

export interface Call {
  readonly meter: Meter
  /** Names the call in the message of a kill. */
  readonly label: string
  /** What the host gave with the call; the engine only carries it. */
  readonly context: unknown
  /** What `_TLS` is; made when a script asks for it. */
  locals: LuaTable | undefined
  /** Undefined while it lasts. */
  end: CallEnd | undefined
  killReason: KillReason | undefined
  held: Set<Release> | undefined
  controller: AbortController | undefined
}

export type CallEnd = 'returned' | 'failed' | 'killed'

/** Lets go of something. Must not throw. */
export type Release = (end: CallEnd) => void

export interface CallOptions {
  /** Its own budget; without it that of the call which makes this one, or the state's. */
  readonly budget?: Budget
  readonly label?: string
  /** What it is about; without it what the call is about which makes this one. */
  readonly context?: unknown
  /** The table that scripts know as `_TLS`; calls of one session have the same. */
  readonly locals?: LuaTable
  /** The call that makes this one, where that is no longer the running one: after an `await`. */
  readonly within?: Call
}

let current: Call | undefined

/**
 * The call that runs now; undefined outside of Lua. A host function that waits keeps it in a variable
 * before its first `await`.
 */
export function currentCall(): Call | undefined {
  return current
}

/** Runs `release` when the call ends, however it ends, unless what is returned was called before. */
export function hold(call: Call, release: Release): () => void {
  if (call.end !== undefined) {
    release(call.end)
    return () => {}
  }
  const held = (call.held ??= new Set())
  // Of its own, so that one function can be held twice.
  const entry: Release = (end) => release(end)
  held.add(entry)
  return () => void held.delete(entry)
}

/** Aborts when the call is killed: for requests and queries that it waits for. */
export function abortSignal(call: Call): AbortSignal {
  call.controller ??= new AbortController()
  if (call.end === 'killed') call.controller.abort()
  return call.controller.signal
}

/** The call that a new run of Lua code belongs to: the one that makes it, unless it is given something of its own. */
export function callFor(options: CallOptions, budget: Budget, clock: () => number): Call {
  const outer = options.within ?? current
  const isOver = outer?.end !== undefined
  const isOwn = options.budget !== undefined || options.context !== undefined
  if (outer !== undefined && !isOwn && !isOver) return outer
  return {
    meter:
      outer === undefined || isOver || options.budget !== undefined
        ? createMeter(options.budget ?? budget, clock)
        : outer.meter,
    label: options.label ?? outer?.label ?? 'call',
    context: options.context ?? outer?.context,
    locals: options.locals ?? outer?.locals,
    end: undefined,
    killReason: undefined,
    held: undefined,
    controller: undefined,
  }
}

/** Runs `work` as a part of the call. */
export function runWithin<T>(call: Call, work: () => T): T {
  const outer = current
  current = call
  try {
    return runMetered(call.meter, work)
  } finally {
    current = outer
  }
}

/** Releases what the call holds, the last first. Later ends change nothing. */
export function endCall(call: Call, end: CallEnd, reason?: KillReason): void {
  if (call.end !== undefined) return
  call.end = end
  call.killReason = reason
  if (end === 'killed') call.controller?.abort()
  if (call.held === undefined) return
  const held = [...call.held].reverse()
  call.held = undefined
  for (const release of held) release(end)
}
