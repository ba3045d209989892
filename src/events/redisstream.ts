// Events as entries of a Redis stream, for consumer groups: `type` and `event` (the JSON record). A batch is
// one transaction, so it is there or not. Every answer has a deadline, and after a failure the connection
// goes: the courier's back-off is the breaker, and what Redis cannot take waits in the event log.
import { Redis } from 'ioredis'
import type { RedisOptions } from '../config/events.ts'
import type { ResolveHost } from './address.ts'
import { type Sink, typeOf } from './sink.ts'
import type { SinkMeter } from './sinks.ts'

interface Surroundings {
  readonly resolve: ResolveHost
  readonly meter?: SinkMeter | undefined
}

export function makeRedisStream(options: RedisOptions, { resolve, meter }: Surroundings): Sink {
  const { events, stream, streamMaxlen, timeoutMs } = options
  const bounds = streamMaxlen > 0 ? ['MAXLEN', '~', String(streamMaxlen)] : []
  let connected: Redis | undefined
  const leave = (): void => {
    connected?.disconnect()
    connected = undefined
  }
  return {
    name: 'redis',
    limits: {
      events: 500,
      bytes: 1024 * 1024,
      waitMs: 50,
      firstDelayMs: 250,
      lastDelayMs: 10_000,
      giveUpMs: Infinity,
    },
    wants: (type) => events === undefined || events.has(type),
    async greet() {
      connected = await connect(options, resolve)
    },
    async deliver(batch, signal) {
      signal.addEventListener('abort', leave, { once: true })
      const startedMs = performance.now()
      let isGood = false
      try {
        // Redis may have closed an idle connection.
        if (connected?.status !== 'ready') leave()
        connected ??= await connect(options, resolve)
        const transaction = connected.multi()
        for (const event of batch.events) {
          transaction.call(
            'XADD',
            stream,
            ...bounds,
            '*',
            'type',
            typeOf(event) ?? '',
            'event',
            event,
          )
        }
        const answers = await withDeadline(transaction.exec(), timeoutMs)
        const failed = answers?.find(([error]) => error)?.[0]
        if (failed) throw failed
        isGood = true
      } catch (error) {
        leave()
        throw error
      } finally {
        signal.removeEventListener('abort', leave)
        meter?.redisAnswered('xadd', isGood, (performance.now() - startedMs) / 1000)
      }
    },
    async close() {
      leave()
      await Promise.resolve()
    },
  }
}

const CONNECT_MS = 2_000
const PORT = 6379

/** Once: what comes back after a failure is another connection, perhaps to another address. */
async function connect({ uri, timeoutMs }: RedisOptions, resolve: ResolveHost): Promise<Redis> {
  const once = {
    lazyConnect: true,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    connectTimeout: CONNECT_MS,
    commandTimeout: timeoutMs,
  }
  const redis = new Redis({ ...once, ...(await endpointOf(uri, resolve)) })
  // What the rejection of `connect` does not say.
  let cause: Error | undefined
  redis.on('error', (error: Error) => (cause = error))
  try {
    await withDeadline(redis.connect(), CONNECT_MS)
    return redis
  } catch (error) {
    redis.disconnect()
    throw cause ?? error
  }
}

async function endpointOf(uri: string, resolve: ResolveHost) {
  if (uri.startsWith('/')) return { path: uri }
  const { protocol, hostname, port, username, password, pathname } = new URL(uri)
  const [host = hostname] = await resolve(hostname)
  return {
    host,
    port: Number(port || PORT),
    db: Number(pathname.slice(1) || 0),
    ...(username && { username: decodeURIComponent(username) }),
    ...(password && { password: decodeURIComponent(password) }),
    ...(protocol === 'rediss:' && { tls: { servername: hostname } }),
  }
}

function withDeadline<T>(answer: Promise<T>, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new Error(`no answer within ${timeoutMs} ms`))
    const timer = setTimeout(late, timeoutMs)
    answer.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
