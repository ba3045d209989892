// What a configuration comes to: every option with the value that holds, in the syntax of ecelerity.conf, for
// a client's address and a recipient's domain. Secrets are not shown.
import type { Config } from './config.ts'
import { decode } from './bytes.ts'
import { CONFORMANCE } from './schema/conformance.ts'
import { WEBHOOK } from './schema/events.ts'
import { REDIS } from './schema/redis.ts'
import {
  BOUNCE_LOGGER,
  ENGAGEMENT_TRACKER,
  EVENT_HYDRANT,
  LOGGER,
  SCRIPTLET,
  SERVER,
  SMTPAPI,
} from './schema/modules.ts'
import type { Table } from './schema/option.ts'
import { DELIVERY, NEXT_HOP, PATIENCE, TRUST } from './schema/outbound.ts'
import { RECEPTION, TRACKING } from './schema/reception.ts'
import { CONNECTION } from './schema/security.ts'

export interface Section {
  readonly title: string
  /** Values as ecelerity.conf has them; text. */
  readonly options: readonly { readonly name: string; readonly value: string }[]
}

export interface Viewpoint {
  /** Of a client. */
  readonly peer: string
  /** Of a recipient. */
  readonly domain: string
}

export function effectiveOptions(config: Config, { peer, domain }: Viewpoint): readonly Section[] {
  const { scriptlet, smtpapi, tracking, logger, bounceLogger, eventHydrant } = config
  const { webhooks, redis } = config
  return [
    section('global', [SERVER], config),
    section('scriptlet', [SCRIPTLET], scriptlet),
    ...scriptlet.scripts.map(({ name, source }) => ({
      title: `script ${JSON.stringify(name)}`,
      options: [{ name: 'source', value: quoted(source) }],
    })),
    ...present('smtpapi', SMTPAPI, smtpapi),
    section('engagement_tracker', [ENGAGEMENT_TRACKER], tracking),
    ...config.smtp.map(({ address: { host, port }, options }) => {
      const own = options(peer)
      const all = { ...own, ...own.tracking }
      const title = `listen "${host}:${port}" for ${peer}`
      return section(title, [RECEPTION, CONNECTION, CONFORMANCE, TRACKING], all)
    }),
    section(
      `delivery to ${domain}`,
      [NEXT_HOP, DELIVERY, PATIENCE, TRUST],
      config.outbound(domain),
    ),
    ...present('ec_logger', LOGGER, logger),
    ...present('bounce_logger', BOUNCE_LOGGER, bounceLogger),
    ...present('event_hydrant', EVENT_HYDRANT, eventHydrant),
    ...webhooks.map((webhook) => section(`webhook "${webhook.name}"`, [WEBHOOK], webhook)),
    ...present('redis', REDIS, redis),
  ]
}

function present(title: string, table: Table, values: object | undefined): readonly Section[] {
  return values ? [section(title, [table], values)] : []
}

/** Options without a value are left out: nothing is in effect. */
function section(title: string, tables: readonly Table[], values: object): Section {
  const known = new Map<string, unknown>(Object.entries(values))
  const options = tables.flatMap((table) =>
    Object.entries(table).flatMap(([field, { names, type }]) => {
      const value = known.get(field)
      if (value === undefined || typeof value === 'function') return []
      const text = type.isSecret ? '(not shown)' : valueText(value)
      return [{ name: names[0] ?? field, value: text }]
    }),
  )
  return { title, options }
}

function valueText(value: unknown): string {
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (value instanceof RegExp) return quoted(value.source)
  if (value instanceof Map) {
    return bracketed(
      '[',
      [...value].map(([key, one]) => `${word(key)} = ${valueText(one)}`),
      ']',
    )
  }
  if (value instanceof Set || Array.isArray(value)) {
    return bracketed('(', [...value].map(valueText), ')')
  }
  if (typeof value !== 'object' || value === null) return ''
  const entries = Object.entries(value).filter(([, one]) => typeof one !== 'function')
  return bracketed(
    '[',
    entries.map(([key, one]) => `${key} = ${valueText(one)}`),
    ']',
  )
}

function bracketed(open: string, items: readonly string[], close: string): string {
  return [open, ...items, close].join(' ')
}

/** Values for the wire are byte strings, paths are text. */
function quoted(value: string): string {
  const text = decode(value)
  return JSON.stringify(text.includes('\uFFFD') ? value : text)
}

function word(key: unknown): string {
  return typeof key === 'string' ? key : String(key)
}
