// What policy counts and keeps beyond a session: counters, gauge caches, audit series, shared values.
// Plain functions, and all of them synchronous, as Momentum's are: a read asks this process. A change is data,
// so that workers and nodes share by telling each other their changes and applying those of others.
// One state serves every policy of a process, so that a reload loses nothing.
import type { Cidr, IpAddress } from '../../config/cidr.ts'

/** Who learns of a change: the workers of this node, or all nodes. */
export type Reach = 'node' | 'cluster'

export type SharedValue = string | number | boolean

/** JSON can carry it. Times are epoch milliseconds; names and keys are byte strings. */
export type Change =
  | { readonly kind: 'counter add'; readonly path: string; readonly delta: number }
  | { readonly kind: 'counter reset'; readonly path: string; readonly atMs: number }
  | { readonly kind: 'counter unlink'; readonly path: string }
  | {
      readonly kind: 'gauge add'
      readonly cache: string
      readonly key: string
      readonly delta: number
      readonly atMs: number
    }
  | { readonly kind: 'gauge remove'; readonly cache: string; readonly key: string }
  | {
      readonly kind: 'series add'
      readonly series: string
      readonly key: string
      readonly count: number
      readonly atMs: number
    }
  | { readonly kind: 'series remove'; readonly series: string; readonly key: string }
  | { readonly kind: 'value set'; readonly key: string; readonly value: SharedValue }
  | { readonly kind: 'value unset'; readonly key: string }

export interface GaugeShape {
  readonly maxKeys: number
  /** Since the last change of a key. */
  readonly ttlSeconds: number
  readonly reach: Reach
}

export interface SeriesShape {
  /** Keys of the last two are addresses, and can be asked for by block. */
  readonly keys: 'string' | 'ipv4' | 'ipv6'
  readonly windowSeconds: number
  readonly windows: number
  readonly reach: Reach
  /** Outlives the process. */
  readonly isPersistent: boolean
}

/** A key of a series: a text, one address, or all addresses of a block. */
export type SeriesKey = string | IpAddress | Cidr

export interface SharedState {
  /** Changes it here, at once. False, and nothing has changed: there is no room, or nobody defined it. */
  apply(change: Change): boolean
  /** Who has to be told of a change. */
  reachOf(change: Change): Reach
  /** What makes this state of an empty one with the same definitions, as changes. */
  contents(): Iterable<Change>

  /** The same definition again keeps what is counted; another begins anew. False: there are too many. */
  defineGauges(cache: string, shape: GaugeShape): boolean
  defineSeries(series: string, shape: SeriesShape): boolean
  /** Undefined: nobody defined it. */
  gauges(cache: string): GaugeShape | undefined
  series(series: string): SeriesShape | undefined

  /** 0 when there is none. */
  counter(path: string): number
  counters(): Iterable<{ readonly path: string; readonly value: number; readonly resetMs: number }>
  gauge(cache: string, key: string): number
  /** The sum over windows, of which 0 is the current one. */
  seriesSum(series: string, key: SeriesKey, from: number, to: number): number
  value(key: string): SharedValue | undefined
}
