import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { makeRedisStream } from '../../src/events/redisstream.ts'
import type { Sink } from '../../src/events/sink.ts'
import { freePort } from '../support/port.ts'
import { hasRedis, startRedis } from '../support/redis.ts'
import { record } from './store.ts'

const sinks: Sink[] = []
afterEach(async () => {
  for (const sink of sinks.splice(0)) await sink.close()
})

type Server = Parameters<typeof makeRedisStream>[0]['server']

const ACCESS = {
  username: undefined,
  password: undefined,
  sentinelPassword: undefined,
  db: 0,
  tls: undefined,
  timeoutMs: 250,
}

/** A socket, or a port of this machine by a name that is looked up. */
function at(place: string | number, more: Partial<Server> = {}): Server {
  const where =
    typeof place === 'string'
      ? ({ kind: 'socket', path: place } as const)
      : ({ kind: 'single', host: 'redis.example', port: place } as const)
  return { ...ACCESS, ...where, ...more } as Server
}

function stream(
  server: Server,
  options: Partial<Parameters<typeof makeRedisStream>[0]> = {},
): Sink {
  const defaults = {
    events: undefined,
    stream: 'ev',
    streamMaxlen: 1000,
    prefix: 'eachrcpt:',
    mail: 'fail_open',
    locks: 'fail_open',
    lockLeaseSeconds: 10,
    timeoutMs: 250,
  } as const
  const sink = makeRedisStream(
    { server, ...defaults, ...options },
    {
      resolve: () => Promise.resolve(['127.0.0.1']),
    },
  )
  sinks.push(sink)
  return sink
}

const NEVER = new AbortController().signal
let batches = 0
const batch = (...records: string[]) => ({
  id: `id ${batches++}`,
  events: records.map((text) => Buffer.from(text)),
})
const many = (count: number) => batch(...Array.from({ length: count }, (_, i) => record('open', i)))

describe.skipIf(!hasRedis)('a Redis stream (needs redis-server)', () => {
  test('has an entry for each event, in order, with its type', async () => {
    const redis = await startRedis()
    await stream(at(redis.port)).deliver(batch(record('open', 1), record('click', 'grün')), NEVER)
    const entries = redis.cli('XRANGE', 'ev', '-', '+').split('\n')
    // After the id of each entry.
    expect(entries.filter((_, i) => i % 5 !== 0)).toEqual(
      [
        ['type', 'open', 'event', record('open', 1)],
        ['type', 'click', 'event', record('click', 'grün')],
      ].flat(),
    )
  })

  test('is reached by a socket, with a password and in a database of its own', async () => {
    const redis = await startRedis(undefined, '--requirepass', 'p@ss')
    await expect(stream(at(redis.socket)).deliver(many(1), NEVER)).rejects.toThrow('NOAUTH')
    await stream(at(redis.port, { password: 'p@ss', db: 3 })).deliver(many(2), NEVER)
    expect(redis.cli('-a', 'p@ss', '-n', '3', 'XLEN', 'ev')).toBe('2')
  })

  test('a batch that was refused is not taken for one that is there', async () => {
    const redis = await startRedis()
    const sink = stream(at(redis.socket))
    redis.cli('SET', 'ev', 'something else')
    const refused = many(2)
    await expect(sink.deliver(refused, NEVER)).rejects.toThrow('WRONGTYPE')
    redis.cli('DEL', 'ev')
    await delay(10)
    await sink.deliver(refused, NEVER)
    await sink.deliver(refused, NEVER)
    expect(redis.cli('XLEN', 'ev')).toBe('2')
  })

  test('is bounded', async () => {
    const redis = await startRedis()
    const sink = stream(at(redis.socket), { streamMaxlen: 500 })
    for (let i = 0; i < 8; i++) await sink.deliver(many(200), NEVER)
    const length = Number(redis.cli('XLEN', 'ev'))
    expect(length).toBeGreaterThanOrEqual(500)
    expect(length).toBeLessThan(800)
  })

  test('F33 a server that is killed and comes back gets the batch by a new connection', async () => {
    const redis = await startRedis()
    const sink = stream(at(redis.port))
    await sink.deliver(many(1), NEVER)
    await redis.kill()
    await expect(sink.deliver(many(2), NEVER)).rejects.toThrow()
    await expect(sink.deliver(many(2), NEVER)).rejects.toThrow('ECONNREFUSED')
    const again = await startRedis(redis.port)
    await sink.deliver(many(2), NEVER)
    expect(again.cli('XLEN', 'ev')).toBe('2')
  })

  test('F34 one that does not answer is a failure after the deadline', async () => {
    const redis = await startRedis()
    const sink = stream(at(redis.socket, { timeoutMs: 60 }))
    await sink.deliver(many(1), NEVER)
    redis.freeze()
    await expect(sink.deliver(many(1), NEVER)).rejects.toThrow(/no answer within 60 ms|timed out/)
    redis.thaw()
    await sink.deliver(many(1), NEVER)
  })

  test.each([
    ['OOM', ['CONFIG', 'SET', 'maxmemory', '1'], ['CONFIG', 'SET', 'maxmemory', '0']],
    ['READONLY', ['REPLICAOF', '127.0.0.1', '1'], ['REPLICAOF', 'NO', 'ONE']],
  ])('F34 nothing of a batch is there when it answers %s', async (error, cause, cure) => {
    const redis = await startRedis()
    const sink = stream(at(redis.socket))
    await sink.deliver(many(1), NEVER)
    redis.cli(...cause)
    await expect(sink.deliver(many(3), NEVER)).rejects.toThrow(new RegExp(`${error}|EXECABORT`))
    redis.cli(...cure)
    expect(redis.cli('XLEN', 'ev')).toBe('1')
    await sink.deliver(many(3), NEVER)
    expect(redis.cli('XLEN', 'ev')).toBe('4')
  })

  test('a batch that comes again, as after an answer that was lost, is there once', async () => {
    const redis = await startRedis()
    const sink = stream(at(redis.socket))
    const one = many(3)
    await sink.deliver(one, NEVER)
    await sink.deliver(one, NEVER)
    await stream(at(redis.socket)).deliver(one, NEVER)
    await sink.deliver(many(2), NEVER)
    expect(redis.cli('XLEN', 'ev')).toBe('5')
  })

  test('a key that is no stream is told', async () => {
    const redis = await startRedis()
    redis.cli('SET', 'ev', 'x')
    await expect(stream(at(redis.socket)).deliver(many(1), NEVER)).rejects.toThrow('WRONGTYPE')
  })
})

test('F32 a server that is not there is told at once', async () => {
  const sink = stream(at(await freePort()))
  await expect(sink.greet?.(NEVER)).rejects.toThrow('ECONNREFUSED')
})
