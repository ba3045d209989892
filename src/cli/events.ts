// `eachrcpt events [--follow] [--group NAME [--consumer NAME]] [--from start|now] [--config FILE]`: the events of all
// servers, from the Redis stream, one JSON record a line. Of a group each event goes to one of its readers, and
// counts as taken once its line is written. Exit codes: 69 when Redis is away at the start, 78 without one.
import { hostname } from 'node:os'
import type { RedisOptions } from '../config/redis.ts'
import { ConfigError } from '../config/error.ts'
import { systemResolve } from '../events/address.ts'
import { openGroup, type StreamEntry, streamEntries } from '../redis/group.ts'
import { type Link, openLink } from '../redis/link.ts'
import { readConfig } from './console.ts'

interface Options {
  readonly file: string | undefined
  readonly follow: boolean
  readonly group: string | undefined
  readonly consumer: string
  readonly from: 'start' | 'now'
}

interface Reader {
  read(waitMs: number): Promise<StreamEntry[]>
  taken(entries: readonly StreamEntry[]): Promise<void>
}

const USAGE =
  'usage: eachrcpt events [--follow] [--group NAME [--consumer NAME]] [--from start|now] [--config FILE]'
const COUNT = 500
const WAIT_MS = 1_000
const AGAIN_MS = 1_000
/** What a reader that is gone had goes to another one of its group. */
const IDLE_MS = 60_000

export async function events(args: readonly string[]): Promise<number> {
  const options = readArguments(args)
  if (typeof options === 'string') return fail(`events: ${options}; ${USAGE}`, 2)
  let redis: RedisOptions | undefined
  try {
    redis = readConfig(options.file).redis
  } catch (error) {
    return fail(
      String(error instanceof Error ? error.message : error),
      error instanceof ConfigError ? 78 : 69,
    )
  }
  if (!redis) return fail('events: the configuration has no redis stanza', 78)
  const link = openLink(redis.server, { resolve: systemResolve(), now: () => performance.now() })
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping.abort())
  // Who reads our output has gone.
  process.stdout.on('error', () => stopping.abort())
  try {
    await link.call('PING')
    await print(
      options.group ? groupReader(link, redis, options) : plainReader(link, redis, options),
      {
        follow: options.follow,
        signal: stopping.signal,
      },
    )
    return 0
  } catch (error) {
    return fail(`events: ${String(error instanceof Error ? error.message : error)}`, 69)
  } finally {
    link.close()
  }
}

async function print(
  reader: Reader,
  { follow, signal }: { readonly follow: boolean; readonly signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    try {
      const entries = await reader.read(follow ? WAIT_MS : 1)
      if (entries.length === 0 && !follow) return
      await write(entries.map(({ event }) => `${event.toString()}\n`).join(''))
      if (!signal.aborted) await reader.taken(entries)
    } catch (error) {
      if (!follow) throw error
      process.stderr.write(`events: ${String(error instanceof Error ? error.message : error)}\n`)
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
    }
  }
}

function groupReader(link: Link, { stream }: RedisOptions, options: Options): Reader {
  const { group = '', consumer, from } = options
  const reader = openGroup(link, { stream, group, consumer, from, idleMs: IDLE_MS })
  return {
    read: (waitMs) => reader.read(COUNT, waitMs),
    taken: (entries) => reader.acknowledge(entries),
  }
}

function plainReader(link: Link, { stream }: RedisOptions, { from }: Options): Reader {
  let last = from === 'start' ? '0' : '$'
  return {
    async read(waitMs) {
      const how = ['COUNT', COUNT, 'BLOCK', waitMs, 'STREAMS', stream, last] as const
      const entries = streamEntries(await link.wait(waitMs, 'XREAD', ...how))
      last = entries.at(-1)?.id ?? last
      return entries
    },
    taken: () => Promise.resolve(),
  }
}

function write(text: string): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(text, () => resolve())
  })
}

function readArguments(args: readonly string[]): Options | string {
  const given = new Map<string, string>()
  let follow = false
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? ''
    const value = args[i + 1]
    if (arg === '--follow') follow = true
    else if (!WITH_VALUE.has(arg)) return `unexpected "${arg}"`
    else if (value === undefined) return `${arg}: a value is missing`
    else {
      given.set(arg, value)
      i++
    }
  }
  const from = given.get('--from') ?? (follow ? 'now' : 'start')
  if (from !== 'start' && from !== 'now') return `--from: expected start or now, found "${from}"`
  const consumer = given.get('--consumer') ?? `${hostname()} events`
  return { file: given.get('--config'), follow, group: given.get('--group'), consumer, from }
}

const WITH_VALUE: ReadonlySet<string> = new Set(['--group', '--consumer', '--from', '--config'])

function fail(text: string, code: number): number {
  process.stderr.write(`${text}\n`)
  return code
}
