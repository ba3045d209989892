// One run of a Lua function for the host: a coroutine of its own, within a call. It returns at once when
// nothing suspended it, else a promise; a suspended one ends early when its call's wall-clock limit
// passes, its call ends or its state closes, and nothing else notices.

import { killReason, type Budget } from './budget.ts'
import {
  callFor,
  currentCall,
  endCall,
  hold,
  runWithin,
  type Call,
  type CallOptions,
} from './call.ts'
import { NIL, OK, YIELD, lauxlib, lobject, lua, octets, textIn, type Thread } from './engine.ts'
import { LuaError, type KillReason } from './error.ts'
import { abandon, waitingOf } from './suspension.ts'
import { fromLua, toLua, typeName, type LuaFunction, type LuaValue } from './value.ts'

export interface Caller {
  readonly main: Thread
  readonly budget: Budget
  readonly clock: () => number
  /** Suspended runs: how each is ended early. */
  readonly suspended: Set<(reason: KillReason) => void>
}

interface Run {
  readonly caller: Caller
  readonly call: Call
  /** The call that makes this run, if one does. */
  readonly outer: Call | undefined
  /** Whether the call ends with this run. */
  readonly isWhole: boolean
  readonly label: string
  readonly thread: Thread
}

type Results = readonly LuaValue[]

/** How deeply the host and Lua may call each other: the engine counts only within one coroutine. */
const MAX_DEPTH = 40
let depth = 0

/** Calls a function in a fresh coroutine. Throws, or rejects with, a LuaError. */
export function callFunction(
  caller: Caller,
  fn: LuaFunction,
  args: readonly LuaValue[],
  options: CallOptions = {},
): Results | Promise<Results> {
  const { main } = caller
  const outer = options.within ?? currentCall()
  if (outer?.killReason !== undefined) throw killedWith(outer)
  const call = callFor(options, caller.budget, caller.clock)
  const thread = lua.lua_newthread(main)
  main.top--
  thread.stack[thread.top++] = toLua(fn)
  for (const arg of args) thread.stack[thread.top++] = toLua(arg)
  const label = options.label ?? call.label
  const run: Run = { caller, call, outer, isWhole: call !== outer, label, thread }
  return resume(run, args.length) ?? awaitRest(run)
}

// Runs until the function returns (its results), suspends (undefined) or fails (throws).
function resume(run: Run, args: number): Results | undefined {
  const { call, thread } = run
  if (depth >= MAX_DEPTH)
    throw new LuaError('runtime', 'stack overflow (Lua and its host call each other)')
  let status: number
  depth++
  try {
    status = runWithin(call, () => lua.lua_resume(thread, null, args))
  } catch (error) {
    const reason = killReason(error)
    if (reason === undefined) throw error
    throw kill(run, reason, error)
  } finally {
    depth--
  }
  if (status === YIELD && waitingOf(thread) !== undefined) return undefined
  const results = status === OK ? resultsOf(thread) : failure(run.caller.main, thread)
  const isFailure = results instanceof LuaError
  if (run.isWhole) endCall(call, isFailure ? 'failed' : 'returned')
  if (isFailure) throw results
  return results
}

function awaitRest(run: Run): Promise<Results> {
  const { caller, call, outer, isWhole, thread } = run
  return new Promise((resolve, reject) => {
    let ended = false
    const end = (settle: () => void): void => {
      ended = true
      clearTimeout(timer)
      caller.suspended.delete(endEarly)
      drop?.()
      settle()
    }
    const endEarly = (reason: KillReason): void => {
      if (ended) return
      abandon(thread)
      end(() => reject(kill(run, reason)))
    }
    // The wall clock is the whole call's; a run within it ends when the call does, and a call that is
    // made by another is killed with it.
    const timer = isWhole
      ? setTimeout(endEarly, Math.min(call.meter.budget.wallMs, LONGEST_TIMER_MS), 'wall')
      : undefined
    caller.suspended.add(endEarly)
    const drop =
      outer &&
      hold(outer, (how) => {
        if (how === 'killed' || !isWhole) endEarly(outer.killReason ?? 'closed')
      })
    const step = (): void => {
      if (ended) return
      try {
        const results = resume(run, 0)
        if (results === undefined) wait()
        else end(() => resolve(results))
      } catch (error) {
        end(() => reject(error))
      }
    }
    const wait = (): void => void waitingOf(thread)?.settled.then(step)
    wait()
  })
}

// setTimeout takes no more.
const LONGEST_TIMER_MS = 2 ** 31 - 1

function resultsOf(thread: Thread): Results {
  const results: LuaValue[] = []
  for (let index = thread.base_ci.funcOff + 1; index < thread.top; index++) {
    results.push(fromLua(thread.stack[index] ?? new lobject.TValue(NIL, null)))
  }
  return results
}

function failure(main: Thread, thread: Thread): LuaError {
  const slot = thread.stack[thread.top - 1]
  const value = slot === undefined ? undefined : fromLua(slot)
  const message =
    typeof value === 'string' || typeof value === 'number'
      ? String(value)
      : `(error object is a ${typeName(slot)} value)`
  return new LuaError('runtime', message, { traceback: traceback(main, thread, message) })
}

// The error of a killed run; its call ends with it.
function kill(run: Run, reason: KillReason, cause?: unknown): LuaError {
  const at = traceback(run.caller.main, run.thread, run.label)
  if (run.isWhole) endCall(run.call, 'killed', reason)
  const [, position = ''] = /^\s+([^\n]*?:\d+:)/m.exec(at) ?? []
  const message = `${position} ${run.label} killed: ${KILL_TEXTS[reason]}`.trim()
  return new LuaError('killed', message, { reason, traceback: at, cause })
}

function killedWith({ label, killReason: reason = 'closed' }: Call): LuaError {
  return new LuaError('killed', `${label} killed: ${KILL_TEXTS[reason]}`, { reason })
}

const KILL_TEXTS: Record<KillReason, string> = {
  cpu: 'processor time limit exceeded',
  wall: 'waited longer than its wall-clock limit',
  memory: 'allocation limit exceeded',
  closed: 'its Lua state was closed',
}

function traceback(main: Thread, thread: Thread, message: string): string {
  const { top } = main
  lauxlib.luaL_traceback(main, thread, octets(message), 0)
  const text = textIn(main.stack[main.top - 1])
  main.top = top
  return text ?? message
}
