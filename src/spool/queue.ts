// The schedule in memory: what is ready, in order of arrival for each next hop, and what waits for its
// time. It reads no clock and starts no timer: whoever drives it says what time it is. The times need
// only be comparable with each other, in milliseconds.
import { FleetingMap } from '../mail/fleeting.ts'
import type { Stored, Way } from './stored.ts'

export interface QueueItem {
  readonly stored: Stored
  /** Index of the copy in its entry. */
  readonly copy: number
}

/** As it was in the queue. */
export interface RemovedItem extends QueueItem {
  /** Absent: it was ready. */
  readonly dueMs?: number
}

export function wayOf({ stored, copy }: QueueItem): Way {
  const way = stored.ways[copy]
  if (!way) throw new Error(`a message has no copy ${copy}`)
  return way
}

export interface Queue {
  /** `key`: names the next hop. A time that has come already makes it ready. */
  add(stored: Stored, copy: number, key: string, dueMs: number): void
  /** The next hops with something to do, the one served longest ago first. */
  ready(nowMs: number): readonly string[]
  /** At most `max`, first come, first served; the key then goes behind the others. */
  take(key: string, max: number): readonly QueueItem[]
  /** Takes out all that pass. */
  remove(test: (item: QueueItem) => boolean): readonly RemovedItem[]
  /** When the first of those that wait is due; undefined when none waits. */
  nextDueMs(): number | undefined
  size(): { readonly ready: number; readonly waiting: number }
  /** How many of each key there are, and how many of those wait for their time. */
  census(): ReadonlyMap<string, { readonly ready: number; readonly waiting: number }>
}

export interface RetryOptions {
  readonly retryIntervalSeconds: number
  readonly maxRetryIntervalSeconds: number
}

interface Waiting extends QueueItem {
  readonly key: string
  readonly dueMs: number
  /** Order of arrival, for equal times. */
  readonly order: number
}

/** A list that is taken from at its start; `first` is where it begins. */
interface Line {
  items: QueueItem[]
  first: number
}

export function makeQueue(): Queue {
  const lines = new FleetingMap<string, Line>()
  const heap: Waiting[] = []
  let order = 0
  let latestMs = Number.NEGATIVE_INFINITY
  let readyCount = 0
  /** Items of the heap by key: counted as they come and go, as there may be millions. */
  const waiting = new Map<string, number>()

  function line(key: string, item: QueueItem): void {
    const present = lines.get(key)
    if (present) present.items.push(item)
    else lines.set(key, { items: [item], first: 0 })
    readyCount++
  }

  return {
    add(stored, copy, key, dueMs) {
      if (dueMs <= latestMs) return line(key, { stored, copy })
      push(heap, { stored, copy, key, dueMs, order: order++ })
      count(waiting, key, 1)
    },
    ready(nowMs) {
      latestMs = nowMs
      while (heap[0] && heap[0].dueMs <= nowMs) {
        const { key, stored, copy } = pop(heap)
        count(waiting, key, -1)
        line(key, { stored, copy })
      }
      return [...lines.keys()]
    },
    take(key, max) {
      const from = lines.get(key)
      if (!from) return []
      const taken = from.items.slice(from.first, from.first + max)
      from.first += taken.length
      readyCount -= taken.length
      // Out and in again: a Map keeps the order in which its keys came.
      lines.delete(key)
      if (from.first < from.items.length) lines.set(key, shortened(from))
      return taken
    },
    remove(test) {
      const removed: RemovedItem[] = removeFrom(lines, test)
      readyCount -= removed.length
      const kept: Waiting[] = []
      for (const item of heap) {
        if (!test(item)) {
          kept.push(item)
          continue
        }
        removed.push(item)
        count(waiting, item.key, -1)
      }
      if (kept.length < heap.length) rebuild(heap, kept)
      return removed
    },
    nextDueMs: () => heap[0]?.dueMs,
    size: () => ({ ready: readyCount, waiting: heap.length }),
    census: () => censusOf(lines, waiting),
  }
}

function removeFrom(
  lines: FleetingMap<string, Line>,
  test: (item: QueueItem) => boolean,
): QueueItem[] {
  const removed: QueueItem[] = []
  for (const [key, { items, first }] of lines) {
    const kept: QueueItem[] = []
    for (const item of items.slice(first)) (test(item) ? removed : kept).push(item)
    if (kept.length > 0) lines.set(key, { items: kept, first: 0 })
    else lines.delete(key)
  }
  return removed
}

function count(counts: Map<string, number>, key: string, by: 1 | -1): void {
  const next = (counts.get(key) ?? 0) + by
  if (next > 0) counts.set(key, next)
  else counts.delete(key)
}

function censusOf(
  lines: ReadonlyMap<string, Line>,
  waiting: ReadonlyMap<string, number>,
): ReturnType<Queue['census']> {
  const all = new Map<string, { ready: number; waiting: number }>()
  for (const [key, many] of waiting) all.set(key, { ready: 0, waiting: many })
  for (const [key, { items, first }] of lines) {
    all.set(key, { ready: items.length - first, waiting: waiting.get(key) ?? 0 })
  }
  return all
}

/**
 * How long to wait after so many attempts (1 or more): the interval, doubled each time up to the longest,
 * and up to 5 % more or less, so that what failed together does not come back together.
 * `random`: 0 to below 1.
 */
export function retryDelayMs(
  attempts: number,
  { retryIntervalSeconds, maxRetryIntervalSeconds }: RetryOptions,
  random: () => number,
): number {
  const doubled = retryIntervalSeconds * 2 ** Math.max(0, attempts - 1)
  const seconds = Math.min(doubled, Math.max(maxRetryIntervalSeconds, retryIntervalSeconds))
  return Math.round(seconds * 1000 * (0.95 + 0.1 * random()))
}

// What was taken is let go when it is half of the list, so that taking costs the same however long it is.
function shortened({ items, first }: Line): Line {
  return first * 2 < items.length ? { items, first } : { items: items.slice(first), first: 0 }
}

function isBefore(a: Waiting, b: Waiting): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order)
}

function push(heap: Waiting[], item: Waiting): void {
  let at = heap.push(item) - 1
  while (at > 0) {
    const parent = (at - 1) >> 1
    const above = heap[parent]!
    if (!isBefore(item, above)) break
    heap[at] = above
    at = parent
  }
  heap[at] = item
}

function pop(heap: Waiting[]): Waiting {
  const top = heap[0]!
  const last = heap.pop()!
  if (heap.length) sink(heap, last)
  return top
}

function rebuild(heap: Waiting[], items: readonly Waiting[]): void {
  heap.length = 0
  // In order is a heap.
  for (const item of items.toSorted((a, b) => (isBefore(a, b) ? -1 : 1))) heap.push(item)
}

function sink(heap: Waiting[], item: Waiting): void {
  let at = 0
  for (;;) {
    let child = at * 2 + 1
    const left = heap[child]
    const right = heap[child + 1]
    if (left && right && isBefore(right, left)) child++
    const below = heap[child]
    if (!below || !isBefore(below, item)) break
    heap[at] = below
    at = child
  }
  heap[at] = item
}
