// The state of one process. Bounded: names come from scripts, keys may come from strangers.
import { makeCounters, makeValues } from './counters.ts'
import { type Gauges, makeGauges } from './gauges.ts'
import { makeSeries, type Series } from './series.ts'
import type { Change, SharedState } from './state.ts'

/** Caches, and series. */
const MOST_DEFINITIONS = 1_000
/** Of a gauge cache or a series. */
const MOST_KEYS = 100_000
/** Windows of all keys of a series together. */
const MOST_CELLS = 4_000_000

interface Parts {
  readonly counters: ReturnType<typeof makeCounters>
  readonly caches: Map<string, Gauges>
  readonly series: Map<string, Series>
  readonly values: ReturnType<typeof makeValues>
}

/** `now` in epoch milliseconds. */
export function makeSharedState(now: () => number): SharedState {
  const parts: Parts = {
    counters: makeCounters(now),
    caches: new Map(),
    series: new Map(),
    values: makeValues(),
  }
  const { counters, caches, series, values } = parts

  return {
    apply: (change) => applyTo(parts, change),
    reachOf(change) {
      if ('cache' in change) return caches.get(change.cache)?.shape.reach ?? 'node'
      if ('series' in change) return series.get(change.series)?.shape.reach ?? 'node'
      return 'node'
    },
    contents: () => contentsOf(parts),
    defineGauges: (cache, shape) =>
      define(caches, cache, shape, () => makeGauges(shape, MOST_KEYS)),
    defineSeries: (name, shape) =>
      define(series, name, shape, () =>
        makeSeries(shape, Math.min(MOST_KEYS, Math.floor(MOST_CELLS / shape.windows))),
      ),
    gauges: (cache) => caches.get(cache)?.shape,
    series: (name) => series.get(name)?.shape,
    counter: (path) => counters.all.get(path)?.value ?? 0,
    *counters() {
      for (const [path, counter] of counters.all) yield { path, ...counter }
    },
    gauge: (cache, key) => caches.get(cache)?.read(key, now()) ?? 0,
    seriesSum: (name, key, from, to) => series.get(name)?.sum(key, from, to, now()) ?? 0,
    value: (key) => values.all.get(key),
  }
}

function applyTo({ counters, caches, series, values }: Parts, change: Change): boolean {
  switch (change.kind) {
    case 'counter add':
      return counters.add(change.path, change.delta)
    case 'counter reset':
      return counters.reset(change.path, change.atMs)
    case 'counter unlink':
      return counters.unlink(change.path)
    case 'gauge add':
      caches.get(change.cache)?.add(change.key, change.delta, change.atMs)
      return caches.has(change.cache)
    case 'gauge remove':
      caches.get(change.cache)?.remove(change.key)
      return caches.has(change.cache)
    case 'series add':
      series.get(change.series)?.add(change.key, change.count, change.atMs)
      return series.has(change.series)
    case 'series remove':
      series.get(change.series)?.remove(change.key)
      return series.has(change.series)
    case 'value set':
      return values.set(change.key, change.value)
    case 'value unset':
      return values.unset(change.key)
  }
}

function* contentsOf({ counters, caches, series, values }: Parts): Iterable<Change> {
  for (const [path, { value }] of counters.all) yield { kind: 'counter add', path, delta: value }
  for (const [cache, gauges] of caches) {
    for (const entry of gauges.contents()) yield { kind: 'gauge add', cache, ...entry }
  }
  for (const [name, one] of series) {
    for (const counted of one.contents()) yield { kind: 'series add', series: name, ...counted }
  }
  for (const [key, value] of values.all) yield { kind: 'value set', key, value }
}

function define<T extends { readonly shape: object }>(
  all: Map<string, T>,
  name: string,
  shape: T['shape'],
  make: () => T,
): boolean {
  const known = all.get(name)
  if (known && JSON.stringify(known.shape) === JSON.stringify(shape)) return true
  if (!known && all.size >= MOST_DEFINITIONS) return false
  all.set(name, make())
  return true
}
