import { describe, expect, test } from 'vitest'
import { expositionOf } from '../../src/metrics/exposition.ts'
import { makeRegistry, observe } from '../../src/metrics/registry.ts'
import { mergeSnapshots } from '../../src/metrics/snapshot.ts'

function example() {
  const registry = makeRegistry('x_')
  const hits = registry.counter({ name: 'hits_total', help: 'Hits.', labels: ['way'] })
  const age = registry.gauge({ name: 'age_seconds', help: 'Age.', merge: 'max' })
  const taken = registry.histogram({ name: 'taken_seconds', help: 'Taken.' }, [0.1, 1])
  return { registry, hits, age, taken }
}

describe('what is counted', () => {
  test('is written as Prometheus reads it, buckets cumulative', () => {
    const { registry, hits, age, taken } = example()
    hits.of('in').value += 2
    hits.of('in').value++
    age.of().value = 1.5
    for (const seconds of [0.1, 0.2, 5]) observe(taken.of(), seconds)
    expect(expositionOf(registry.snapshot())).toBe(
      [
        '# HELP x_hits_total Hits.',
        '# TYPE x_hits_total counter',
        'x_hits_total{way="in"} 3',
        '# HELP x_age_seconds Age.',
        '# TYPE x_age_seconds gauge',
        'x_age_seconds 1.5',
        '# HELP x_taken_seconds Taken.',
        '# TYPE x_taken_seconds histogram',
        'x_taken_seconds_bucket{le="0.1"} 1',
        'x_taken_seconds_bucket{le="1"} 2',
        'x_taken_seconds_bucket{le="+Inf"} 3',
        'x_taken_seconds_sum 5.3',
        'x_taken_seconds_count 3',
        '',
      ].join('\n'),
    )
  })

  test('whatever stands in a label stays in it', () => {
    const { registry, hits } = example()
    hits.of('a"} 1\nb\\').value = 1
    expect(expositionOf(registry.snapshot())).toContain('x_hits_total{way="a\\"} 1\\nb\\\\"} 1\n')
  })

  test('has at most 500 series a family: the rest is counted together', () => {
    const { registry, hits } = example()
    for (let i = 0; i < 600; i++) hits.of(`way ${i}`).value++
    const [family] = registry.snapshot().families
    expect(family?.series).toHaveLength(501)
    expect(family?.series.at(-1)).toEqual({ labels: ['other'], value: 100 })
  })

  test('is looked up anew for each snapshot where it is a gauge', () => {
    const { registry, age } = example()
    let value = 1
    registry.onCollect(() => (age.of().value = value))
    registry.snapshot()
    value = 2
    expect(registry.snapshot().families[1]?.series[0]?.value).toBe(2)
  })
})

test('several processes are one: counters and buckets added, ages the highest', () => {
  const one = example()
  const two = example()
  one.hits.of('in').value = 2
  two.hits.of('in').value = 3
  two.hits.of('out').value = 1
  one.age.of().value = 9
  two.age.of().value = 4
  observe(one.taken.of(), 0.5)
  observe(two.taken.of(), 0.05)
  const plain = [one, two].map(
    ({ registry }) => JSON.parse(JSON.stringify(registry.snapshot())) as never,
  )
  const merged = mergeSnapshots(plain)
  expect(merged.families.map(({ name, series }) => [name, series])).toEqual([
    [
      'x_hits_total',
      [
        { labels: ['in'], value: 5 },
        { labels: ['out'], value: 1 },
      ],
    ],
    ['x_age_seconds', [{ labels: [], value: 9 }]],
    ['x_taken_seconds', [{ labels: [], value: 0.55, bounds: [0.1, 1], counts: [1, 1, 0] }]],
  ])
})
