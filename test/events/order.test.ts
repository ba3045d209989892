import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { HOLD_MS, makeOrder } from '../../src/events/order.ts'
import type { EventType } from '../../src/tracking/record.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function start() {
  const passed: string[] = []
  const order = makeOrder((line) => void passed.push(line))
  const take = (type: EventType, messageId = 'm1') =>
    order.take({ type, messageId, line: `${type} ${messageId}` })
  return { passed, order, take }
}

test('a click waits for the outcome also where nobody is for injections', () => {
  const { passed, order, take } = start()
  order.accepted('m1')
  take('click')
  take('delivery')
  expect(passed).toEqual(['delivery m1', 'click m1'])
})

test('E160 a click that comes before the outcome of the delivery is told after it', () => {
  const { passed, take } = start()
  take('injection')
  take('click')
  take('open')
  take('injection', 'm2')
  take('delivery')
  take('click')
  expect(passed).toEqual([
    'injection m1',
    'injection m2',
    'delivery m1',
    'click m1',
    'open m1',
    'click m1',
  ])
})

test.each(['bounce', 'delay'] as const)('a %s is an outcome, too', (outcome) => {
  const { passed, take } = start()
  take('injection')
  take('open')
  take(outcome)
  expect(passed).toEqual(['injection m1', `${outcome} m1`, 'open m1'])
})

test('it does not wait for ever, nor when everything is flushed', () => {
  const { passed, order, take } = start()
  take('injection')
  take('click')
  vi.advanceTimersByTime(HOLD_MS)
  expect(passed).toEqual(['injection m1', 'click m1'])
  take('injection', 'm2')
  take('open', 'm2')
  order.flush()
  expect(passed.at(-1)).toBe('open m2')
})

test('messages of which nothing else is known are not waited for', () => {
  const { passed, take } = start()
  take('click', 'of yesterday')
  expect(passed).toEqual(['click of yesterday'])
})

test('memory is bounded: of very many messages on their way the oldest are forgotten', () => {
  const { passed, take } = start()
  take('injection', 'first')
  take('open', 'first')
  for (let i = 0; i < 100_000; i++) take('injection', `m${i}`)
  expect(passed.at(-1)).toBe('open first')
})
