// The embedded state by itself: its bounds, its windows, and that changes carry all of it elsewhere.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readAddress, readCidr } from '../../src/config/cidr.ts'
import { makeSharedState } from '../../src/msys/shared/embedded.ts'
import { addressKey, makeSeries } from '../../src/msys/shared/series.ts'
import type { Change, SeriesShape } from '../../src/msys/shared/state.ts'

const SERIES: SeriesShape = {
  keys: 'ipv4',
  windowSeconds: 10,
  windows: 4,
  reach: 'cluster',
  isPersistent: false,
}
const key = (text: string): string => addressKey(readAddress(text) ?? { family: 4, bits: 0n })
const block = (text: string) => readCidr(text) ?? { family: 4 as const, bits: 0n, prefix: 32 }

test('what is full takes nothing more, and changes nothing', () => {
  const state = makeSharedState(() => 0)
  for (let i = 0; i < 100_000; i++) state.apply({ kind: 'counter add', path: `${i}`, delta: 1 })
  expect(state.apply({ kind: 'counter add', path: 'new', delta: 1 })).toBe(false)
  expect(state.counter('new')).toBe(0)
  expect(state.apply({ kind: 'counter add', path: '7', delta: 1 })).toBe(true)
  expect(state.counter('7')).toBe(2)
  const large = 'x'.repeat(32 * 1024 * 1024)
  expect(state.apply({ kind: 'value set', key: 'a', value: large })).toBe(true)
  expect(state.apply({ kind: 'value set', key: 'b', value: large })).toBe(false)
  expect(state.value('b')).toBeUndefined()
  expect(state.apply({ kind: 'value set', key: 'a', value: 1 })).toBe(true)
  expect(state.apply({ kind: 'value set', key: 'b', value: large })).toBe(true)
})

test('a gauge is forgotten when nobody has changed it for its time', () => {
  let now = 0
  const state = makeSharedState(() => now)
  state.defineGauges('g', { maxKeys: 10, ttlSeconds: 5, reach: 'node' })
  const add = (): boolean =>
    state.apply({ kind: 'gauge add', cache: 'g', key: 'a', delta: 1, atMs: now })
  add()
  now = 4_999
  expect(state.gauge('g', 'a')).toBe(1)
  add()
  now = 9_999
  expect(state.gauge('g', 'a')).toBe(0)
  add()
  expect(state.gauge('g', 'a')).toBe(1)
})

test('who has to be told of a change is in the definition', () => {
  const state = makeSharedState(() => 0)
  state.defineGauges('near', { maxKeys: 1, ttlSeconds: 1, reach: 'node' })
  state.defineGauges('far', { maxKeys: 1, ttlSeconds: 1, reach: 'cluster' })
  state.defineSeries('s', SERIES)
  expect(state.reachOf({ kind: 'gauge remove', cache: 'near', key: 'a' })).toBe('node')
  expect(state.reachOf({ kind: 'gauge remove', cache: 'far', key: 'a' })).toBe('cluster')
  expect(state.reachOf({ kind: 'series remove', series: 's', key: 'a' })).toBe('cluster')
  expect(state.reachOf({ kind: 'counter unlink', path: 'a' })).toBe('node')
})

test('another definition begins anew, the same one does not', () => {
  const state = makeSharedState(() => 0)
  state.defineSeries('s', SERIES)
  state.apply({ kind: 'series add', series: 's', key: key('10.0.0.1'), count: 1, atMs: 0 })
  state.defineSeries('s', { ...SERIES })
  expect(state.seriesSum('s', block('10.0.0.1'), 0, 0)).toBe(1)
  state.defineSeries('s', { ...SERIES, windows: 5 })
  expect(state.seriesSum('s', block('10.0.0.1'), 0, 0)).toBe(0)
})

describe('a series', () => {
  test('makes room with the key that was counted least recently', () => {
    const series = makeSeries(SERIES, 2)
    series.sum(block('10.0.0.0/8'), 0, 0, 0)
    for (const one of ['10.0.0.1', '10.0.0.2', '10.0.0.1', '10.0.0.3']) {
      series.add(key(one), 1, 0)
    }
    expect(series.sum(block('10.0.0.1'), 0, 0, 0)).toBe(2)
    expect(series.sum(block('10.0.0.2'), 0, 0, 0)).toBe(0)
    expect(series.sum(block('10.0.0.0/8'), 0, 0, 0)).toBe(3)
  })

  test('is what a plain list of all that was counted says', () => {
    const counted = fc.record({
      host: fc.integer({ min: 0, max: 3 }),
      net: fc.integer({ min: 0, max: 1 }),
      count: fc.integer({ min: -3, max: 9 }),
      step: fc.integer({ min: 0, max: 15 }),
      asks: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(counted, { maxLength: 40 }), (steps) => {
        const series = makeSeries(SERIES, 1_000)
        const list: { address: string; count: number; window: number }[] = []
        let now = 1_000_000
        for (const { host, net, count, step, asks } of steps) {
          now += step * 1000
          const address = `10.0.${net}.${host}`
          const window = Math.floor(now / 10_000)
          series.add(key(address), count, now)
          list.push({ address, count, window })
          if (!asks) continue
          for (const [text, prefix] of [
            [address, address],
            [`10.0.${net}.0/24`, `10.0.${net}.`],
            ['10.0.0.0/16', '10.0.'],
          ] as const) {
            const expected = list
              .filter((one) => one.address.startsWith(prefix))
              .filter((one) => one.window > window - 4 && one.window <= window)
              .reduce((sum, one) => sum + one.count, 0)
            expect(series.sum(block(text), 0, 3, now)).toBe(expected)
          }
        }
      }),
      { numRuns: 200 },
    )
  })
})

test('its contents make the same state elsewhere', () => {
  const changes: Change[] = [
    { kind: 'counter add', path: '/a', delta: 3 },
    { kind: 'counter add', path: '/b', delta: 1 },
    { kind: 'counter reset', path: '/b', atMs: 5 },
    { kind: 'gauge add', cache: 'g', key: 'k', delta: -2, atMs: 90_000 },
    { kind: 'series add', series: 's', key: key('10.0.0.1'), count: 2, atMs: 70_000 },
    { kind: 'series add', series: 's', key: key('10.0.0.1'), count: 5, atMs: 95_000 },
    { kind: 'value set', key: 'v', value: true },
  ]
  const make = () => {
    const state = makeSharedState(() => 100_000)
    state.defineGauges('g', { maxKeys: 10, ttlSeconds: 60, reach: 'cluster' })
    state.defineSeries('s', SERIES)
    return state
  }
  const [one, other] = [make(), make()]
  for (const change of changes) one.apply(change)
  const carried: unknown = JSON.parse(JSON.stringify([...one.contents()]))
  for (const change of carried as Change[]) other.apply(change)
  expect([...other.contents()]).toEqual([...one.contents()])
  expect(other.counter('/a')).toBe(3)
  expect(other.gauge('g', 'k')).toBe(-2)
  expect(other.seriesSum('s', block('10.0.0.1'), 0, 3)).toBe(7)
  expect(other.seriesSum('s', block('10.0.0.1'), 3, 3)).toBe(2)
  expect(other.value('v')).toBe(true)
})
