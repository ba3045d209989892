// Counters by path, and the values that scripts share: bounded in number and size.
import type { SharedValue } from './state.ts'

const MOST_COUNTERS = 100_000
const MOST_VALUES = 100_000
/** Octets of all shared values together. */
const MOST_VALUE_OCTETS = 64 * 1024 * 1024

interface Counter {
  value: number
  resetMs: number
}

export function makeCounters(now: () => number) {
  const all = new Map<string, Counter>()

  const find = (path: string): Counter | undefined => {
    const known = all.get(path)
    if (known || all.size >= MOST_COUNTERS) return known
    const counter = { value: 0, resetMs: now() }
    all.set(path, counter)
    return counter
  }

  return {
    all: all as ReadonlyMap<string, Readonly<Counter>>,
    /** False when there is no room for a new one. */
    add(path: string, delta: number): boolean {
      const counter = find(path)
      if (counter) counter.value += delta
      return counter !== undefined
    },
    reset(path: string, atMs: number): boolean {
      const counter = find(path)
      if (counter) Object.assign(counter, { value: 0, resetMs: atMs })
      return counter !== undefined
    },
    unlink(path: string): true {
      all.delete(path)
      return true
    },
  }
}

export function makeValues() {
  const all = new Map<string, SharedValue>()
  let octets = 0
  const sizeAt = (key: string): number => {
    const value = all.get(key)
    return value === undefined ? 0 : sizeOf(key, value)
  }
  return {
    all: all as ReadonlyMap<string, SharedValue>,
    /** False, and nothing has changed, when there is no room. */
    set(key: string, value: SharedValue): boolean {
      const grown = octets - sizeAt(key) + sizeOf(key, value)
      if (grown > MOST_VALUE_OCTETS || (all.size >= MOST_VALUES && !all.has(key))) return false
      all.set(key, value)
      octets = grown
      return true
    },
    unset(key: string): true {
      octets -= sizeAt(key)
      all.delete(key)
      return true
    },
  }
}

function sizeOf(key: string, value: SharedValue): number {
  return key.length + (typeof value === 'string' ? value.length : 8)
}
