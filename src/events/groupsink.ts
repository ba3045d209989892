// A sink that several servers share: it takes events from the Redis stream, as a consumer of one group, instead
// of from this server's log, so that each event goes out once whichever server sends it. What one that is gone
// had is sent by another after a minute.
import { createHash } from 'node:crypto'
import type { RedisOptions } from '../config/redis.ts'
import { type Group, openGroup, type StreamEntry } from '../redis/group.ts'
import { type Link, openLink } from '../redis/link.ts'
import type { ResolveHost } from './address.ts'
import type { Sink } from './sink.ts'

export interface GroupSinkOptions {
  readonly redis: RedisOptions
  readonly group: string
  /** Names this server among the consumers. */
  readonly consumer: string
  readonly resolve: ResolveHost
  report(text: string): void
}

const IDLE_MS = 60_000
const KEEP_MS = 20_000
const READ_MS = 1_000

/** The sink, told that it wants nothing of the log; it begins at once. */
export function shareSink(sink: Sink, options: GroupSinkOptions): Sink {
  const { redis, group: name, consumer, resolve } = options
  const link = openLink(redis.server, { resolve, now: () => performance.now() })
  const place = {
    stream: redis.stream,
    group: name,
    consumer,
    from: 'now',
    idleMs: IDLE_MS,
  } as const
  const reader = openGroup(link, place)
  const stopping = new AbortController()
  const running = run({ ...options, sink, link, reader, signal: stopping.signal })
  const { greet: _, ...others } = sink
  return {
    ...others,
    name: sharedName(sink.name, name),
    wants: () => false,
    async close() {
      stopping.abort()
      await running
      link.close()
      await sink.close()
    },
  }
}

/** Another than without a group: what that one still has to send from the log is not passed over as if it were this one's. */
export function sharedName(sink: string, group: string): string {
  return `${sink} of group ${group}`
}

interface Work extends GroupSinkOptions {
  readonly sink: Sink
  readonly link: Link
  readonly reader: Group
  readonly signal: AbortSignal
}

async function run(work: Work): Promise<void> {
  const { sink, link, reader, signal, report } = work
  let said = ''
  await sink.greet?.(signal).catch((error: unknown) => report(`${sink.name}: ${textOf(error)}`))
  while (!signal.aborted) {
    try {
      const entries = await gather(work)
      const wanted = entries.filter(({ type }) => sink.wants(type))
      if (wanted.length > 0 && !(await deliver(work, wanted))) return
      await reader.acknowledge(entries)
      said = ''
    } catch (error) {
      // That Redis is away others tell. What was not acknowledged comes again.
      const text = textOf(error)
      if (link.away === undefined && text !== said) report(`${sink.name}: ${text}`)
      said = text
      await pause(READ_MS, signal)
    }
  }
}

/** As many as a batch has, or what came while the first one waited. */
async function gather({ sink, reader, signal }: Work): Promise<readonly StreamEntry[]> {
  const { events, waitMs } = sink.limits
  const gathered: StreamEntry[] = []
  let endMs = Infinity
  while (!signal.aborted && gathered.length < events) {
    const leftMs = endMs - performance.now()
    if (leftMs <= 0) break
    const reading = reader.read(events - gathered.length, Math.min(READ_MS, leftMs))
    // What we have is ours for a minute before it comes again.
    const found = await (gathered.length > 0 ? reading.catch(() => undefined) : reading)
    if (!found) break
    if (gathered.length === 0 && found.length > 0) endMs = performance.now() + waitMs
    gathered.push(...found)
  }
  return gathered
}

/** Until it is delivered or given up; false when we stopped before. */
async function deliver(work: Work, entries: readonly StreamEntry[]): Promise<boolean> {
  const { sink, reader, signal, report } = work
  const { firstDelayMs, lastDelayMs, giveUpMs } = sink.limits
  const batch = { id: batchId(work, entries), events: entries.map(({ event }) => event) }
  const beganMs = performance.now()
  for (let failures = 0; ; failures++) {
    const failure = await sink.deliver(batch, signal).then(() => undefined, textOf)
    if (failure === undefined) return true
    if (signal.aborted) return false
    const delayMs = Math.min(lastDelayMs, firstDelayMs * 2 ** Math.min(failures, 30))
    if (performance.now() + delayMs - beganMs > giveUpMs) {
      report(`${sink.name}: ${entries.length} events are dropped, batch ${batch.id}: ${failure}`)
      return true
    }
    if (failures === 0) report(`${sink.name}: batch ${batch.id} will be tried again: ${failure}`)
    for (let left = delayMs; left > 0 && !signal.aborted; left -= KEEP_MS) {
      await pause(Math.min(left, KEEP_MS), signal)
      await reader.keep(entries).catch(() => undefined)
    }
    if (signal.aborted) return false
  }
}

/** The same for the same events, also when another server sends them again; as a UUID. */
function batchId({ sink }: Work, entries: readonly StreamEntry[]): string {
  const ids = [entries[0]?.id, entries.at(-1)?.id, entries.length].join(' ')
  const hash = createHash('sha256').update(`${sink.name} ${ids}`).digest('hex')
  return hash.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5')
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
