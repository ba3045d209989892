// Room in memory for copies on their way: a copy is there as a whole until its next hop has taken it, and a
// next hop may take minutes. Only large ones need to ask. One that waits has a worker of its lane.

export interface Room {
  /** At once, or when others have left; returns how to leave. */
  enter(bytes: number): Promise<() => void> | (() => void)
}

/** Copies up to this size do not ask. */
const SMALL_BYTES = 1024 * 1024

/** At least one copy is in, however large it is; those who wait come in in their order. */
export function makeRoom(maxBytes: number): Room {
  let taken = 0
  let waiting: { readonly bytes: number; readonly admit: () => void }[] = []
  const admitNext = (): void => {
    const [next] = waiting
    if (!next || (taken > 0 && taken + next.bytes > maxBytes)) return
    waiting = waiting.slice(1)
    taken += next.bytes
    next.admit()
    admitNext()
  }
  const leave = (bytes: number): (() => void) => {
    let isIn = true
    return () => {
      if (!isIn) return
      isIn = false
      taken -= bytes
      admitNext()
    }
  }
  return {
    enter(bytes) {
      if (bytes <= SMALL_BYTES) return () => {}
      if (waiting.length === 0 && (taken === 0 || taken + bytes <= maxBytes)) {
        taken += bytes
        return leave(bytes)
      }
      return new Promise((resolve) => {
        waiting.push({ bytes, admit: () => resolve(leave(bytes)) })
      })
    },
  }
}
