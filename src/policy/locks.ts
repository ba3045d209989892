// The locks of `msys.lock`, by name: callouts of this process wait in one line, and the first of it asks whoever
// keeps locks among processes. Each holder gets a fencing number that is larger than those before it, so that
// what it guards can refuse one that is late.
import { type Call, hold } from '../lua/call.ts'
import { LuaCallError } from '../lua/error.ts'
import { type Lock, makeLock, tryLock, unlock, waitForLock } from '../lua/lock.ts'
import type { Locks } from '../msys/runtime.ts'
import { boundedKey } from '../msys/shared/room.ts'

/** Keeps locks among processes. */
export interface LockKeeper {
  /**
   * Resolves when it is ours; with undefined where nobody can be asked and that is no reason to wait. Rejects
   * with why it cannot be had, also when `signal` says that nobody wants it any more: nothing is left then.
   */
  acquire(name: string, signal: AbortSignal): Promise<HeldLock | undefined>
}

export interface HeldLock {
  readonly fence: number
  /** Resolves to why it was ours no more; undefined: it was. Never rejects. */
  release(): Promise<string | undefined>
}

export interface LockOptions {
  /** Epoch milliseconds. */
  nowMs(): number
  /** Undefined: nobody shares locks with us, now. */
  keeper?(): LockKeeper | undefined
}

interface Named {
  readonly lock: Lock
  /** Of the call that has the lock. */
  held?: { readonly lock: HeldLock; readonly forget: () => void } | undefined
}

/** Of names that nobody uses now. */
const MAX_IDLE = 1_000

export function namedLocks({ nowMs, keeper = () => undefined }: LockOptions): Locks {
  const locks = new Map<string, Named>()
  const nextFence = makeFences(nowMs)
  return {
    take(name, call) {
      const { lock } = find(locks, name)
      if (lock.shares.has(call)) {
        throw new LuaCallError(`msys.lock: this callout holds "${name}" already`)
      }
      if (keeper()) return undefined
      return tryLock(lock, call, 'exclusive') === 'taken' ? nextFence() : undefined
    },
    async wait(name, call) {
      const named = find(locks, name)
      const { lock } = named
      if (tryLock(lock, call, 'exclusive') !== 'taken') await waitForLock(lock, call, 'exclusive')
      const held = await acquired(keeper(), name, call).catch((error: unknown) => {
        unlock(lock, call)
        throw error
      })
      if (!held) return nextFence()
      const release = (): void => {
        named.held = undefined
        void held.release()
      }
      named.held = { lock: held, forget: hold(call, release) }
      return held.fence
    },
    give(name, call) {
      const named = find(locks, name)
      const { held } = named
      if (!named.lock.shares.has(call)) {
        throw new LuaCallError(`msys.unlock: this callout does not hold "${name}"`)
      }
      named.held = undefined
      held?.forget()
      // Before the next one of ours asks for it.
      const released = held?.lock.release()
      unlock(named.lock, call)
      return released?.then((reason) => {
        if (reason === undefined) return
        throw new LuaCallError(`msys.unlock: "${name}" was lost: ${reason}`)
      })
    },
  }
}

/** Larger than the one before, also after a restart. Thirteen digits: Lua prints them all. */
export function makeFences(nowMs: () => number): () => number {
  let last = 0
  return () => (last = Math.max(last + 1, Math.floor(nowMs())))
}

function find(locks: Map<string, Named>, name: string): Named {
  const key = boundedKey(name)
  const known = locks.get(key)
  if (known) return known
  for (const [idle, { lock }] of locks) {
    if (locks.size < MAX_IDLE) break
    if (lock.shares.size === 0 && lock.line.length === 0) locks.delete(idle)
  }
  const made: Named = { lock: makeLock() }
  locks.set(key, made)
  return made
}

/** Asks until the call ends. */
async function acquired(
  keeper: LockKeeper | undefined,
  name: string,
  call: Call,
): Promise<HeldLock | undefined> {
  if (!keeper) return undefined
  const controller = new AbortController()
  const forget = hold(call, () => controller.abort())
  try {
    return await keeper.acquire(boundedKey(name), controller.signal)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new LuaCallError(`msys.lock: "${name}" cannot be had: ${reason}`)
  } finally {
    forget()
  }
}
