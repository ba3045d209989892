// Named locks among workers: the primary keeps them, and gives on what one had that is gone.
import type { Member } from '../fleet/member.ts'
import type { WorkerQuestion } from './request.ts'
import type { LockKeeper } from '../policy/locks.ts'

export function lockAmongWorkers({ ask }: Pick<Member, 'ask'>): LockKeeper {
  let lastId = 0
  return {
    async acquire(name, signal) {
      signal.throwIfAborted()
      const id = ++lastId
      const give = (): void =>
        void ask({ kind: 'unlock', id } satisfies WorkerQuestion).catch(() => undefined)
      signal.addEventListener('abort', give, { once: true })
      const fence = await ask({ kind: 'lock', id, name } satisfies WorkerQuestion)
      signal.removeEventListener('abort', give)
      // Given back before, and perhaps after it was given to us.
      signal.throwIfAborted()
      return {
        fence: Number(fence),
        release() {
          give()
          return Promise.resolve(undefined)
        },
      }
    },
  }
}
