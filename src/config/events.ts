// What takes events, from its stanzas.
import { ConfigError } from './error.ts'
import { WEBHOOK, WEBHOOK_URL } from './schema/events.ts'
import type { Option, Resolved } from './schema/option.ts'
import { resolveTable, type Stanza, stanzasOf, valueOf } from './stanza.ts'

export interface WebhookOptions extends Omit<Resolved<typeof WEBHOOK>, 'enabled'> {
  readonly name: string
  readonly url: string
}

export function webhooksOf(root: Stanza, hasRedis: boolean): WebhookOptions[] {
  return stanzasOf(root, 'webhook').flatMap((stanza) => {
    const { enabled, ...options } = resolveTable(WEBHOOK, [stanza])
    if (!enabled) return []
    const url = required(WEBHOOK_URL, stanza, 'url = "https://…"')
    if (options.consumerGroup !== undefined && !hasRedis) {
      throw new ConfigError(stanza.place, 'consumer_group', 'expected a redis stanza beside it')
    }
    return [{ ...options, name: stanza.instance, url }]
  })
}

function required<T>(option: Option<T | undefined>, stanza: Stanza, example: string): T {
  const value = valueOf(option, [stanza])
  if (value !== undefined) return value
  throw new ConfigError(stanza.place, option.names[0], `missing: expected ${example}`)
}
