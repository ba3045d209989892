// The Redis that nodes share, from its stanza: one server (`uri`), the master that Sentinels name, or a Cluster.
import { ConfigError } from './error.ts'
import { type HostPort, type Target } from './nexthop.ts'
import { REDIS, REDIS_ADDRESS, REDIS_SERVER } from './schema/redis.ts'
import type { Resolved } from './schema/option.ts'
import { resolveTable, type Stanza, stanzasOf, valueOf } from './stanza.ts'

export interface RedisOptions extends Omit<Resolved<typeof REDIS>, 'enabled'> {
  readonly server: RedisServer
}

export type RedisServer = Access &
  (
    | { readonly kind: 'socket'; readonly path: string }
    | ({ readonly kind: 'single' } & HostPort)
    | { readonly kind: 'sentinel'; readonly nodes: readonly HostPort[]; readonly master: string }
    | { readonly kind: 'cluster'; readonly nodes: readonly HostPort[] }
  )

interface Access {
  readonly username: string | undefined
  readonly password: string | undefined
  readonly sentinelPassword: string | undefined
  readonly db: number
  /** Undefined: not encrypted. */
  readonly tls: RedisTls | undefined
  /** For each answer. */
  readonly timeoutMs: number
}

export interface RedisTls {
  readonly ca?: Buffer
  readonly cert?: Buffer
  readonly key?: Buffer
}

const PORT = 6379
const SENTINEL_PORT = 26379

/** Who shares a Redis shares links: a key that each server makes for itself would open none of the others'. */
export function redisOf(root: Stanza, hasTrackingKeys: boolean): RedisOptions | undefined {
  const [stanza, second] = stanzasOf(root, 'redis')
  if (second) throw new ConfigError(second.place, undefined, 'a second redis: expected one')
  if (!stanza) return undefined
  const { enabled, ...options } = resolveTable(REDIS, [stanza])
  if (!enabled) return undefined
  const server = serverOf(stanza, options.timeoutMs)
  if (hasTrackingKeys) return { ...options, server }
  const complaint =
    'redis without tracking_keys: expected engagement_tracker { tracking_keys = [ … ] }'
  throw new ConfigError(stanza.place, undefined, complaint)
}

function serverOf(stanza: Stanza, timeoutMs: number): RedisServer {
  const given = resolveTable(REDIS_SERVER, [stanza])
  const uri = valueOf(REDIS_ADDRESS, [stanza])
  const ways = [uri, given.sentinels, given.cluster].filter((way) => way !== undefined)
  if (ways.length !== 1) {
    const complaint = ways.length === 0 ? 'missing: ' : 'given beside others: '
    const expected = 'expected uri = "redis://…", sentinels = ( … ) or cluster = ( … )'
    throw new ConfigError(stanza.place, REDIS_ADDRESS.names[0], complaint + expected)
  }
  const { username, password, sentinelPassword } = given
  const access = { username, password, sentinelPassword, db: given.db, timeoutMs }
  const tls = given.isEncrypted || given.ca || given.cert ? tlsOf(given) : undefined
  if (given.sentinels) {
    const nodes = withPort(given.sentinels, SENTINEL_PORT)
    return { kind: 'sentinel', nodes, master: given.master, ...access, tls }
  }
  if (given.cluster) {
    return { kind: 'cluster', nodes: withPort(given.cluster, PORT), ...access, tls }
  }
  return fromUri(uri ?? '', access, tls, tlsOf(given))
}

/** What stands in the URI goes before the options beside it. */
function fromUri(
  uri: string,
  access: Omit<Access, 'tls'>,
  tls: RedisTls | undefined,
  own: RedisTls,
): RedisServer {
  if (uri.startsWith('/')) return { kind: 'socket', path: uri, ...access, tls: undefined }
  const { protocol, hostname, port, username, password, pathname } = new URL(uri)
  return {
    kind: 'single',
    host: hostname,
    port: Number(port || PORT),
    ...access,
    ...(username && { username: decodeURIComponent(username) }),
    ...(password && { password: decodeURIComponent(password) }),
    ...(pathname.length > 1 && { db: Number(pathname.slice(1)) }),
    tls: protocol === 'rediss:' ? own : tls,
  }
}

function tlsOf({ ca, cert, key }: Resolved<typeof REDIS_SERVER>): RedisTls {
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) }
}

function withPort(targets: readonly Target[], usual: number): HostPort[] {
  return targets.map(({ host, port = usual }) => ({ host, port }))
}
