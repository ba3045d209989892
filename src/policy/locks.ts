// The locks of `msys.lock`, by name: shared by all callouts of a policy.
import { type Lock, makeLock } from '../lua/lock.ts'
import type { Locks } from '../msys/runtime.ts'

/** Of names that nobody uses now. */
const MAX_IDLE = 1_000

export function namedLocks(): Locks {
  const locks = new Map<string, Lock>()
  return {
    named(name) {
      const known = locks.get(name)
      if (known) return known
      for (const [idle, { shares, line }] of locks) {
        if (locks.size < MAX_IDLE) break
        if (shares.size === 0 && line.length === 0) locks.delete(idle)
      }
      const made = makeLock()
      locks.set(name, made)
      return made
    },
  }
}
