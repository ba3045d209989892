// A connection to Redis that is never waited for: every answer has a deadline, and after a failure calls are
// refused at once until it is time to try again (a circuit breaker). Whoever calls says what happens then.
// The one file that knows ioredis: a single server, one that Sentinels name, or a Cluster. It is loaded when it is
// needed: a fifth of the time that a server takes to start, which most do not need.
import type { Cluster, Redis, RedisOptions as ClientOptions } from 'ioredis'
import type { RedisServer } from '../config/redis.ts'

export type Argument = string | number | Buffer

export interface Link {
  /** The answer, texts as octets. Rejects with a RedisError, within the deadline and at once while it is away. */
  call(command: string, ...args: readonly Argument[]): Promise<unknown>
  /** Of a command that waits on the server for so long, on a connection of its own. */
  wait(waitMs: number, command: string, ...args: readonly Argument[]): Promise<unknown>
  /** Why it is away; undefined: the last call was answered. */
  readonly away: string | undefined
  close(): void
}

export interface LinkSurroundings {
  /** Addresses of a host, without getaddrinfo. */
  resolve(host: string): Promise<readonly string[]>
  /** Milliseconds; only differences matter. */
  now(): number
  /** The caller waits by itself after a failure: no call is refused. */
  readonly isPatient?: boolean
  /** It is away, or there again. */
  onChange?(away: string | undefined): void
}

export class RedisError extends Error {
  override readonly name = 'RedisError'
}

interface Connection {
  readonly client: Redis | Cluster
  isGood: boolean
}

const CONNECT_MS = 2_000
const FIRST_PAUSE_MS = 250
const LAST_PAUSE_MS = 5_000

/** Connects when it is called. */
export function openLink(server: RedisServer, surroundings: LinkSurroundings): Link {
  const quick = makeBreaker(server, surroundings)
  const slow = makeBreaker(server, { ...surroundings, onChange: () => {} })
  return {
    call: (command, ...args) => quick.run(server.timeoutMs, command, args),
    wait: (waitMs, command, ...args) => slow.run(waitMs + server.timeoutMs, command, args),
    get away() {
      return quick.away()
    },
    close() {
      quick.close()
      slow.close()
    },
  }
}

function makeBreaker(server: RedisServer, surroundings: LinkSurroundings) {
  const { resolve, now, onChange, isPatient = false } = surroundings
  let connecting: Promise<Connection> | undefined
  let failures = 0
  let retryMs = 0
  let away: string | undefined
  let isClosed = false

  const leave = (): void => {
    const gone = connecting
    connecting = undefined
    void gone?.then(
      ({ client }) => client.disconnect(),
      () => undefined,
    )
  }
  const fail = (reason: string): void => {
    leave()
    const pauseMs = Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures++, 10))
    retryMs = now() + pauseMs
    if (away === undefined) onChange?.(reason)
    away = reason
  }
  const succeed = (): void => {
    failures = 0
    if (away === undefined) return
    away = undefined
    onChange?.(undefined)
  }
  const connection = async (): Promise<Connection> => {
    const known = await connecting
    // It may have closed an idle connection.
    if (known && !known.isGood) leave()
    connecting ??= connect(server, resolve)
    return connecting
  }

  return {
    async run(deadlineMs: number, command: string, args: readonly Argument[]): Promise<unknown> {
      if (isClosed) throw new RedisError('closed')
      if (away !== undefined && !isPatient && now() < retryMs) throw new RedisError(`away: ${away}`)
      try {
        const { client } = await connection()
        const answer = await within(deadlineMs, client.callBuffer(command, ...args))
        // Only a write that is taken says that one which took none is there again.
        if (!NO_WRITES.test(away ?? '') || !READS.has(command)) succeed()
        return answer
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        // An answer that says no: the server is there, but for one that cannot do its work now.
        if (!isAnswer(error) || UNFIT.test(reason)) fail(reason)
        else if (!NO_WRITES.test(away ?? '')) succeed()
        throw new RedisError(reason, { cause: error })
      }
    },
    away: () => away,
    close() {
      isClosed = true
      leave()
    },
  }
}

/** A replica after a failover, one that is full or cannot save. */
const NO_WRITES = /^(?:READONLY|OOM|MISCONF|NOREPLICAS) /
/** One that loads, a cluster without this slot. */
const UNFIT =
  /^(?:READONLY|OOM|MISCONF|NOREPLICAS|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|NOAUTH|WRONGPASS|BUSY )/
const READS: ReadonlySet<string> = new Set(['PING', 'GET', 'XREAD', 'XRANGE'])

function isAnswer(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError'
}

/** Once: what comes back after a failure is another connection, perhaps to another server. */
async function connect(
  server: RedisServer,
  resolve: LinkSurroundings['resolve'],
): Promise<Connection> {
  const client = await makeClient(server, resolve)
  const made: Connection = { client, isGood: true }
  client.on('end', () => (made.isGood = false))
  client.on('close', () => (made.isGood = false))
  // What the rejection of `connect` does not say.
  let cause: Error | undefined
  client.on('error', (error: Error) => (cause = error))
  try {
    await within(CONNECT_MS, client.connect())
    return made
  } catch (error) {
    client.disconnect()
    throw cause ?? error
  }
}

async function makeClient(
  server: RedisServer,
  resolve: LinkSurroundings['resolve'],
): Promise<Redis | Cluster> {
  const { Cluster, Redis } = await import('ioredis')
  const { username, password, db, tls } = server
  const own: ClientOptions = {
    lazyConnect: true,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_MS,
    retryStrategy: () => null,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
  }
  switch (server.kind) {
    case 'socket':
      return new Redis({ ...own, db, path: server.path })
    case 'single': {
      const [host = server.host] = await resolve(server.host)
      return new Redis({ ...own, db, host, port: server.port, ...secured(tls, server.host) })
    }
    case 'sentinel':
      return new Redis({
        ...own,
        db,
        name: server.master,
        sentinels: await Promise.all(server.nodes.map((node) => resolved(node, resolve))),
        sentinelRetryStrategy: () => null,
        ...(server.sentinelPassword !== undefined && { sentinelPassword: server.sentinelPassword }),
        ...secured(tls, undefined),
        ...(tls && { enableTLSForSentinelMode: true, sentinelTLS: tls }),
      })
    case 'cluster':
      return new Cluster(await Promise.all(server.nodes.map((node) => resolved(node, resolve))), {
        lazyConnect: true,
        enableOfflineQueue: false,
        clusterRetryStrategy: () => null,
        slotsRefreshTimeout: CONNECT_MS,
        dnsLookup: (host, done) => {
          resolve(host).then(
            ([address = host]) => done(null, address),
            (error: unknown) => done(error as NodeJS.ErrnoException, ''),
          )
        },
        redisOptions: { ...own, ...secured(tls, undefined) },
      })
    default:
      return server satisfies never
  }
}

async function resolved(
  { host, port }: { readonly host: string; readonly port: number },
  resolve: LinkSurroundings['resolve'],
) {
  const [address = host] = await resolve(host)
  return { host: address, port }
}

function secured(tls: RedisServer['tls'], servername: string | undefined) {
  return tls ? { tls: { ...(servername !== undefined && { servername }), ...tls } } : {}
}

/** A late answer is nobody's. */
function within<T>(ms: number, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new Error(`no answer within ${ms} ms`))
    const timer = setTimeout(late, ms)
    answer.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
