// A recorded SMTP session as a file: one JSON object a line, so that it can be read, compared and edited.
//   {"session":1,"peer":"192.0.2.7","began":"2026-11-25T08:00:00.000Z","redacted":true,"captured":true}
//   {"reply":"220 mx.example.com ESMTP"}               lines are separated by \n
//   {"command":"EHLO client.example"}
//   {"command":"AUTH PLAIN ***"}                       secrets are never in it
//   {"auth":"user@example.com"}                        who that has shown to be
//   {"message":"Subject: hi\r\n\r\ntext\r\n"}          without dot-stuffing; not UTF-8: {"base64":"…"}
//   {"delivered":"b@example.net","mailfrom":"a@example.com","message":"…","context":{…}}
//   {"end":"quit"}                                     or "gone"
// What was delivered of a message follows the reply to its final dot. Octets that are no UTF-8 are written as
// base64 in messages, and as U+00XX in commands and replies.
import { fromBytes, toBytes } from '../mail/bytes.ts'

/** Texts are byte strings. */
export type TapeEntry =
  | { readonly kind: 'reply'; readonly text: string }
  | { readonly kind: 'command'; readonly line: string }
  | { readonly kind: 'auth'; readonly user: string }
  | { readonly kind: 'message'; readonly bytes: Buffer }
  | DeliveredEntry
  | { readonly kind: 'end'; readonly how: 'quit' | 'gone' }

/** What was relayed to one recipient. */
export interface DeliveredEntry {
  readonly kind: 'delivered'
  readonly rcptto: string
  readonly mailfrom: string
  readonly bytes: Buffer
  /** The copy's message variables, where they are known. */
  readonly context?: Readonly<Record<string, string>>
}

export interface Tape {
  /** The client's address. */
  readonly peer: string
  /** ISO 8601. */
  readonly began: string
  readonly isRedacted: boolean
  /** What was relayed is in it: who is not in it was sent nothing. */
  readonly isCaptured: boolean
  readonly entries: readonly TapeEntry[]
}

export class TapeError extends Error {
  override readonly name = 'TapeError'
}

const VERSION = 1

export function writeTape({ peer, began, isRedacted, isCaptured, entries }: Tape): string {
  const head = { session: VERSION, peer, began, redacted: isRedacted, captured: isCaptured }
  return [head, ...entries.map(entryToJson)].map((line) => `${JSON.stringify(line)}\n`).join('')
}

/** Raises TapeError that names the file and the line. */
export function readTape(text: string, file: string): Tape {
  const lines = text
    .split('\n')
    .flatMap((line, i) => (line.trim() ? [{ line, number: i + 1 }] : []))
  const parsed = lines.map(({ line, number }) => {
    const complain = (what: string): never => {
      throw new TapeError(`${file}:${number}: ${what}`)
    }
    return { json: parseObject(line, complain), complain }
  })
  const [first, ...rest] = parsed
  if (!first || first.json['session'] === undefined) {
    throw new TapeError(`${file}:1: this is no recorded session`)
  }
  const { json, complain } = first
  if (json['session'] !== VERSION) complain(`session of version ${String(json['session'])}`)
  return {
    peer: textOf(json, 'peer', complain),
    began: textOf(json, 'began', complain),
    isRedacted: json['redacted'] === true,
    isCaptured: json['captured'] === true,
    entries: rest.map((line) => entryFromJson(line.json, line.complain)),
  }
}

type Json = Readonly<Record<string, unknown>>
type Complain = (what: string) => never

function entryToJson(entry: TapeEntry): Json {
  switch (entry.kind) {
    case 'reply':
      return { reply: printable(entry.text) }
    case 'command':
      return { command: printable(entry.line) }
    case 'auth':
      return { auth: printable(entry.user) }
    case 'message':
      return contentToJson(entry.bytes)
    case 'delivered': {
      const { rcptto, mailfrom, bytes, context } = entry
      const head = { delivered: printable(rcptto), mailfrom: printable(mailfrom) }
      return {
        ...head,
        ...(context && { context: mapValues(context, printable) }),
        ...contentToJson(bytes),
      }
    }
    case 'end':
      return { end: entry.how }
    default:
      return entry satisfies never
  }
}

function entryFromJson(json: Json, complain: Complain): TapeEntry {
  if ('reply' in json) return { kind: 'reply', text: octets(textOf(json, 'reply', complain)) }
  if ('command' in json) return { kind: 'command', line: octets(textOf(json, 'command', complain)) }
  if ('auth' in json) return { kind: 'auth', user: octets(textOf(json, 'auth', complain)) }
  if ('delivered' in json) {
    return {
      kind: 'delivered',
      rcptto: octets(textOf(json, 'delivered', complain)),
      mailfrom: octets(textOf(json, 'mailfrom', complain)),
      ...contextOf(json, complain),
      bytes: contentOf(json, complain),
    }
  }
  if ('message' in json || 'base64' in json)
    return { kind: 'message', bytes: contentOf(json, complain) }
  if ('end' in json) return { kind: 'end', how: json['end'] === 'quit' ? 'quit' : 'gone' }
  return complain(`unknown entry ${Object.keys(json).join(', ')}`)
}

function contentToJson(bytes: Buffer): Json {
  const text = bytes.toString('utf8')
  return Buffer.from(text, 'utf8').equals(bytes)
    ? { message: text }
    : { base64: bytes.toString('base64') }
}

function contentOf(json: Json, complain: Complain): Buffer {
  if (typeof json['base64'] === 'string') return Buffer.from(json['base64'], 'base64')
  return Buffer.from(textOf(json, 'message', complain), 'utf8')
}

function contextOf({ context }: Json, complain: Complain): Pick<DeliveredEntry, 'context'> {
  if (context === undefined) return {}
  if (typeof context !== 'object' || context === null) return complain('context is no object')
  return {
    context: mapValues(
      Object.fromEntries(Object.entries(context).map(([k, v]) => [k, String(v)])),
      octets,
    ),
  }
}

function mapValues(
  values: Readonly<Record<string, string>>,
  change: (value: string) => string,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [change(key), change(value)]),
  )
}

/** UTF-8 as text, anything else as one character per octet. */
function printable(byteString: string): string {
  const bytes = toBytes(byteString)
  const text = bytes.toString('utf8')
  return Buffer.from(text, 'utf8').equals(bytes) ? text : byteString
}

/** Back again: a text that could not have come from UTF-8 octets is taken octet by octet. */
function octets(text: string): string {
  return fromBytes(Buffer.from(text, 'utf8'))
}

function parseObject(line: string, complain: Complain): Json {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value === 'object' && value !== null) return { ...value }
  } catch (error) {
    return complain(`no JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  return complain('an object was expected')
}

function textOf(json: Json, key: string, complain: Complain): string {
  const value = json[key]
  return typeof value === 'string' ? value : complain(`"${key}" must be a string`)
}
