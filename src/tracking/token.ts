// Link tokens: `…/<link part>/<recipient part>`, stateless, private and made for one message each.
//   link part       version(1) key id(3) salt(16) number AES-256-GCM(name, target)
//   recipient part  number AES-256-GCM(facts)
// The key belongs to the salt's series (`salt.ts`), and nonces have the message's number in it.
// AEAD is AES-256-GCM: the fastest in node:crypto here (AES-NI), with a tag of 16 octets. Its nonces
// are counters, never sent: (0, message, link index × 4 + kind) and (1, message, recipient index × 2, plus 1
// for the short form). They never repeat, because each salt belongs to one sealer. A part of another message
// fails to open, as its key or its nonce differs; kind and sublink are associated data of the link part.
// Text is base64url (RFC 4648 §5) in its one canonical spelling; every comparison is the AEAD's.
import { createDecipheriv } from 'node:crypto'
import { fromBytes, fromText, toText } from '../mail/bytes.ts'
import { factsOctets, readFacts, type TokenFacts } from './facts.ts'
import { type GcmKey, type Nonce, openGcmKey, sealInPlace, TAG_LENGTH } from './gcm.ts'
import {
  findKey,
  KEY_ID_LENGTH,
  type Keyring,
  type MasterKey,
  seriesKey,
  TOKEN_VERSION,
} from './keyring.ts'
import { numberOctets, readOctets, withLength } from './octets.ts'
import { type LinkKind, parsePath, ROUTE_OF, type TokenPath } from './path.ts'
import { numberOf, SALT_LENGTH, seriesOf } from './salt.ts'

export interface RecipientParts {
  /** With metadata, tags and custom variables; text length is a multiple of 24, so all recipients of a bucket align. */
  readonly full: string
  /** Without; the same string where there are none. Sealed when first asked for. */
  readonly short: string
}

/** Seals the tokens of one message. Open one per message and salt: two would repeat nonces. */
export interface Sealer {
  /**
   * The same arguments give the same part, sealed once. With `residue` the part is padded so that its
   * text length modulo 3 is that number.
   */
  link(target: string, name: string, kind: LinkKind, sublink: string, residue?: number): string
  /** Takes the next counters, so call it once per copy. */
  recipient(facts: TokenFacts): RecipientParts
  /** Whether a path is one of our own links, sealed by any key of the ring. */
  hasSealed(path: string): boolean
}

export type Opened =
  | {
      readonly kind: 'opened'
      readonly action: LinkKind
      /** Text; `''` for pixels. */
      readonly target: string
      readonly name: string
      readonly facts: TokenFacts
    }
  /** Names none of our keys: perhaps another tracker's. */
  | { readonly kind: 'foreign' }
  | { readonly kind: 'bad' }

const DEFAULT_LINK_NAME = 'Raw URL'

export function openSealer(keyring: Keyring, salt: Buffer): Sealer {
  if (salt.length !== SALT_LENGTH) throw new RangeError(`a salt has ${SALT_LENGTH} octets`)
  const message = numberOf(salt)
  const key = sealingKey(keyring.sealing, salt)
  const head = String.fromCharCode(TOKEN_VERSION) + keyring.sealing.id + fromBytes(salt)
  const links = new Map<string, string>()
  let nextLink = 0
  let nextRecipient = 0
  /** Mail readers that find links in text take a `-` at the end for punctuation: then another counter is used. */
  const recipientPart = (facts: TokenFacts, form: 0 | 1): string => {
    for (;;) {
      const counter = take(nextRecipient++) * 2 + form
      const text = sealRecipient(key, message, counter, facts)
      if (!text.endsWith('-')) return text
    }
  }

  return {
    link(target, name, kind, sublink, residue) {
      const id = `${kind} ${sublink} ${residue} ${name.length} ${name} ${target}`
      const present = links.get(id)
      if (present !== undefined) return present
      const counter = take(nextLink++) * KINDS.length + KINDS.indexOf(kind)
      const clear = head + numberOctets(counter)
      const plain = withLength(fromText(name)) + withLength(fromText(target))
      const bare = clear.length + plain.length + TAG_LENGTH
      const padding = residue === undefined ? 0 : paddingFor(bare, residue)
      const data = linkData(kind, sublink)
      const step = kind === 'click' ? KINDS.length : 0
      const nonce = { range: LINK_RANGE, message, counter, step }
      const text = seal(key, nonce, data, clear, plain, padding)
      links.set(id, text)
      return text
    },

    recipient(facts) {
      const full = recipientPart(facts, 0)
      const hasMore = facts.tags?.length || facts.metadata || facts.custom
      const sealShort = (): string => recipientPart(shortFacts(facts), 1)
      return new SealedRecipient(full, hasMore ? sealShort : full)
    },

    hasSealed(path) {
      const parsed = parsePath(path)
      return parsed !== undefined && openToken(keyring, parsed).kind === 'opened'
    },
  }
}

class SealedRecipient implements RecipientParts {
  readonly full: string
  #short: string | (() => string)

  constructor(full: string, short: string | (() => string)) {
    this.full = full
    this.#short = short
  }

  get short(): string {
    if (typeof this.#short !== 'string') this.#short = this.#short()
    return this.#short
  }
}

/** Opens a token as its route received it: a route serves only its own kinds. */
export function openToken(keyring: Keyring, path: TokenPath): Opened {
  const bytes = Buffer.from(path.linkPart, 'base64url')
  const key = findKey(keyring, bytes.toString('latin1', 1, 1 + KEY_ID_LENGTH))
  if (bytes[0] !== TOKEN_VERSION || !key) return { kind: 'foreign' }
  if (key.denied) return BAD
  if (bytes.toString('base64url') !== path.linkPart) return BAD
  const saltEnd = 1 + KEY_ID_LENGTH + SALT_LENGTH
  const salt = bytes.subarray(1 + KEY_ID_LENGTH, saltEnd)
  if (salt.length < SALT_LENGTH) return BAD
  const opening = { key: seriesKey(key, seriesOf(salt)), message: numberOf(salt) }
  const link = openLink(opening, bytes.subarray(saltEnd), path)
  const facts = link && openRecipient(opening, path.recipientPart)
  return link && facts ? { kind: 'opened', ...link, facts } : BAD
}

/** What opens the parts of one message. */
interface Opening {
  readonly key: Buffer
  readonly message: number
}

const BAD: Opened = { kind: 'bad' }
const KINDS: readonly LinkKind[] = ['click', 'unsubscribe', 'open', 'initial_open']
const LINK_RANGE = 0
const RECIPIENT_RANGE = 1
const RECIPIENT_DATA = Buffer.from('recipient')
/** 18 octets are 24 characters. */
const RECIPIENT_BUCKET = 18
const MAX_INDEX = 2 ** 29

const sealingKeys = new WeakMap<MasterKey, { readonly series: Buffer; readonly key: GcmKey }>()

/** To make one costs as much as to seal several links; messages in a row have the same series. */
function sealingKey(master: MasterKey, salt: Buffer): GcmKey {
  const last = sealingKeys.get(master)
  const series = seriesOf(salt)
  if (last?.series.equals(series)) return last.key
  const key = openGcmKey(seriesKey(master, series))
  sealingKeys.set(master, { series, key })
  return key
}

function openLink(opening: Opening, bytes: Buffer, { route, sublink }: TokenPath) {
  const reader = readOctets(bytes)
  const counter = reader.number()
  const action = counter === undefined ? undefined : KINDS[counter % KINDS.length]
  if (counter === undefined || action === undefined || ROUTE_OF[action] !== route) return undefined
  const plain = open(opening, LINK_RANGE, counter, linkData(action, sublink), reader.rest())
  if (!plain) return undefined
  const fields = readOctets(plain)
  const name = fields.text()
  const target = fields.text()
  if (name === undefined || target === undefined) return undefined
  return { action, target: toText(target), name: name ? toText(name) : DEFAULT_LINK_NAME }
}

function openRecipient(opening: Opening, text: string): TokenFacts | undefined {
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.toString('base64url') !== text) return undefined
  const reader = readOctets(bytes)
  const counter = reader.number()
  if (counter === undefined) return undefined
  const plain = open(opening, RECIPIENT_RANGE, counter, RECIPIENT_DATA, reader.rest())
  const octets = plain && readOctets(plain).text()
  return octets === undefined ? undefined : readFacts(octets)
}

function shortFacts({ tags: _tags, metadata: _data, custom: _custom, ...short }: TokenFacts) {
  return short
}

function sealRecipient(key: GcmKey, message: number, counter: number, facts: TokenFacts): string {
  const clear = numberOctets(counter)
  const plain = withLength(factsOctets(facts))
  const over = (clear.length + plain.length + TAG_LENGTH) % RECIPIENT_BUCKET
  const padding = over ? RECIPIENT_BUCKET - over : 0
  // Most messages have one recipient; where there is a second, more are likely to follow. Short forms are few.
  const isOneOfMany = counter > 0 && counter % 2 === 0
  const nonce = { range: RECIPIENT_RANGE, message, counter, step: isOneOfMany ? 2 : 0 }
  return seal(key, nonce, RECIPIENT_DATA, clear, plain, padding)
}

/** The fewest octets that give the base64url text of `length` octets a length of `residue` modulo 3. */
function paddingFor(length: number, residue: number): number {
  let padding = 0
  while (Math.ceil(((length + padding) * 4) / 3) % 3 !== residue) padding++
  return padding
}

/** The text of a part: `clear`, then `plain` and `padding` zeros sealed. */
function seal(
  key: GcmKey,
  nonce: Nonce,
  data: Buffer,
  clear: string,
  plain: string,
  padding: number,
): string {
  const at = clear.length
  const length = plain.length + padding
  const out = Buffer.allocUnsafe(at + length + TAG_LENGTH)
  out.write(clear, 0, 'latin1')
  out.write(plain, at, 'latin1')
  out.fill(0, at + plain.length, at + length)
  sealInPlace(key, nonce, data, { out, at }, length)
  return out.toString('base64url')
}

function open(
  { key, message }: Opening,
  range: number,
  counter: number,
  data: Buffer,
  sealed: Buffer,
): Buffer | undefined {
  if (sealed.length < TAG_LENGTH || counter > 0xffffffff) return undefined
  const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(range, message, counter), {
    authTagLength: TAG_LENGTH,
  })
  decipher.setAAD(data)
  decipher.setAuthTag(sealed.subarray(-TAG_LENGTH))
  const plain = decipher.update(sealed.subarray(0, -TAG_LENGTH))
  try {
    decipher.final()
    return plain
  } catch {
    // The tag does not match: forged, damaged or of another message. The caller says `bad`.
    return undefined
  }
}

function nonceOf(range: number, message: number, counter: number): Buffer {
  const nonce = Buffer.alloc(12)
  nonce[0] = range
  nonce.writeUInt16BE(message, 1)
  nonce.writeUInt32BE(counter, 8)
  return nonce
}

function take(index: number): number {
  if (index >= MAX_INDEX) throw new RangeError('the counters of this message are used up')
  return index
}

function linkData(kind: LinkKind, sublink: string): Buffer {
  return Buffer.from(`${kind}/${sublink}`)
}
