// An audit series: counts by key in sliding windows. Bounded: the key that was counted least recently makes
// room for another.
import type { Cidr, IpAddress } from '../../config/cidr.ts'
import { makeBlocks } from './blocks.ts'
import type { SeriesKey, SeriesShape } from './state.ts'
import { addTo, countedIn, emptyWindows, isOver, sumOf, type Windows } from './windows.ts'

export interface Series {
  readonly shape: SeriesShape
  add(key: string, count: number, atMs: number): void
  remove(key: string): void
  sum(key: SeriesKey, from: number, to: number, nowMs: number): number
  /** What was counted in each window that has something. */
  contents(): Iterable<{ readonly key: string; readonly count: number; readonly atMs: number }>
}

const WIDTHS = { string: 0, ipv4: 32, ipv6: 128 } as const

/** How a series of addresses knows an address. */
export function addressKey({ bits }: IpAddress): string {
  return bits.toString(16)
}

export function makeSeries(shape: SeriesShape, maxKeys: number): Series {
  const width = WIDTHS[shape.keys]
  const all = new Map<string, Windows>()
  const blocks = makeBlocks(width, all)
  const windowAt = (ms: number): number => Math.floor(ms / 1000 / shape.windowSeconds)

  const drop = (key: string, windows: Windows): void => {
    all.delete(key)
    blocks.leave(key, windows)
  }
  const windowsFor = (key: string, window: number): Windows => {
    const known = all.get(key)
    if (known) {
      all.delete(key)
      all.set(key, known)
      return known
    }
    const [oldest] = all
    if (oldest && (all.size >= maxKeys || isOver(oldest[1], window))) drop(...oldest)
    const windows = emptyWindows(shape.windows, window)
    blocks.join(key, windows)
    all.set(key, windows)
    return windows
  }
  const find = (key: SeriesKey): Windows | undefined => {
    if (typeof key === 'string') return all.get(key)
    if (isBlock(key) && key.prefix < width) return blocks.find(key.bits, key.prefix)
    return all.get(addressKey(key))
  }

  return {
    shape,
    add(key, count, atMs) {
      const window = windowAt(atMs)
      addTo(windowsFor(key, window), window, count)
      blocks.add(key, window, count)
    },
    remove(key) {
      const windows = all.get(key)
      if (windows) drop(key, windows)
    },
    sum(key, from, to, nowMs) {
      const windows = find(key)
      const now = windowAt(nowMs)
      return windows ? sumOf(windows, now - from, now - to) : 0
    },
    *contents() {
      for (const [key, windows] of all) {
        for (const { window, count } of countedIn(windows)) {
          yield { key, count, atMs: window * shape.windowSeconds * 1000 }
        }
      }
    },
  }
}

function isBlock(key: IpAddress | Cidr): key is Cidr {
  return 'prefix' in key
}
