// DNS for policy: c-ares over the configured servers, behind a bounded cache. c-ares tells no time to live
// but that of addresses; other answers are kept for a minute, names that do not exist for half of
// one. Failures are not kept. A question that is being asked is not asked again.
import { type RecordWithTtl } from 'node:dns'
import { Resolver as CaresResolver } from 'node:dns/promises'
import type { Eventually } from '../mail/eventually.ts'
import type { DnsAnswer, DnsQuestion, RecordType, Resolver } from './outside.ts'

export interface ResolverOptions {
  /** Addresses, maybe with a port; those of the machine if there are none. */
  readonly servers: readonly string[]
  /** Milliseconds that never jump; only differences matter. */
  readonly nowMs: () => number
  readonly timeoutMs?: number
  readonly tries?: number
  /** Of the cache, the oldest go first. */
  readonly maxAnswers?: number
}

const MAX_TTL_SECONDS = 3600
const TTL_SECONDS = 60
const NEGATIVE_TTL_SECONDS = 30
const MAX_ANSWERS = 10_000
/** Of the cache too. */
const MAX_CHARACTERS = 8 * 1024 ** 2
/** Servers that policy names itself. */
const MAX_SERVERS = 16

interface Found {
  readonly answer: DnsAnswer
  readonly ttlSeconds: number
}

export function makeResolver(options: ResolverOptions): Resolver {
  const { nowMs, maxAnswers = MAX_ANSWERS } = options
  const cache = makeCache(nowMs, maxAnswers)
  const asking = new Map<string, Promise<DnsAnswer>>()
  const channels = new Map<string, CaresResolver>()
  return {
    ask(question): Eventually<DnsAnswer> {
      const { server = '', type } = question
      const key = `${server} ${type} ${question.name.toLowerCase()}`
      const known = cache.get(key) ?? asking.get(key)
      if (known) return known
      const channel = channelOf(channels, server, options)
      if (!channel) return { kind: 'failed', text: `not the address of a server: ${server}` }
      const asked = query(channel, question).then(({ answer, ttlSeconds }) => {
        asking.delete(key)
        if (ttlSeconds > 0) cache.put(key, answer, ttlSeconds)
        return answer
      })
      asking.set(key, asked)
      return asked
    },
  }
}

function channelOf(
  channels: Map<string, CaresResolver>,
  server: string,
  { servers, timeoutMs: timeout = 3_000, tries = 2 }: ResolverOptions,
): CaresResolver | undefined {
  const known = channels.get(server)
  if (known) return known
  const channel = new CaresResolver({ timeout, tries })
  try {
    if (server !== '') channel.setServers([server])
    else if (servers.length > 0) channel.setServers(servers)
  } catch {
    // It is no address; the caller says so.
    return undefined
  }
  const oldest = [...channels.keys()].find((name) => name !== '')
  if (channels.size > MAX_SERVERS && oldest !== undefined) channels.delete(oldest)
  channels.set(server, channel)
  return channel
}

async function query(channel: CaresResolver, { name, type }: DnsQuestion): Promise<Found> {
  try {
    const { records, ttlSeconds } = await QUERIES[type](channel, name)
    if (records.length > 0) return { answer: { kind: 'found', records }, ttlSeconds }
    return { answer: { kind: 'failed', text: 'NODATA' }, ttlSeconds: NEGATIVE_TTL_SECONDS }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    const text = TEXTS[code] ?? code.replace(/^E/, '')
    const isAnswer = code === 'ENOTFOUND' || code === 'ENODATA'
    return { answer: { kind: 'failed', text }, ttlSeconds: isAnswer ? NEGATIVE_TTL_SECONDS : 0 }
  }
}

interface Records {
  readonly records: readonly string[]
  readonly ttlSeconds: number
}

const QUERIES: Readonly<
  Record<RecordType, (channel: CaresResolver, name: string) => Promise<Records>>
> = {
  A: async (channel, name) => withTtl(await channel.resolve4(name, { ttl: true })),
  AAAA: async (channel, name) => withTtl(await channel.resolve6(name, { ttl: true })),
  MX: async (channel, name) =>
    plain(
      (await channel.resolveMx(name)).map(
        // A null MX (RFC 7505) is the root's name.
        ({ priority, exchange }) => `${priority} ${exchange || '.'}`,
      ),
    ),
  TXT: async (channel, name) =>
    plain((await channel.resolveTxt(name)).map((strings) => strings.join(''))),
  PTR: async (channel, name) => plain(await channel.resolvePtr(name)),
  NS: async (channel, name) => plain(await channel.resolveNs(name)),
}

function withTtl(found: readonly RecordWithTtl[]): Records {
  const lowest = Math.min(MAX_TTL_SECONDS, ...found.map(({ ttl }) => ttl))
  return { records: found.map(({ address }) => address), ttlSeconds: lowest }
}

function plain(records: readonly string[]): Records {
  return { records, ttlSeconds: TTL_SECONDS }
}

/** What policy compares is what DNS calls it. */
const TEXTS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'NXDOMAIN',
  ENODATA: 'NODATA',
  ETIMEOUT: 'TIMEOUT',
  ECONNREFUSED: 'TIMEOUT',
}

function makeCache(nowMs: () => number, maxAnswers: number) {
  const kept = new Map<string, { answer: DnsAnswer; size: number; untilMs: number }>()
  let characters = 0
  const drop = (key: string): void => {
    characters -= kept.get(key)?.size ?? 0
    kept.delete(key)
  }
  return {
    get(key: string): DnsAnswer | undefined {
      const found = kept.get(key)
      if (!found) return undefined
      if (found.untilMs > nowMs()) return found.answer
      drop(key)
      return undefined
    },
    put(key: string, answer: DnsAnswer, ttlSeconds: number): void {
      drop(key)
      const size = key.length + (answer.kind === 'found' ? answer.records.join().length : 0)
      kept.set(key, { answer, size, untilMs: nowMs() + ttlSeconds * 1000 })
      characters += size
      for (const oldest of kept.keys()) {
        if (kept.size <= maxAnswers && characters <= MAX_CHARACTERS) break
        drop(oldest)
      }
    },
  }
}
