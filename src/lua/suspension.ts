// Waiting inside Lua: a native parks its promise on its coroutine and yields; every coroutine that
// resumed this one yields in turn, up to the call of the host, which awaits and resumes.

import { lua, type Thread } from './engine.ts'
import { raise } from './raise.ts'

/** What a coroutine waits for: a promise that never rejects, and what to do then. */
export interface Waiting {
  readonly settled: Promise<void>
  /** Pushes the results or raises, when the coroutine goes on. */
  readonly finish: () => number
  /** Nobody will resume it: its call was ended. */
  abandoned?: true
}

/** Raises where some caller in between cannot be suspended. */
export function assertSuspendable(L: Thread, name: string): void {
  if (canSuspend(L)) return
  raise(
    L,
    `${name} cannot wait here (inside a table.sort comparator, __tostring or a chunk reader)`,
  )
}

/** Yields until the promise settles. Raises where it cannot. */
export function suspend(L: Thread, name: string, waiting: Waiting): never {
  assertSuspendable(L, name)
  for (let at: Thread | null = L; at !== null; at = at.from) parked.set(at, waiting)
  return lua.lua_yieldk(L, 0, waiting, resumed)
}

/** What a coroutine waits for, if it was suspended by the host and not by Lua. */
export function waitingOf(L: Thread): Waiting | undefined {
  return parked.get(L)
}

/** Gives up a suspended coroutine and those that it resumed: scripts see them dead. */
export function abandon(L: Thread): void {
  const waiting = parked.get(L)
  if (waiting !== undefined) waiting.abandoned = true
}

const parked = new WeakMap<Thread, Waiting>()

function resumed(L: Thread, _status: number, waiting: Waiting): number {
  for (let at: Thread | null = L; at !== null; at = at.from) parked.delete(at)
  return waiting.finish()
}

function canSuspend(L: Thread): boolean {
  for (let at: Thread | null = L; at !== null; at = at.from) if (at.nny > 0) return false
  return true
}
