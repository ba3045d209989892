// What the recipient part of a token holds, and its octets: fields of a tag, a length and a value, raw
// or deflated (RFC 1951) with a dictionary of words that metadata often has, whichever is smaller.
// The dictionary and the tags belong to the token version: links in the wild depend on them.
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { fromBytes, fromText, lowerCase, toBytes, toText } from '../mail/bytes.ts'
import { isJsonObject, type JsonObject, parseJson } from './json.ts'
import { numberOctets, readOctets, withLength } from './octets.ts'

/** Ids and addresses are byte strings; customer, campaign, tags, metadata and custom are text. */
export interface TokenFacts {
  readonly messageId: string
  /** Lower case. */
  readonly rcptTo: string
  readonly rawRcptTo: string
  readonly transmissionId?: string
  readonly customerId?: string
  readonly campaignId?: string
  readonly tags?: readonly string[]
  readonly metadata?: JsonObject
  /** Context variables that go into every event. Text. */
  readonly custom?: JsonObject
  /** Envelope sender, for unsubscriptions. */
  readonly mailfrom?: string
  /** After this second of the epoch a hit is no event any more. */
  readonly expirySeconds: number
}

/** What fits into `maxLength` octets of JSON, in whole members, in order. Undefined if nothing does. */
export function limitMetadata(metadata: JsonObject, maxLength: number): JsonObject | undefined {
  const kept: [string, unknown][] = []
  let length = 2
  for (const [name, value] of Object.entries(metadata)) {
    const pair = `${JSON.stringify(name)}:${JSON.stringify(value)}`
    const added = Buffer.byteLength(pair) + (kept.length ? 1 : 0)
    if (length + added > maxLength) continue
    length += added
    kept.push([name, value])
  }
  // `fromEntries` defines members; it never reaches the setter of `__proto__`.
  return kept.length ? Object.fromEntries(kept) : undefined
}

/** A byte string. */
export function factsOctets(facts: TokenFacts): string {
  const { campaignId, customerId, metadata, custom } = facts
  let octets = numberOctets(Math.max(0, facts.expirySeconds))
  const add = (tag: number, value: string | undefined): void => {
    if (value !== undefined) octets += String.fromCharCode(tag) + withLength(value)
  }
  add(TAG.messageId, facts.messageId)
  add(TAG.rawRcptTo, facts.rawRcptTo)
  if (facts.rcptTo !== lowerCase(facts.rawRcptTo)) add(TAG.rcptTo, facts.rcptTo)
  add(TAG.transmissionId, facts.transmissionId)
  add(TAG.customerId, customerId && fromText(customerId))
  add(TAG.campaignId, campaignId && fromText(campaignId))
  for (const tag of facts.tags ?? []) add(TAG.tag, fromText(tag))
  add(TAG.metadata, metadata && fromText(JSON.stringify(metadata)))
  add(TAG.custom, custom && fromText(JSON.stringify(custom)))
  add(TAG.mailfrom, facts.mailfrom)
  return deflated(octets)
}

export function readFacts(octets: string): TokenFacts | undefined {
  const reader = readOctets(inflated(octets))
  const expirySeconds = reader.number()
  if (expirySeconds === undefined) return undefined
  const single = new Map<number, string>()
  const tags: string[] = []
  while (reader.rest().length) {
    const tag = reader.number()
    const value = reader.text()
    if (tag === undefined || value === undefined) return undefined
    if (tag === TAG.tag) tags.push(toText(value))
    else single.set(tag, value)
  }
  const rawRcptTo = single.get(TAG.rawRcptTo) ?? ''
  const transmissionId = single.get(TAG.transmissionId)
  const customerId = single.get(TAG.customerId)
  const campaignId = single.get(TAG.campaignId)
  const metadata = objectIn(single.get(TAG.metadata))
  const custom = objectIn(single.get(TAG.custom))
  const mailfrom = single.get(TAG.mailfrom)
  return {
    expirySeconds,
    messageId: single.get(TAG.messageId) ?? '',
    rawRcptTo,
    rcptTo: single.get(TAG.rcptTo) ?? lowerCase(rawRcptTo),
    ...(transmissionId !== undefined && { transmissionId }),
    ...(customerId !== undefined && { customerId: toText(customerId) }),
    ...(campaignId !== undefined && { campaignId: toText(campaignId) }),
    ...(tags.length && { tags }),
    ...(metadata && { metadata }),
    ...(custom && { custom }),
    ...(mailfrom !== undefined && { mailfrom }),
  }
}

/** Most tokens have none: a parser that raises would cost more than all the rest. */
function objectIn(json: string | undefined): JsonObject | undefined {
  const value = json === undefined ? undefined : parseJson(json)
  return isJsonObject(value) ? value : undefined
}

const TAG = {
  messageId: 1,
  rawRcptTo: 2,
  rcptTo: 3,
  transmissionId: 4,
  customerId: 5,
  campaignId: 6,
  tag: 7,
  metadata: 8,
  custom: 9,
  mailfrom: 10,
} as const

const RAW = '\0'
const DEFLATED = '\x01'

/** Below this, deflate costs more time than it saves characters. */
const MIN_DEFLATE_LENGTH = 200

const DICTIONARY = Buffer.from(
  '"description":"category":"timestamp":"language":"currency":"product":"country":"segment":' +
    '"account":"template":"campaign":"subscriber":"customer":"session":"variant":"user_id":' +
    '"list_id":"order_id":"email":"@example.com"@hotmail.com"@yahoo.com"@outlook.com"@gmail.com' +
    '"https://www.http://.com/"type":"date":"true","false","null,"name":"id":"","{"',
)

function deflated(octets: string): string {
  if (octets.length >= MIN_DEFLATE_LENGTH) {
    const small = deflateRawSync(toBytes(octets), { dictionary: DICTIONARY })
    if (small.length < octets.length) return DEFLATED + fromBytes(small)
  }
  return RAW + octets
}

/** Only ever sees octets that were sealed by us. */
function inflated(octets: string): Buffer {
  const content = toBytes(octets.slice(1))
  if (octets[0] !== DEFLATED) return content
  return inflateRawSync(content, { dictionary: DICTIONARY, maxOutputLength: 1 << 20 })
}
