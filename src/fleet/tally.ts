// Counts that several processes keep together: each its own, all see the sum a moment later.

export interface Tally {
  /** Ours and what the others last said. */
  count(key: string): number
  add(key: string, by: number): void
  /** Those that are not 0, with their sums. */
  entries(): Iterable<readonly [key: string, count: number]>
}

/** What is said: keys and our counts; the others replace what they had of us. */
export type Counts = Readonly<Record<string, number>>

export interface Publisher {
  say(counts: Counts): void
  /** Milliseconds that changes are gathered. */
  readonly gatherMs: number
}

export interface SharedTally extends Tally {
  heard(slot: number, counts: Counts): void
  gone(slot: number): void
  /** All of ours again, for one that has just come. */
  sayAll(): void
}

/** Without a publisher it is ours alone. */
export function makeTally(publisher?: Publisher): SharedTally {
  const own = new Map<string, number>()
  const others = new Map<number, Map<string, number>>()
  const totals = new Map<string, number>()
  const changed = new Set<string>()
  let timer: NodeJS.Timeout | undefined

  const addTo = (counts: Map<string, number>, key: string, by: number): void => {
    const next = (counts.get(key) ?? 0) + by
    if (next === 0) counts.delete(key)
    else counts.set(key, next)
  }
  const say = (): void => {
    timer = undefined
    publisher?.say(Object.fromEntries([...changed].map((key) => [key, own.get(key) ?? 0])))
    changed.clear()
  }
  return {
    count: (key) => totals.get(key) ?? 0,
    entries: () => totals,
    add(key, by) {
      addTo(totals, key, by)
      addTo(own, key, by)
      if (!publisher) return
      changed.add(key)
      timer ??= setTimeout(say, publisher.gatherMs)
    },
    heard(slot, counts) {
      const known = others.get(slot) ?? new Map<string, number>()
      others.set(slot, known)
      for (const [key, count] of Object.entries(counts)) {
        const by = count - (known.get(key) ?? 0)
        addTo(known, key, by)
        addTo(totals, key, by)
      }
    },
    gone(slot) {
      for (const [key, count] of others.get(slot) ?? []) addTo(totals, key, -count)
      others.delete(slot)
    },
    sayAll() {
      if (own.size > 0) publisher?.say(Object.fromEntries(own))
    },
  }
}
