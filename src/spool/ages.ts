// How old what is queued is, without looking at all of it: how many messages there are of each second.

export interface Ages {
  /** Epoch milliseconds. */
  came(receivedMs: number): void
  went(receivedMs: number): void
  /** To the second; undefined: there is none. */
  oldestMs(): number | undefined
}

export function makeAges(): Ages {
  const counts = new Map<number, number>()
  /** Undefined: not known. */
  let oldest: number | undefined
  return {
    came(receivedMs) {
      const second = Math.floor(receivedMs / 1000)
      counts.set(second, (counts.get(second) ?? 0) + 1)
      if (oldest !== undefined && second < oldest) oldest = second
    },
    went(receivedMs) {
      const second = Math.floor(receivedMs / 1000)
      const left = (counts.get(second) ?? 0) - 1
      if (left > 0) return void counts.set(second, left)
      counts.delete(second)
      if (second === oldest) oldest = undefined
      return undefined
    },
    oldestMs() {
      if (counts.size === 0) return undefined
      oldest ??= [...counts.keys()].reduce((first, second) => Math.min(first, second))
      return oldest * 1000
    },
  }
}
