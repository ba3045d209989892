import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { makeQueue, retryDelayMs } from '../../src/spool/queue.ts'
import { entryFor, storedFor } from './fixtures.ts'

const STORED = storedFor(entryFor('b'))

function takeAll(queue: ReturnType<typeof makeQueue>, key: string): number[] {
  return queue.take(key, 1000).map(({ copy }) => copy)
}

describe('the queue', () => {
  test('gives the copies of a next hop in order of arrival', () => {
    const queue = makeQueue()
    for (const copy of [3, 1, 2]) queue.add(STORED, copy, 'mx.example', 0)
    expect(queue.ready(0)).toEqual(['mx.example'])
    expect(queue.take('mx.example', 2).map(({ copy }) => copy)).toEqual([3, 1])
    expect(takeAll(queue, 'mx.example')).toEqual([2])
    expect(queue.ready(0)).toEqual([])
    expect(queue.size()).toEqual({ ready: 0, waiting: 0 })
  })

  test('holds a copy back until it is due', () => {
    const queue = makeQueue()
    queue.add(STORED, 1, 'a', 2000)
    queue.add(STORED, 2, 'a', 1000)
    expect(queue.ready(999)).toEqual([])
    expect(queue.nextDueMs()).toBe(1000)
    expect(queue.ready(1000)).toEqual(['a'])
    expect(queue.nextDueMs()).toBe(2000)
    expect(takeAll(queue, 'a')).toEqual([2])
    expect(queue.size()).toEqual({ ready: 0, waiting: 1 })
  })

  test('makes what is already due ready at once', () => {
    const queue = makeQueue()
    queue.ready(5000)
    queue.add(STORED, 1, 'a', 5000)
    queue.add(STORED, 2, 'b', 5001)
    expect(queue.size()).toEqual({ ready: 1, waiting: 1 })
    expect(takeAll(queue, 'a')).toEqual([1])
  })

  test('puts a next hop that was served behind those that wait', () => {
    const queue = makeQueue()
    for (let copy = 0; copy < 5; copy++) queue.add(STORED, copy, 'busy', 0)
    queue.add(STORED, 7, 'quiet', 0)
    expect(queue.ready(0)).toEqual(['busy', 'quiet'])
    queue.take('busy', 1)
    expect(queue.ready(0)).toEqual(['quiet', 'busy'])
  })

  test('knows nothing of a next hop without copies', () => {
    expect(makeQueue().take('nobody', 5)).toEqual([])
  })

  test('gives what waits in order of time, then of arrival', () => {
    const times = fc.array(fc.nat(50), { maxLength: 200 })
    fc.assert(
      fc.property(times, (dues) => {
        const queue = makeQueue()
        dues.forEach((dueMs, copy) => queue.add(STORED, copy, 'a', dueMs))
        queue.ready(50)
        const expected = [...dues.keys()].sort((a, b) => dues[a]! - dues[b]! || a - b)
        expect(takeAll(queue, 'a')).toEqual(expected)
      }),
      { seed: 3 },
    )
  })

  test('loses nothing when copies are taken a few at a time', () => {
    const queue = makeQueue()
    for (let copy = 0; copy < 100; copy++) queue.add(STORED, copy, 'a', 0)
    queue.ready(0)
    const taken: number[] = []
    while (queue.size().ready) taken.push(...queue.take('a', 7).map(({ copy }) => copy))
    expect(taken).toEqual([...Array(100).keys()])
  })
})

describe('the delay before the next attempt', () => {
  const options = { retryIntervalSeconds: 60, maxRetryIntervalSeconds: 500 }

  test.each([
    [1, 60_000],
    [2, 120_000],
    [3, 240_000],
    [4, 480_000],
    [5, 500_000],
    [5000, 500_000],
  ])('after attempt %d is %d ms', (attempts, ms) => {
    expect(retryDelayMs(attempts, options, () => 0.5)).toBe(ms)
  })

  test('varies by five per cent either way', () => {
    expect(retryDelayMs(1, options, () => 0)).toBe(57_000)
    expect(retryDelayMs(1, options, () => 1)).toBe(63_000)
  })

  test('is never below the interval because the maximum is', () => {
    const odd = { retryIntervalSeconds: 60, maxRetryIntervalSeconds: 10 }
    expect(retryDelayMs(3, odd, () => 0.5)).toBe(60_000)
  })
})
