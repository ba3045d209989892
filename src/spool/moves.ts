// Which entries are being written again, each by one at a time, and which have to stay where they are meanwhile.
import type { Stored } from './stored.ts'

export interface Moves {
  /** Settles, without an error, when the entry has its new record; undefined: none is on its way. */
  of(stored: Stored): Promise<void> | undefined
  /** Settles when it may be moved, or has to be looked at again; undefined: it may be. */
  busy(stored: Stored): Promise<void> | undefined
  /** Runs it when no new record is on its way, and keeps the entry where it is meanwhile. */
  hold<T>(stored: Stored, task: () => Promise<T>): Promise<T>
  /** `write` writes it again, of an entry that is not busy. */
  run(stored: Stored, write: () => Promise<void>): Promise<void>
  /** Resolves when none is on its way. */
  over(): Promise<void>
}

/** So many tasks that an entry is held for; `over`: none of them any more. */
interface Hold {
  count: number
  readonly over: Promise<void>
  readonly release: () => void
}

export function makeMoves(): Moves {
  const moving = new Map<Stored, Promise<void>>()
  const held = new Map<Stored, Hold>()
  // Asked for each change: mostly nothing is moved.
  const of = (stored: Stored) => (moving.size > 0 ? moving.get(stored) : undefined)
  return {
    of,
    busy: (stored) => of(stored) ?? held.get(stored)?.over,
    async hold(stored, task) {
      const hold = held.get(stored) ?? makeHold()
      held.set(stored, hold)
      hold.count++
      try {
        await of(stored)
        return await task()
      } finally {
        hold.count--
        if (hold.count === 0) {
          held.delete(stored)
          hold.release()
        }
      }
    },
    async run(stored, write) {
      const writing = write()
      const settled = writing.catch(() => undefined)
      moving.set(stored, settled)
      try {
        await writing
      } finally {
        moving.delete(stored)
      }
    },
    over: async () => void (await Promise.all(moving.values())),
  }
}

function makeHold(): Hold {
  let release = (): void => {}
  const over = new Promise<void>((resolve) => (release = resolve))
  return { count: 0, over, release }
}
