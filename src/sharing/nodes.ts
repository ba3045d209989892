// What this process shares with other nodes through a Redis, as the current configuration says.
import type { RedisOptions } from '../config/redis.ts'
import { systemResolve } from '../events/address.ts'
import { type Link, openLink } from '../redis/link.ts'

export interface Nodes {
  /** Undefined: there are no others. */
  readonly link: Link | undefined
  readonly options: RedisOptions | undefined
  /** Why mail is not taken without it; undefined: it is, or Redis is there. */
  readonly refusal: string | undefined
  /** Tells the operator. */
  warn(text: string): void
  reconfigure(redis: RedisOptions | undefined): void
  close(): void
}

const LOOK_MS = 1_000
const PROBE_MS = 5_000

/** `warn` hears when Redis goes and comes. */
export function openNodes(redis: RedisOptions | undefined, warn: (text: string) => void): Nodes {
  const resolve = systemResolve()
  let options: RedisOptions | undefined
  let key = ''
  let link: Link | undefined
  const reconfigure = (next: RedisOptions | undefined): void => {
    options = next
    const nextKey = JSON.stringify(next?.server)
    if (nextKey === key) return
    key = nextKey
    link?.close()
    link =
      next &&
      openLink(next.server, {
        resolve,
        now: () => performance.now(),
        onChange: (away) => warn(away === undefined ? 'redis is there' : `redis is away: ${away}`),
      })
  }
  // Also where nobody else asks: mail may depend on it, and on that it can be written to.
  const look = (): void => {
    if (options?.mail !== 'fail_closed') return
    link?.call('SET', `${options.prefix}probe`, '1', 'PX', PROBE_MS).catch(() => undefined)
  }
  const timer = setInterval(look, LOOK_MS).unref()
  reconfigure(redis)
  look()
  return {
    get link() {
      return link
    },
    get options() {
      return options
    },
    get refusal() {
      const away = options?.mail === 'fail_closed' ? link?.away : undefined
      return away === undefined ? undefined : `redis is away: ${away}`
    },
    warn,
    reconfigure,
    close() {
      clearInterval(timer)
      link?.close()
    },
  }
}
