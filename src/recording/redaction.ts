// Takes out of a recorded session what could tell who wrote what to whom, and leaves what policy decides by:
//   local parts      become u-0123456789, the same one everywhere for the same key; roles (postmaster …) stay
//   domains, client addresses, names and sizes of parts, header fields but those below, HTML markup, hosts of links stay
//   display names, Subject and similar fields, texts, paths and queries of links    letters become x, digits 0
//   contents of other parts     become octets of nothing, as many
// What passes for a tracking link stays recognizable. Texts in a charset or encoding that nobody knows are
// treated as other parts.
import { createHmac } from 'node:crypto'
import { fromBytes, toBytes } from '../mail/bytes.ts'
import { replaceText, readText } from '../mime/content.ts'
import { type Field, fieldName, fieldValue, makeField, splitHeader } from '../mime/field.ts'
import { describeNode, type PartNode, partsOf, plantTree, renderTree } from '../mime/tree.ts'
import type { Tape, TapeEntry } from './tape.ts'

export interface Redaction {
  /** Whoever has it can tell whether a given address is in a tape. */
  readonly key: Buffer
  /** Texts and subjects stay; addresses in them do not. */
  readonly keepsTexts: boolean
}

export function redactTape(tape: Tape, redaction: Redaction): Tape {
  return {
    ...tape,
    isRedacted: true,
    entries: tape.entries.map((entry) => redactEntry(entry, redaction)),
  }
}

/** A function, so that an address has one name in all of them. */
function redactEntry(entry: TapeEntry, redaction: Redaction): TapeEntry {
  const { key } = redaction
  switch (entry.kind) {
    case 'reply':
      return { ...entry, text: hideAddresses(entry.text, key) }
    case 'command':
      return { ...entry, line: hideAddresses(entry.line, key) }
    case 'auth':
      return { ...entry, user: hideUser(entry.user, key) }
    case 'message':
      return { ...entry, bytes: redactMessage(entry.bytes, redaction) }
    case 'delivered':
      return {
        ...entry,
        rcptto: hideAddresses(entry.rcptto, key),
        mailfrom: hideAddresses(entry.mailfrom, key),
        bytes: redactMessage(entry.bytes, redaction),
      }
    case 'end':
      return entry
    default:
      return entry satisfies never
  }
}

/** Header and parts; its structure and line ends stay. */
export function redactMessage(bytes: Buffer, redaction: Redaction): Buffer {
  const root = plantTree(splitHeader(bytes))
  for (const node of partsOf(root)) redactPart(node, redaction)
  const { fields, separator, body } = renderTree(root)
  return Buffer.concat([...fields.map((field) => field.bytes), separator, body])
}

/** Local parts of all that looks like an address, `%40` in links too. */
export function hideAddresses(text: string, key: Buffer): string {
  const hide = (_: string, before: string | undefined, local: string, at: string): string =>
    (before ?? '') + pseudonym(local, key) + at
  return text.replace(ADDRESS, hide).replace(ENCODED_ADDRESS, hide)
}

// The AUTH parameter of MAIL is told apart, for `=` may stand in a local part.
const ADDRESS =
  /(\bAUTH=)?("[^"\r\n]{1,64}"|[\w.!#$&'*+=^`{|}~\x80-\xff-]{1,64})(@)(?=[\w-]+\.[\w-]|\[)/g
const ENCODED_ADDRESS = /()([\w.+-]{1,64})(%40)(?=[\w-]+\.[\w-])/g
const ROLE = /^(?:postmaster|abuse|mailer-daemon|no-?reply|do-?not-?reply|hostmaster|webmaster)$/i
const PSEUDONYM = /^u-[0-9a-f]{10}$/

/** Letters of either case are one mailbox to most, so they have one name. */
function pseudonym(local: string, key: Buffer): string {
  if (ROLE.test(local) || PSEUDONYM.test(local)) return local
  return `u-${createHmac('sha256', key).update(local.toLowerCase()).digest('hex').slice(0, 10)}`
}

function hideUser(user: string, key: Buffer): string {
  const hidden = hideAddresses(user, key)
  return hidden === user && !user.includes('@') ? pseudonym(user, key) : hidden
}

function redactPart(node: PartNode, redaction: Redaction): void {
  const described = describeNode(node)
  const isText = described.type.type.startsWith('text/')
  const text = node.container || !isText ? undefined : readText(node.content, described)
  if (text !== undefined) {
    const isHtml = described.type.type === 'text/html'
    const hidden = hideAddresses(text, redaction.key)
    const after = redaction.keepsTexts ? hidden : isHtml ? maskHtml(hidden) : maskText(hidden)
    const leaf = replaceText(node, described, text, after)
    node.content = leaf.content
  } else if (described.type.type === 'message/rfc822' && !node.container) {
    node.content = redactMessage(node.content, redaction)
  } else if (!node.container) {
    node.content = toBytes(
      fromBytes(node.content)
        .replace(/[A-Za-z]/g, 'A')
        .replace(/[1-9]/g, '0'),
    )
  }
  node.fields = node.fields.map((field) => redactField(field, redaction))
}

const NAMED = new Set(['from', 'to', 'cc', 'bcc', 'reply-to', 'sender', 'resent-from', 'resent-to'])
const WRITTEN = new Set(['subject', 'comments', 'keywords', 'thread-topic', 'content-description'])

function redactField(field: Field, { key, keepsTexts }: Redaction): Field {
  const value = fieldValue(field)
  const hidden = hideAddresses(value, key)
  const after = maskValue(field.key, hidden, keepsTexts)
  if (after === value) return field
  return makeField(fieldName(field), after)
}

function maskValue(name: string, value: string, keepsTexts: boolean): string {
  if (name === 'x-msys-api') return maskApi(value, keepsTexts)
  if (keepsTexts) return value
  if (WRITTEN.has(name)) return mask(value.replace(ENCODED_WORD, 'xxxx'))
  if (!NAMED.has(name)) return value
  // What is not an address is a name.
  return value
    .replace(ENCODED_WORD, 'xxxx')
    .split(/(<[^<>]*>|[^\s<>,;"()]+@[^\s<>,;"()]+)/)
    .map((piece, i) => (i % 2 === 1 ? piece : mask(piece)))
    .join('')
}

const ENCODED_WORD = /=\?[^?\s]{1,40}\?[bq]\?[^?\s]*\?=/gi

/** Of X-MSYS-API (JSON) only options, campaign and names stay. */
function maskApi(value: string, keepsTexts: boolean): string {
  if (keepsTexts) return value
  return value.replace(
    /("(?:metadata|substitution_data)"\s*:\s*)(\{[^{}]*\})/g,
    (_, head: string, object: string) => {
      return (
        head +
        object.replace(
          /(:\s*)"((?:[^"\\]|\\.)*)"/g,
          (_all, colon: string, text: string) => `${colon}"${mask(text)}"`,
        )
      )
    },
  )
}

function maskText(text: string): string {
  return splitMasked(text, URL_OR_ADDRESS)
}

/** Markup stays; what people read, and where links lead to on their hosts, does not. */
function maskHtml(html: string): string {
  return html
    .split(/(<!--[\s\S]{0,5000}?-->|<[^<>]*>)/)
    .map((piece, i) => (i % 2 === 1 ? maskTag(piece) : splitMasked(piece, KEPT_IN_HTML)))
    .join('')
}

function maskTag(tag: string): string {
  return tag
    .replace(
      /((?:alt|title|content|value|placeholder|aria-label)\s*=\s*)("[^"]*"|'[^']*')/gi,
      (_, head: string, text: string) => head + splitMasked(text, KEPT_IN_HTML),
    )
    .replace(LINK, maskLink)
}

const LINK = /https?:\/\/[^\s"'<>]+/gi
const URL_OR_ADDRESS = /(https?:\/\/[^\s"'<>]+|u-[0-9a-f]{10}@[\w.-]+)/gi
const KEPT_IN_HTML = /(https?:\/\/[^\s"'<>]+|u-[0-9a-f]{10}@[\w.-]+|&#?\w{1,10};)/gi

function splitMasked(text: string, kept: RegExp): string {
  return text
    .split(kept)
    .map((piece, i) =>
      i % 2 === 0 ? mask(piece) : /^https?:/i.test(piece) ? maskLink(piece) : piece,
    )
    .join('')
}

/** Scheme and host stay, and of a tracking link that it is one. */
function maskLink(link: string): string {
  const [, head = '', path = ''] = /^(https?:\/\/[^/?#]*)(.*)$/is.exec(link) ?? []
  const [tracking] = /^\/[fqe]\/(?:[\w-]{1,20}\/)?/.exec(path) ?? []
  if (tracking !== undefined && path.length > 40) return `${head}${tracking}token`
  return (
    head +
    path
      .split(/(&amp;|%[0-9a-f]{2})/i)
      .map((piece, i) => (i % 2 === 1 ? piece : mask(piece)))
      .join('')
  )
}

function mask(text: string): string {
  return text
    .replace(/[A-Z]/g, 'X')
    .replace(/[a-z]|[\x80-\xff]+/g, 'x')
    .replace(/\d/g, '0')
}
