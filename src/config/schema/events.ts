// Options of what takes events: webhooks (whose ways are those of Momentum's manual page
// "reporting_webhooks"). The stanzas are ours, as Momentum keeps webhooks in a database.
import { decode } from '../bytes.ts'
import {
  BOOLEAN,
  BYTES,
  itemsOf,
  NON_EMPTY,
  readStrings,
  scalar,
  SECONDS,
  type Type,
} from '../value.ts'
import type { Value } from '../tree.ts'
import { option, optional, type Warn } from './option.ts'

/** Those that happen here. */
const EVENTS = new Set(
  `injection delivery delay bounce policy_rejection open initial_open click link_unsubscribe`.split(
    ' ',
  ),
)
/** Those of Momentum and SparkPost that do not. */
const OTHER_EVENTS = new Set(
  `out_of_band spam_complaint generation_failure generation_rejection sms_status list_unsubscribe relay_injection
  relay_rejection relay_delivery relay_tempfail relay_permfail amp_open amp_click amp_initial_open
  ab_test_completed ab_test_cancelled ingest_success ingest_error creation conversion`
    .trim()
    .split(/\s+/),
)

export const EVENT_LIST: Type<ReadonlySet<string>> = {
  expected: `a list of events: ${[...EVENTS].join(', ')}`,
  culprit: (value) => itemsOf(value)?.find(({ text }) => !isEvent(text)),
  read(value) {
    const names = readStrings(value)
    return names?.every(isEvent) ? new Set(names) : undefined
  },
}

/** The address of a web server, as text. */
const HTTP_URL = scalar('a URL that begins with http:// or https://', (text) => {
  const url = decode(text)
  return /^https?:\/\//i.test(url) && URL.canParse(url) ? new URL(url).href : undefined
})

/** It goes into a header. */
const TOKEN: Type<string> = {
  ...scalar('a string of visible characters', (text) => (/^[!-~]+$/.test(text) ? text : undefined)),
  isSecret: true,
}

const SECRET: Type<string> = { ...NON_EMPTY, isSecret: true }

const BATCH_SIZE = scalar('a number from 1 to 10000', (text) => {
  const size = /^\d{1,5}$/.test(text) ? Number(text) : 0
  return size >= 1 && size <= 10_000 ? size : undefined
})

const WEBHOOK_SCOPE = ['webhook']

export const WEBHOOK = {
  enabled: option('enabled', BOOLEAN, true, WEBHOOK_SCOPE),
  /** All, if it is not given. */
  events: { ...optional('events', EVENT_LIST, WEBHOOK_SCOPE), inspect: inspectEvents },
  authToken: optional('auth_token', TOKEN, WEBHOOK_SCOPE),
  hmacKey: optional('hmac_key', SECRET, WEBHOOK_SCOPE),
  allowPrivate: option('allow_private', BOOLEAN, false, WEBHOOK_SCOPE),
  /** Of the Redis stream: servers of a group send each event once. */
  consumerGroup: optional('consumer_group', NON_EMPTY, WEBHOOK_SCOPE),
  batchSize: option('batch_size', BATCH_SIZE, 10_000, WEBHOOK_SCOPE),
  batchSeconds: option('batch_seconds', SECONDS, 30, WEBHOOK_SCOPE),
}

export const WEBHOOK_URL = optional('url', HTTP_URL, WEBHOOK_SCOPE)

/** Octets of events that wait on disk for sinks that do not take them. */
export const MAX_EVENT_BACKLOG = option('max_event_backlog', BYTES, 1024 ** 3, ['global'])

function isEvent(name: string): boolean {
  return EVENTS.has(name) || OTHER_EVENTS.has(name)
}

export function inspectEvents(value: Value, warn: Warn): void {
  for (const { text, place } of itemsOf(value) ?? []) {
    if (OTHER_EVENTS.has(text)) warn(place, `event "${text}" is known but never happens here`)
  }
}
