// Whether a message is as RFC 5322 wants it, and what is done about it where it is not (Momentum manual,
// pages "conf.ref.rfc2822_missing_headers", "…_date_header", "…_messageid_header", "…_max_line_length").
// Pure. Every octet is looked at once, and only where the configuration asks.
import type { ListenerOptions } from '../config/config.ts'
import { LONGEST_LINE } from '../config/schema/conformance.ts'
import { mailDate } from '../mail/date.ts'
import type { Reply } from '../mail/reply.ts'
import { type Field, makeField, type Split, splitHeader } from '../mime/field.ts'
import { findFields } from '../mime/header.ts'

export type ConformanceOptions = Pick<
  ListenerOptions,
  'dateHeader' | 'lineLimit' | 'lineLimitPolicy' | 'messageIdHeader' | 'missingHeaders'
>

/** Why the header is refused; undefined: it is not. */
export function headerRefusal(
  { dateHeader, missingHeaders }: ConformanceOptions,
  fields: readonly Field[],
): Reply | undefined {
  if (missingHeaders === 'reject' && fields.length === 0) {
    return refusal('message has no header')
  }
  if (dateHeader === 'pedantic' && findFields(fields, 'date').length === 0) {
    return refusal('message has no Date field')
  }
  return undefined
}

/** A message whose first lines are no fields has no header: all of it is body (the manual's "header-less"). */
export function splitMessage(message: Buffer, top: Buffer): Split {
  const { fields, separator, body } = splitHeader(top)
  if (fields.length > 0 && fields.every(({ key }) => key === '')) {
    return { fields: [], separator: CRLF, body: message }
  }
  return { fields, separator, body: message.subarray(top.length - body.length) }
}

/** The fields that the header lacks and the configuration wants added. */
export function missingFields(
  { dateHeader, messageIdHeader }: ConformanceOptions,
  fields: readonly Field[],
  facts: { readonly nowMs: number; readonly messageId: string },
): readonly Field[] {
  const lacks = (name: string): boolean => findFields(fields, name).length === 0
  return [
    ...(dateHeader === 'ifneeded' && lacks('date')
      ? [makeField('Date', mailDate(facts.nowMs))]
      : []),
    ...(messageIdHeader === 'ifneeded' && lacks('message-id')
      ? [makeField('Message-ID', `<${facts.messageId}>`)]
      : []),
  ]
}

/** The message with no line too long, or why it is refused. */
export function limitLines(options: ConformanceOptions, message: Buffer): Buffer | Reply {
  const { action, limit } = lineRule(options)
  if (action === 'none' || longestLine(message) <= limit) return message
  if (action === 'fix') return breakLines(message, limit)
  return refusal(`message has a line of more than ${limit} octets`)
}

function lineRule({ lineLimit, lineLimitPolicy }: ConformanceOptions) {
  if (lineLimit === 'pedantic') return { action: 'reject', limit: LONGEST_LINE } as const
  if (lineLimit === 'fix') return { action: 'fix', limit: LONGEST_LINE } as const
  const limit = lineLimit === 'ignore' ? LONGEST_LINE : lineLimit
  return { action: lineLimitPolicy, limit } as const
}

const LF = 10
const CRLF = Buffer.from('\r\n')
const END_OF_HEADER = Buffer.from('\r\n\r\n')

/** In octets, without line end; the message is CRLF-canonical. */
function longestLine(message: Buffer): number {
  let longest = 0
  for (let at = 0; at < message.length;) {
    const end = endOfLine(message, at)
    longest = Math.max(longest, end - at)
    at = end + 2
  }
  return longest
}

/** Only in the body: a field that is broken anywhere may mean something else. */
function breakLines(message: Buffer, limit: number): Buffer {
  const header = message.indexOf(END_OF_HEADER)
  const start = header < 0 ? message.length : header + END_OF_HEADER.length
  const pieces: Buffer[] = [message.subarray(0, start)]
  for (let at = start; at < message.length;) {
    const end = endOfLine(message, at)
    while (end - at > limit) {
      pieces.push(message.subarray(at, at + limit), CRLF)
      at += limit
    }
    pieces.push(message.subarray(at, end + 2))
    at = end + 2
  }
  return Buffer.concat(pieces)
}

/** Where the CRLF of the line begins; a last line without one ends with the message. */
function endOfLine(message: Buffer, from: number): number {
  const end = message.indexOf(LF, from)
  return end < 0 ? message.length : end - 1
}

function refusal(text: string): Reply {
  return { code: 550, enhanced: '5.6.0', text }
}
