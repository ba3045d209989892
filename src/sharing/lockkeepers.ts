// Who keeps the locks of policy beyond this process: the primary for its workers, Redis for nodes. A lock is had
// when it is had from all of them, from the nearest first, so that one worker of a node asks Redis at a time.
import type { Locks } from '../msys/runtime.ts'
import { lockAmongNodes } from './nodelocks.ts'
import type { Nodes } from './nodes.ts'
import { type HeldLock, type LockKeeper, namedLocks } from '../policy/locks.ts'

/** Those of a server; `nodes` while there are others. */
export function openLocks(workers: LockKeeper | undefined, nodes: () => Nodes | undefined): Locks {
  return namedLocks({
    nowMs: Date.now,
    keeper() {
      const shared = nodes()
      return joinKeepers([workers, shared && lockAmongNodes(shared)])
    },
  })
}

/** Undefined: nobody. */
function joinKeepers(all: readonly (LockKeeper | undefined)[]): LockKeeper | undefined {
  const [first, ...others] = all.filter((keeper) => keeper !== undefined)
  if (!first || others.length === 0) return first
  return {
    async acquire(name, signal) {
      const held: HeldLock[] = []
      try {
        for (const keeper of [first, ...others]) {
          const lock = await keeper.acquire(name, signal)
          if (lock) held.unshift(lock)
        }
      } catch (error) {
        void releaseAll(held)
        throw error
      }
      const [last] = held
      return last && { fence: last.fence, release: () => releaseAll(held) }
    },
  }
}

/** The farthest first. */
async function releaseAll(held: readonly HeldLock[]): Promise<string | undefined> {
  const reasons = await Promise.all(held.map((lock) => lock.release()))
  return reasons.find((reason) => reason !== undefined)
}
