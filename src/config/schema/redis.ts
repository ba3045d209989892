// Options of the `redis` stanza, which is ours: where it is, what goes there.
import { decode } from '../bytes.ts'
import {
  BOOLEAN,
  COUNT,
  FILE,
  NON_EMPTY,
  oneOf,
  POSITIVE,
  scalar,
  TARGETS,
  type Type,
} from '../value.ts'
import { EVENT_LIST, inspectEvents } from './events.ts'
import { option, optional } from './option.ts'

const REDIS_URI: Type<string> = {
  ...scalar('redis://host:port, rediss://host:port or a path of a socket', (text) => {
    const uri = decode(text)
    return uri.startsWith('/') || (/^rediss?:\/\//i.test(uri) && URL.canParse(uri))
      ? uri
      : undefined
  }),
  isSecret: true,
}

const SECRET: Type<string> = { ...NON_EMPTY, isSecret: true }
const SCOPE = ['redis']

export const REDIS = {
  enabled: option('enabled', BOOLEAN, true, SCOPE),
  events: { ...optional('events', EVENT_LIST, SCOPE), inspect: inspectEvents },
  stream: option('stream', NON_EMPTY, 'eachrcpt:events', SCOPE),
  /** Entries that the stream keeps, roughly; 0: all. */
  streamMaxlen: option('stream_maxlen', COUNT, 1_000_000, SCOPE),
  /** Of all other keys. */
  prefix: option('prefix', NON_EMPTY, 'eachrcpt:', SCOPE),
  /** Whether mail is taken while Redis is away. */
  mail: option('mail', oneOf('fail_open', 'fail_closed'), 'fail_open', SCOPE),
  /** While Redis is away: a node's own locks, or none. */
  locks: option('locks', oneOf('fail_open', 'fail_closed'), 'fail_open', SCOPE),
  /** How long a lock of `msys.lock` outlives a node that is gone. */
  lockLeaseSeconds: option('lock_lease', POSITIVE, 10, SCOPE),
  timeoutMs: option('timeout_ms', POSITIVE, 250, SCOPE),
}

/** Where it is, and who we are there. */
export const REDIS_SERVER = {
  sentinels: optional('sentinels', TARGETS, SCOPE),
  master: option('sentinel_master', NON_EMPTY, 'mymaster', SCOPE),
  sentinelPassword: optional('sentinel_password', SECRET, SCOPE),
  cluster: optional('cluster', TARGETS, SCOPE),
  username: optional('username', NON_EMPTY, SCOPE),
  password: optional('password', SECRET, SCOPE),
  db: option('database', COUNT, 0, SCOPE),
  isEncrypted: option('tls', BOOLEAN, false, SCOPE),
  ca: optional('tls_ca', FILE, SCOPE),
  cert: optional('tls_certificate', FILE, SCOPE),
  key: optional('tls_key', FILE, SCOPE),
}

export const REDIS_ADDRESS = optional('uri', REDIS_URI, SCOPE)
