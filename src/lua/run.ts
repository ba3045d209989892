// One call of a Lua function by the host: a coroutine of its own, run on a meter. It returns at once
// when nothing suspended it, else a promise; a suspended call ends early when its wall-clock limit
// passes or its state closes, and no other call notices.

import {
  createMeter,
  currentMeter,
  killReason,
  runMetered,
  type Budget,
  type Meter,
} from './budget.ts'
import { NIL, OK, YIELD, lauxlib, lobject, lua, octets, textIn, type Thread } from './engine.ts'
import { LuaError, type KillReason } from './error.ts'
import { waitingOf } from './suspension.ts'
import { fromLua, toLua, typeName, type LuaFunction, type LuaValue } from './value.ts'

export interface Caller {
  readonly main: Thread
  readonly budget: Budget
  readonly clock: () => number
  /** Suspended calls: how each is ended early. */
  readonly suspended: Set<(reason: KillReason) => void>
}

export interface CallOptions {
  /** Its own budget; without it the caller's: that of the Lua code that runs now, or the state's. */
  readonly budget?: Budget
  /** Names the call in the message of a kill. */
  readonly label?: string
}

type Results = readonly LuaValue[]

/** Calls a function in a fresh coroutine. Throws, or rejects with, a LuaError. */
export function callFunction(
  caller: Caller,
  fn: LuaFunction,
  args: readonly LuaValue[],
  options: CallOptions = {},
): Results | Promise<Results> {
  const { main } = caller
  const thread = lua.lua_newthread(main)
  main.top--
  thread.stack[thread.top++] = toLua(fn)
  for (const arg of args) thread.stack[thread.top++] = toLua(arg)
  const meter =
    options.budget === undefined
      ? (currentMeter() ?? createMeter(caller.budget, caller.clock))
      : createMeter(options.budget, caller.clock)
  const label = options.label ?? 'call'
  const done = resume(caller, meter, thread, args.length, label)
  return done ?? awaitRest(caller, meter, thread, label)
}

// Runs until the function returns (its results), suspends (undefined) or fails (throws).
function resume(
  caller: Caller,
  meter: Meter,
  thread: Thread,
  args: number,
  label: string,
): Results | undefined {
  let status: number
  try {
    status = runMetered(meter, () => lua.lua_resume(thread, null, args))
  } catch (error) {
    const reason = killReason(error)
    if (reason === undefined) throw error
    throw killed(caller.main, thread, label, reason, error)
  }
  if (status === OK) return resultsOf(thread)
  if (status === YIELD && waitingOf(thread) !== undefined) return undefined
  throw failure(caller.main, thread)
}

function awaitRest(caller: Caller, meter: Meter, thread: Thread, label: string): Promise<Results> {
  return new Promise((resolve, reject) => {
    let ended = false
    const end = (settle: () => void): void => {
      ended = true
      clearTimeout(timer)
      caller.suspended.delete(kill)
      settle()
    }
    const kill = (reason: KillReason): void =>
      end(() => reject(killed(caller.main, thread, label, reason)))
    const timer = setTimeout(kill, meter.budget.wallMs, 'wall')
    caller.suspended.add(kill)
    const step = (): void => {
      if (ended) return
      try {
        const results = resume(caller, meter, thread, 0, label)
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

function killed(
  main: Thread,
  thread: Thread,
  label: string,
  reason: KillReason,
  cause?: unknown,
): LuaError {
  const at = traceback(main, thread, label)
  const [, position = ''] = /^\s+([^\n]*?:\d+:)/m.exec(at) ?? []
  const message = `${position} ${label} killed: ${KILL_TEXTS[reason]}`.trim()
  return new LuaError('killed', message, { reason, traceback: at, cause })
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
