// A gauge cache: numbers by key, each forgotten some time after its last change. Bounded: the key that was
// changed least recently makes room.
import type { GaugeShape } from './state.ts'

export interface Gauges {
  readonly shape: GaugeShape
  add(key: string, delta: number, atMs: number): void
  remove(key: string): void
  /** 0 when there is none. */
  read(key: string, nowMs: number): number
  contents(): Iterable<{ readonly key: string; readonly delta: number; readonly atMs: number }>
}

export function makeGauges(shape: GaugeShape, mostKeys: number): Gauges {
  const maxKeys = Math.min(shape.maxKeys, mostKeys)
  const all = new Map<string, { readonly value: number; readonly changedMs: number }>()
  const isExpired = (changedMs: number, nowMs: number): boolean =>
    shape.ttlSeconds > 0 && nowMs - changedMs >= shape.ttlSeconds * 1000
  const read = (key: string, nowMs: number): number => {
    const known = all.get(key)
    return known && !isExpired(known.changedMs, nowMs) ? known.value : 0
  }

  return {
    shape,
    add(key, delta, atMs) {
      const value = read(key, atMs) + delta
      all.delete(key)
      for (const [oldest, { changedMs }] of all) {
        if (all.size < maxKeys && !isExpired(changedMs, atMs)) break
        all.delete(oldest)
      }
      all.set(key, { value, changedMs: atMs })
    },
    remove: (key) => void all.delete(key),
    read,
    *contents() {
      for (const [key, { value, changedMs }] of all) yield { key, delta: value, atMs: changedMs }
    },
  }
}
