// Results of a data source, each for a time, the oldest making room (Momentum manual page "modules.ds_core").
// Bounded in number and in octets. Those who ask the same at the same time wait for one answer.
import type { SqlAnswer, SqlValue } from '../../outside/outside.ts'

export type Rows = Extract<SqlAnswer, { kind: 'rows' }>

export interface CacheOptions {
  readonly cacheSize: number
  readonly cacheSeconds: number
}

/** Octets of all results of one data source, roughly. */
const MOST_OCTETS = 64 * 1024 * 1024

/** Since the start. */
export interface CacheCounts {
  readonly entries: number
  readonly hits: number
  readonly misses: number
  readonly inserts: number
  /** Flushed by somebody, too old, and making room. */
  readonly flushed: number
  readonly expired: number
  readonly evicted: number
}

export interface ResultCache {
  /** Undefined: it is not there, or too old. */
  find(key: string): Rows | undefined
  keep(key: string, rows: Rows): void
  counts(): CacheCounts
  /** How many there were. */
  flush(): number
}

export function makeResultCache(
  { cacheSize, cacheSeconds }: CacheOptions,
  nowMs: () => number,
): ResultCache {
  const kept = new Map<string, { readonly rows: Rows; readonly keptMs: number; octets: number }>()
  const counted = { hits: 0, misses: 0, inserts: 0, flushed: 0, expired: 0, evicted: 0 }
  let octets = 0
  const drop = (key: string): void => {
    octets -= kept.get(key)?.octets ?? 0
    kept.delete(key)
  }

  return {
    find(key) {
      const found = kept.get(key)
      const isFresh = found && nowMs() - found.keptMs < cacheSeconds * 1000
      counted[isFresh ? 'hits' : 'misses']++
      if (isFresh) return found.rows
      if (found) counted.expired++
      drop(key)
      return undefined
    },
    keep(key, rows) {
      const size = key.length + sizeOf(rows)
      if (cacheSize === 0 || size > MOST_OCTETS) return
      drop(key)
      kept.set(key, { rows, keptMs: nowMs(), octets: size })
      octets += size
      counted.inserts++
      for (const [oldest] of kept) {
        if (kept.size <= cacheSize && octets <= MOST_OCTETS) break
        drop(oldest)
        counted.evicted++
      }
    },
    counts: () => ({ entries: kept.size, ...counted }),
    flush() {
      const { size } = kept
      kept.clear()
      octets = 0
      counted.flushed += size
      return size
    },
  }
}

/** Octets that a value takes beside its text. */
const VALUE_OCTETS = 16

function sizeOf({ rows }: Rows): number {
  return rows.reduce((sum, row) => sum + row.reduce(valueSize, VALUE_OCTETS), 0)
}

function valueSize(sum: number, value: SqlValue): number {
  return sum + VALUE_OCTETS + (typeof value === 'string' ? value.length : 0)
}
