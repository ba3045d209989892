import { expect, test } from 'vitest'
import { makeFeed } from '../../src/observing/feed.ts'
import type { Attempt } from '../../src/relay/attempt.ts'
import type { Entry } from '../../src/spool/entry.ts'

function entry(batchId: string, copies: number): Entry {
  const all = Array.from({ length: copies }, (_, i) => ({
    id: `${batchId}/${i}`,
    rcptto: `r${i}@x.example`,
    sizeBytes: 100,
  }))
  return { batchId, receivedMs: 1, mailfrom: 'a@x.example', copies: all } as unknown as Entry
}

const attempt = (batchId: string, copyIndex: number, text: string): Attempt =>
  ({
    entry: { batchId },
    copyIndex,
    text,
    remoteAddress: '192.0.2.1',
    retries: 0,
  }) as unknown as Attempt

const observers = {
  onDelivery: () => ({ tell() {} }),
  onDelay() {},
  onBounce: () => ({ tell() {} }),
}

test('a reader gets what is new since its number, and changes of what it has', () => {
  const feed = makeFeed(() => 7)
  feed.accepted(entry('one', 2))
  feed.happened('{"a":1}')
  const first = feed.since(0)
  expect(first.messages.map(({ id }) => id)).toEqual(['one'])
  expect(first.events).toEqual(['{"a":1}'])
  expect(feed.since(first.number)).toEqual({ number: first.number, messages: [], events: [] })
  feed
    .watching(observers)
    .onDelivery(attempt('one', 1, '250 ok'))
    .tell()
  const [message] = feed.since(first.number).messages
  expect(message?.copies.map(({ outcome, text, atMs }) => [outcome, text, atMs])).toEqual([
    ['queued', '', 0],
    ['delivered', '250 ok', 7],
  ])
  expect(first.messages[0]?.copies[1]?.outcome).toBe('queued')
})

test('of many messages, recipients and events the last are kept', () => {
  const feed = makeFeed(() => 0)
  for (let i = 0; i < 60; i++) feed.accepted(entry(`m${i}`, 30))
  for (let i = 0; i < 110; i++) feed.happened(`{"n":${i}}`)
  const { messages, events } = feed.since(0)
  expect(messages).toHaveLength(50)
  expect([messages[0]?.id, messages[49]?.id]).toEqual(['m10', 'm59'])
  expect([messages[0]?.recipients, messages[0]?.copies.length]).toEqual([30, 20])
  expect(events).toHaveLength(100)
  // Outcomes of what is not kept any more are nobody's.
  feed
    .watching(observers)
    .onBounce(attempt('m1', 0, '550 no'))
    .tell()
  feed.watching(observers).onDelay(attempt('m59', 29, '450 no'))
})

test('is watched for some seconds after somebody asked', () => {
  let nowMs = 0
  const feed = makeFeed(() => nowMs)
  expect(feed.isWatched()).toBe(false)
  feed.since(0)
  nowMs = 4_999
  expect(feed.isWatched()).toBe(true)
  nowMs = 5_000
  expect(feed.isWatched()).toBe(false)
})
