// Events as entries of a Redis stream, for consumer groups: `type` and `event` (the JSON record). A batch is one
// script with its id beside the stream, so it is there once or not at all, also when an answer was lost.
// The courier's back-off is the breaker, and what Redis cannot take waits in the event log.
import type { RedisOptions } from '../config/redis.ts'
import { openLink } from '../redis/link.ts'
import type { ResolveHost } from './address.ts'
import { type Sink, typeOf } from './sink.ts'
import type { SinkMeter } from './sinks.ts'

interface Surroundings {
  readonly resolve: ResolveHost
  readonly meter?: SinkMeter | undefined
}

/** How long a batch is known: longer than anybody tries it again after its answer was lost. */
const KNOWN_SECONDS = 86_400

const ADD = `
if not redis.call('SET', KEYS[2], '1', 'NX', 'EX', ARGV[1]) then return 0 end
for i = 3, #ARGV, 2 do
  local added
  if ARGV[2] == '0' then
    added = redis.pcall('XADD', KEYS[1], '*', 'type', ARGV[i], 'event', ARGV[i + 1])
  else
    added = redis.pcall('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'type', ARGV[i], 'event', ARGV[i + 1])
  end
  if type(added) == 'table' and added.err then
    redis.call('SET', KEYS[2], '1', 'PX', 1)
    return added
  end
end
return 1`

export function makeRedisStream(options: RedisOptions, { resolve, meter }: Surroundings): Sink {
  const { events, stream, streamMaxlen, server } = options
  const now = (): number => performance.now()
  const link = openLink(server, { resolve, now, isPatient: true })
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
    greet: async () => void (await link.call('PING')),
    async deliver({ id, events: records }) {
      const fields = records.flatMap((event) => [typeOf(event) ?? '', event])
      const startedMs = now()
      let isGood = false
      try {
        const keys = [stream, besides(stream, `batch:${id}`)]
        await link.call('EVAL', ADD, 2, ...keys, KNOWN_SECONDS, streamMaxlen, ...fields)
        isGood = true
      } finally {
        meter?.redisAnswered('xadd', isGood, (now() - startedMs) / 1000)
      }
    },
    close: () => Promise.resolve(link.close()),
  }
}

/** A key that a Cluster keeps on the same server. */
function besides(key: string, name: string): string {
  return /\{[^}]+\}/.test(key) ? `${key}:${name}` : `{${key}}:${name}`
}
