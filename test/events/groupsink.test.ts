// Servers that share a webhook: each event goes out once, whichever of them sends it.
import { afterEach, describe, expect, test } from 'vitest'
import { shareSink } from '../../src/events/groupsink.ts'
import { makeRedisStream } from '../../src/events/redisstream.ts'
import type { Sink } from '../../src/events/sink.ts'
import { openGroup } from '../../src/redis/group.ts'
import { openLink } from '../../src/redis/link.ts'
import { hasRedis, type RedisServer, startRedis } from '../support/redis.ts'
import { LIMITS, record, type TestSink, testSink } from './store.ts'

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
})

const NEVER = new AbortController().signal
const resolve = () => Promise.resolve([])

const optionsOf = (redis: RedisServer) => ({
  server: {
    kind: 'socket' as const,
    path: redis.socket,
    username: undefined,
    password: undefined,
    sentinelPassword: undefined,
    db: 0,
    tls: undefined,
    timeoutMs: 250,
  },
  events: undefined,
  stream: 'ev',
  streamMaxlen: 0,
  prefix: 'eachrcpt:',
  mail: 'fail_open' as const,
  locks: 'fail_open' as const,
  lockLeaseSeconds: 10,
  timeoutMs: 250,
})

function startServer(redis: RedisServer, consumer: string, waitMs = 0): TestSink {
  const sink = testSink({
    limits: { ...LIMITS, firstDelayMs: 20, waitMs },
    wants: (type) => type !== 'delay',
  })
  open.push(
    shareSink(sink, { redis: optionsOf(redis), group: 'g', consumer, resolve, report: () => {} }),
  )
  return sink
}

function streamOf(redis: RedisServer): (...records: string[]) => Promise<void> {
  const sink: Sink = makeRedisStream(optionsOf(redis), { resolve })
  open.push(sink)
  let batches = 0
  return (...records) =>
    sink.deliver({ id: `b${batches++}`, events: records.map((text) => Buffer.from(text)) }, NEVER)
}

function linkOf(redis: RedisServer) {
  const link = openLink(optionsOf(redis).server, { resolve, now: () => performance.now() })
  open.push(link)
  return link
}

const sentBy = (...sinks: TestSink[]): string[] =>
  sinks.flatMap(({ attempts }) => attempts.flatMap(({ events }) => events)).sort()

const pending = (redis: RedisServer): string =>
  redis.cli('XPENDING', 'ev', 'g').split('\n')[0] ?? ''
const isThere = (redis: RedisServer, consumers: number) => async () => {
  await expect
    .poll(() => redis.cli('XINFO', 'CONSUMERS', 'ev', 'g').match(/name/g)?.length)
    .toBe(consumers)
}

describe.skipIf(!hasRedis)('a webhook with a consumer group (needs redis-server)', () => {
  test('two servers send each event once between them, and acknowledge what is not wanted', async () => {
    const redis = await startRedis()
    const [one, two] = [startServer(redis, 'one'), startServer(redis, 'two')]
    await isThere(redis, 2)()
    const add = streamOf(redis)
    const all = Array.from({ length: 40 }, (_, i) => record('open', i))
    for (const each of all) await add(each, record('delay', each.length))
    await expect.poll(() => sentBy(one, two)).toEqual(all.toSorted())
    await expect.poll(() => pending(redis)).toBe('0')
  })

  test('what fails is sent again by the same one, in one batch with one id', async () => {
    const redis = await startRedis()
    const one = startServer(redis, 'one')
    one.failures.push('busy', 'busy')
    await isThere(redis, 1)()
    await streamOf(redis)(record('open', 1))
    await expect.poll(() => one.attempts.length).toBe(3)
    expect(new Set(one.attempts.map(({ id }) => id)).size).toBe(1)
    await expect.poll(() => pending(redis)).toBe('0')
  })

  test('after a restart a server has again what it had not acknowledged', async () => {
    const redis = await startRedis()
    const link = linkOf(redis)
    const options = {
      stream: 'ev',
      group: 'g',
      consumer: 'c',
      from: 'start',
      idleMs: 60_000,
    } as const
    await streamOf(redis)(record('open', 1), record('open', 2))
    const [first] = await openGroup(link, options).read(1, 1)
    expect(String(first?.event)).toBe(record('open', 1))
    const again = openGroup(link, options)
    const entries = await again.read(10, 1)
    expect(entries.map(({ event }) => String(event))).toEqual([record('open', 1)])
    await again.acknowledge(entries)
    const next = await again.read(10, 1)
    expect(next.map(({ event }) => String(event))).toEqual([record('open', 2)])
  })

  test('what one had that is gone is taken over, but not what one is still at', async () => {
    const redis = await startRedis()
    const link = linkOf(redis)
    const consumer = (name: string) =>
      openGroup(link, { stream: 'ev', group: 'g', consumer: name, from: 'start', idleMs: 200 })
    const [one, two] = [consumer('one'), consumer('two')]
    await streamOf(redis)(record('open', 1))
    const entries = await one.read(10, 1)
    await new Promise((done) => setTimeout(done, 150))
    await one.keep(entries)
    await new Promise((done) => setTimeout(done, 100))
    expect(await two.read(10, 1)).toEqual([])
    await expect.poll(() => two.read(10, 1)).toHaveLength(1)
  })

  test('a batch that waits for more goes out when its time is over', async () => {
    const redis = await startRedis()
    const one = startServer(redis, 'one', 1_500)
    await isThere(redis, 1)()
    const add = streamOf(redis)
    await add(record('open', 1))
    await add(record('open', 2))
    await expect.poll(() => sentBy(one)).toHaveLength(2)
    expect(one.attempts).toHaveLength(1)
    await expect.poll(() => pending(redis)).toBe('0')
  })

  test('a flushed Redis does not end it', async () => {
    const redis = await startRedis()
    const one = startServer(redis, 'one')
    await isThere(redis, 1)()
    const add = streamOf(redis)
    await add(record('open', 1))
    await expect.poll(() => sentBy(one)).toHaveLength(1)
    redis.cli('FLUSHALL')
    await add(record('open', 2))
    await expect.poll(() => sentBy(one)).toHaveLength(2)
  })
})
