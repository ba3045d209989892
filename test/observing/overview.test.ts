import { expect, test } from 'vitest'
import { makeInstruments } from '../../src/observing/instruments.ts'
import { mergeOverviews, overviewOf } from '../../src/observing/overview.ts'

const lane = (key: string, active: number, health: 'good' | 'blocked' = 'good') => ({
  key,
  active,
  delayed: 1,
  workers: 0,
  health,
})

function overviewAfter(copies: number, calls: number, lanes: ReturnType<typeof lane>[], slot = 0) {
  const { registry, storing, policy } = makeInstruments()
  storing.received(copies)
  const meter = policy.meterOf('validate_data', 'autumn')
  for (let i = 0; i < calls; i++) meter.ended(0.5, i === 0 ? 'error' : undefined)
  const about = { hostname: 'mail.test', slot, notReady: undefined, redis: slot ? 'no' : '' }
  return overviewOf(about, registry.snapshot(), lanes)
}

test('what people see first are the longest queues and the dearest callouts', () => {
  const lanes = Array.from({ length: 25 }, (_, i) => lane(`d${i}.example`, i))
  const { counts, lanes: shown, laneCount, callouts } = overviewAfter(3, 2, lanes)
  expect(counts.received).toBe(3)
  expect([laneCount, shown.length, shown[0]?.key]).toEqual([25, 20, 'd24.example'])
  expect(callouts).toEqual([
    { hook: 'validate_data', script: 'autumn', calls: 2, seconds: 1, errors: 1 },
  ])
})

test('several processes are one', () => {
  const one = overviewAfter(3, 2, [lane('a.example', 5), lane('b.example', 1)])
  const two = overviewAfter(4, 1, [lane('a.example', 2, 'blocked')], 1)
  const both = mergeOverviews([two, one], [{ slot: 2, pid: 7 }])
  expect(both.counts.received).toBe(7)
  expect(both.lanes).toEqual([
    { ...lane('a.example', 7, 'blocked'), delayed: 2 },
    lane('b.example', 1),
  ])
  expect(both.callouts).toEqual([
    { hook: 'validate_data', script: 'autumn', calls: 3, seconds: 1.5, errors: 2 },
  ])
  expect(both.workers.map(({ slot, state, received }) => [slot, state, received])).toEqual([
    [0, 'ready', 3],
    [1, 'ready', 4],
    [2, 'starting', 0],
  ])
  expect(both.redis).toBe('no')
  expect(mergeOverviews([]).notReady).toBe('no worker answers')
})
