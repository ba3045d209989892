// What policy runs beside its callouts: timers, and closures that wait for the end of the callout which
// asked for them. Each is a call of its own, with a budget of its own; what goes wrong is told in
// paniclog. It all ends with the policy.
import { type Call, currentCall, hold } from '../lua/call.ts'
import { LuaCallError, LuaError } from '../lua/error.ts'
import type { LuaState } from '../lua/state.ts'
import type { LuaFunction } from '../lua/value.ts'
import { MAX_TIMER_MS } from '../mail/eventually.ts'
import type { Background, CallSite } from '../msys/runtime.ts'
import type { Clock } from '../outside/outside.ts'

export interface StoppableBackground extends Background {
  /** Nothing begins any more. */
  stop(): void
}

/** Timers, and closures that wait or run. */
const MAX_WAITING = 10_000

export function makeBackground(
  state: Pick<LuaState, 'call'>,
  clock: Clock,
  panic: (text: string) => void,
): StoppableBackground {
  const timers = makeTimers(clock)
  /** Closures: those that wait for the end of their callout, and those that run. */
  let closures = 0

  function assertRoom(): void {
    if (timers.count() + closures < MAX_WAITING) return
    throw new LuaCallError(`${MAX_WAITING} timers and closures wait already`)
  }

  async function run(label: string, closure: LuaFunction, from?: Call): Promise<void> {
    const context: CallSite = { callout: label, stage: 'other', moduleName: label }
    const locals = from?.locals
    closures++
    try {
      await state.call(closure, [], { label, context, ...(locals && { locals }) })
    } catch (error) {
      if (!(error instanceof LuaError && error.reason === 'closed')) {
        panic(`${label} error: ${error instanceof Error ? error.message : String(error)}`)
      }
    } finally {
      closures--
    }
  }

  return {
    after(delayMs, work) {
      assertRoom()
      return timers.after(delayMs, work)
    },
    run: (label, closure) => run(label, closure),
    afterCall(label, steps) {
      assertRoom()
      const call = currentCall()
      const runAll = async (): Promise<void> => {
        for (const step of steps) await run(label, step, call)
      }
      closures++
      const begin = (): void => {
        closures--
        timers.after(0, () => void runAll())
      }
      if (!call) begin()
      else hold(call, (end) => (end === 'killed' ? void closures-- : begin()))
    },
    stop: timers.stop,
  }
}

function makeTimers(clock: Clock) {
  const waiting = new Set<() => void>()
  let isStopped = false
  return {
    count: () => waiting.size,
    after(delayMs: number, work: () => void): () => void {
      if (isStopped) return () => {}
      const dueMs = clock.nowMs() + delayMs
      const wait = (ms: number): (() => void) =>
        clock.after(Math.min(ms, MAX_TIMER_MS), () => {
          if (ms > MAX_TIMER_MS) cancel = wait(dueMs - clock.nowMs())
          else {
            waiting.delete(stop)
            work()
          }
        })
      let cancel = wait(delayMs)
      const stop = (): void => {
        cancel()
        waiting.delete(stop)
      }
      waiting.add(stop)
      return stop
    },
    stop(): void {
      isStopped = true
      for (const stop of waiting) stop()
    },
  }
}
