// What takes events, from its stanzas.
import { ConfigError } from './error.ts'
import { REDIS, REDIS_ADDRESS, WEBHOOK, WEBHOOK_URL } from './schema/events.ts'
import type { Option, Resolved } from './schema/option.ts'
import { resolveTable, type Stanza, stanzasOf, valueOf } from './stanza.ts'

export interface WebhookOptions extends Omit<Resolved<typeof WEBHOOK>, 'enabled'> {
  readonly name: string
  readonly url: string
}

export interface RedisOptions extends Omit<Resolved<typeof REDIS>, 'enabled'> {
  /** With its password, if it has one. */
  readonly uri: string
}

export function webhooksOf(root: Stanza): WebhookOptions[] {
  return stanzasOf(root, 'webhook').flatMap((stanza) => {
    const { enabled, ...options } = resolveTable(WEBHOOK, [stanza])
    if (!enabled) return []
    const url = required(WEBHOOK_URL, stanza, 'url = "https://…"')
    return [{ ...options, name: stanza.instance, url }]
  })
}

/** Who shares a Redis shares links: a key that each server makes for itself would open none of the others'. */
export function redisOf(root: Stanza, hasTrackingKeys: boolean): RedisOptions | undefined {
  const [stanza, second] = stanzasOf(root, 'redis')
  if (second) throw new ConfigError(second.place, undefined, 'a second redis: expected one')
  if (!stanza) return undefined
  const { enabled, ...options } = resolveTable(REDIS, [stanza])
  if (!enabled) return undefined
  const uri = required(REDIS_ADDRESS, stanza, 'uri = "redis://…"')
  if (hasTrackingKeys) return { ...options, uri }
  const complaint =
    'redis without tracking_keys: expected engagement_tracker { tracking_keys = [ … ] }'
  throw new ConfigError(stanza.place, undefined, complaint)
}

function required<T>(option: Option<T | undefined>, stanza: Stanza, example: string): T {
  const value = valueOf(option, [stanza])
  if (value !== undefined) return value
  throw new ConfigError(stanza.place, option.names[0], `missing: expected ${example}`)
}
