// All options by name. One name may have several rows, valid in different scopes (`enabled`, `heartbeat`).
import { KNOWN } from './known.ts'
import { INBOUND_AUDIT } from './audit.ts'
import { DATASOURCE, DATASOURCE_URIS } from './datasource.ts'
import { MAX_EVENT_BACKLOG, WEBHOOK, WEBHOOK_URL } from './events.ts'
import {
  BOUNCE_LOGGER,
  CONTROL_TOKEN,
  ENGAGEMENT_TRACKER,
  EVENT_HYDRANT,
  LOGGER,
  SCRIPTLET,
  SCRIPT_SOURCE,
  SERVER,
  SERVES_METRICS,
  SMTPAPI,
  SPAMASSASSIN,
  SPF,
  TRUSTED_PROXIES,
} from './modules.ts'
import type { KnownOption, Option } from './option.ts'
import { DELIVERY, EHLO_HOSTNAME, NEXT_HOP, PATIENCE, TRUST } from './outbound.ts'
import { CONFORMANCE } from './conformance.ts'
import { REDIS, REDIS_ADDRESS, REDIS_SERVER } from './redis.ts'
import { ACCESS, RECEPTION, TRACKING } from './reception.ts'
import { AUTH, CONNECTION, TLS } from './security.ts'
import { SIGNED, SIGNING, SIGNING_ENABLED } from './signing.ts'

export type Row = Option<unknown> | KnownOption

const HONOURED: readonly Option<unknown>[] = [
  ...[
    SERVER,
    TRACKING,
    RECEPTION,
    ACCESS,
    DELIVERY,
    NEXT_HOP,
    SMTPAPI,
    SPF,
    SPAMASSASSIN,
    ENGAGEMENT_TRACKER,
  ].flatMap((table) => Object.values<Option<unknown>>(table)),
  ...[AUTH, CONFORMANCE, CONNECTION, TLS, PATIENCE, TRUST].flatMap((table) =>
    Object.values<Option<unknown>>(table),
  ),
  ...[
    SCRIPTLET,
    LOGGER,
    BOUNCE_LOGGER,
    EVENT_HYDRANT,
    WEBHOOK,
    REDIS,
    REDIS_SERVER,
    DATASOURCE,
    INBOUND_AUDIT,
    SIGNED,
    SIGNING,
  ].flatMap((table) => Object.values<Option<unknown>>(table)),
  EHLO_HOSTNAME,
  SIGNING_ENABLED,
  DATASOURCE_URIS,
  SCRIPT_SOURCE,
  CONTROL_TOKEN,
  SERVES_METRICS,
  TRUSTED_PROXIES,
  WEBHOOK_URL,
  REDIS_ADDRESS,
  MAX_EVENT_BACKLOG,
]

const ROWS = new Map<string, Row[]>()
for (const row of [...HONOURED, ...KNOWN]) {
  for (const name of row.names) ROWS.set(name, [...(ROWS.get(name) ?? []), row])
}

/** Every row of that name; none if nobody knows it. */
export function rowsOf(name: string): readonly Row[] {
  return ROWS.get(name) ?? []
}
