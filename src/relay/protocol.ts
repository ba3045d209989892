// The client's side of SMTP as text, without sockets: replies (RFC 5321 §4.2), EHLO keywords (§4.1.1.1)
// and commands. Byte strings. A reply may have 100 lines of 4,096 octets, 64 KiB in all; a peer that
// sends more, or something else, does not speak SMTP. Total and linear, whatever the pieces it comes in.

import { isAscii as isAsciiBuffer } from 'node:buffer'
import type { Rendered } from '../mail/rendition.ts'

export interface RemoteReply {
  readonly code: number
  /** The lines as received, joined by a blank. */
  readonly text: string
  /** What follows the code in each line. */
  readonly lines: readonly string[]
}

export interface ReplyReader {
  /** The replies that these octets complete; `isMalformed`: nothing more can be read from this peer. */
  read(text: string): { readonly replies: readonly RemoteReply[]; readonly isMalformed: boolean }
}

/** EHLO keywords in upper case, and their parameters as given. */
export type Extensions = ReadonlyMap<string, string>

/** With the message. */
export interface Transaction extends Rendered {
  readonly mailfrom: string
  readonly recipients: readonly string[]
}

const MAX_LINE_OCTETS = 4096
const MAX_REPLY_OCTETS = 65_536
const MAX_REPLY_LINES = 100
const REPLY_LINE = /^([2-5][0-9]{2})(?:([ -])(.*))?$/s

export function replyReader(): ReplyReader {
  let line = ''
  let lines: string[] = []
  let octets = 0
  let isMalformed = false

  /** Takes one line; the reply that it completes, if it does. */
  const takeLine = (): RemoteReply | undefined => {
    const text = line.endsWith('\r') ? line.slice(0, -1) : line
    const parts = REPLY_LINE.exec(text)
    const code = text.slice(0, 3)
    octets += line.length
    line = ''
    isMalformed =
      !parts ||
      (lines.length > 0 && !lines[0]?.startsWith(code)) ||
      lines.length === MAX_REPLY_LINES ||
      octets > MAX_REPLY_OCTETS
    if (isMalformed) return undefined
    lines.push(text)
    if (parts?.[2] === '-') return undefined
    const reply = { code: Number(code), text: lines.join(' '), lines: lines.map((l) => l.slice(4)) }
    lines = []
    octets = 0
    return reply
  }

  return {
    read(text) {
      const replies: RemoteReply[] = []
      let from = 0
      while (!isMalformed) {
        const lf = text.indexOf('\n', from)
        line += text.slice(from, lf < 0 ? text.length : lf)
        isMalformed = line.length > MAX_LINE_OCTETS
        if (lf < 0 || isMalformed) break
        const reply = takeLine()
        if (reply) replies.push(reply)
        from = lf + 1
      }
      return { replies, isMalformed }
    },
  }
}

/** Keywords from the lines of a reply to EHLO; the first line is the greeting. */
export function parseExtensions(lines: readonly string[]): Extensions {
  const extensions = new Map<string, string>()
  for (const line of lines.slice(1)) {
    const [keyword = '', parameters = ''] = line.trim().split(/[ =](.*)/s)
    extensions.set(keyword.toUpperCase(), parameters.trim())
  }
  return extensions
}

/** The octets that the peer takes at most (RFC 1870), 0 where it names no limit. */
export function sizeLimit(extensions: Extensions): number {
  const text = extensions.get('SIZE') ?? ''
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : 0
}

/** Whether an address can stand between `<` and `>` without ending the path or the line. */
export function isSafePath(address: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return /^(?:"(?:[^"\\\0-\x1f\x7f]|\\[^\0-\x1f\x7f])*"|[^ <>"\0-\x1f\x7f])*$/.test(address)
}

export function isAscii(text: string): boolean {
  return !/[\x80-\xff]/.test(text)
}

export function mailCommand(
  transaction: Transaction,
  extensions: Extensions,
  declares8Bit: boolean,
): string {
  const { mailfrom, recipients, bytes } = transaction
  const size = extensions.has('SIZE') ? ` SIZE=${bytes.length}` : ''
  const is8Bit = declares8Bit && extensions.has('8BITMIME') && !isAsciiBuffer(bytes)
  const body = is8Bit ? ' BODY=8BITMIME' : ''
  const needsUtf8 = extensions.has('SMTPUTF8') && !(isAscii(mailfrom) && recipients.every(isAscii))
  return `MAIL FROM:<${mailfrom}>${size}${body}${needsUtf8 ? ' SMTPUTF8' : ''}\r\n`
}

export function rcptCommand(rcptto: string): string {
  return `RCPT TO:<${rcptto}>\r\n`
}
