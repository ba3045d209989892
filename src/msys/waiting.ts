// What waits, or lets others go first: sleep, named locks, closures beside the callout (Momentum:
// "lua.ref.msys.sleep", "lua.ref.msys.lock", "lua.ref.msys.runinpool"). There are no threads here: what runs
// beside a callout runs while that waits, or after it.
import { later } from '../lua/binding.ts'
import { type Call, currentCall, hold } from '../lua/call.ts'
import { LuaCallError } from '../lua/error.ts'
import { isHandle, multiple, type LuaFunction, type LuaValue } from '../lua/value.ts'
import { MAX_TIMER_MS } from '../mail/eventually.ts'
import type { Clock } from '../outside/outside.ts'
import { declare } from './declaration.ts'
import { any, func, number, string } from './parameter.ts'
import type { Parameter } from './parameter.ts'

const fn = declare<undefined>()

const NO_THREADS =
  'there are no threads: every name of a pool will do, and the one event loop runs it'

/** `true`, or what to run when the closure is done. */
const completion: Parameter<LuaFunction | boolean> = {
  name: 'completion',
  expects: 'function or boolean',
  read: (value) => (typeof value === 'boolean' || isHandle(value, 'function') ? value : undefined),
  absent: { value: false },
}

export const WAITING_FUNCTIONS = [
  fn(
    'msys.sleep',
    [number('seconds')],
    { result: 'nil', tier: 1, doc: 'waits; others are served meanwhile' },
    (_, [seconds], { outside }) => {
      const call = runningCall('msys.sleep')
      return later(() => pause(outside.clock, call, Math.max(0, seconds) * 1000))
    },
  ),
  fn(
    'msys.lock',
    [string('name')],
    {
      result: 'number',
      tier: 2,
      doc: 'takes a named lock, of all workers and, with Redis, of all nodes; who must wait is served in order',
      differs:
        'it is given back when the callout ends; taking it twice raises; it returns a fencing number, ' +
        'which is larger than those of all holders before',
    },
    (_, [name], { locks }) => {
      const call = runningCall('msys.lock')
      return locks.take(name, call) ?? later(() => locks.wait(name, call))
    },
  ),
  fn(
    'msys.unlock',
    [string('name')],
    {
      result: 'nil',
      tier: 2,
      doc: 'gives a named lock back',
      differs:
        'raises when it was lost meanwhile, as after a standstill that was longer than its lease',
    },
    (_, [name], { locks }) => locks.give(name, runningCall('msys.unlock')),
  ),
  fn(
    'msys.runInPool',
    [any('pool'), func('run'), completion, any('mode')],
    {
      result: 'boolean, ...',
      tier: 1,
      doc: 'runs a function as pcall does, or with `true` or a function to run afterwards when the callout has ended',
      differs: NO_THREADS,
    },
    (_, [, run, after], { protectedCall, background }) => {
      if (after === false) return protectedCall(run)
      background.afterCall('msys.runInPool', after === true ? [run] : [run, after])
      return multiple()
    },
  ),
  fn(
    'msys.runInInst',
    [any('inst'), func('run')],
    { result: 'boolean, ...', tier: 3, doc: 'runs a function as pcall does', differs: NO_THREADS },
    (_, [, run], { protectedCall }) => protectedCall(run),
  ),
]

/** The call that a function serves which waits. */
export function runningCall(name: string): Call {
  const call = currentCall()
  if (call) return call
  throw new LuaCallError(`${name}: no call runs`)
}

function pause(clock: Clock, call: Call, ms: number): Promise<LuaValue> {
  return new Promise((resolve) => {
    const cancel = clock.after(Math.min(ms, MAX_TIMER_MS), () => {
      drop()
      resolve(undefined)
    })
    const drop = hold(call, () => cancel())
  })
}
