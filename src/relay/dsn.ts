// Delivery status notifications (RFC 3464 in the multipart/report of RFC 6522): what the sender is told
// about recipients that got nothing, with the header of the message. Pure. Only us-ascii, but for the
// original header and an internationalised sender. Nothing that a peer said can end a line here.
import { isAscii } from 'node:buffer'
import { fromBytes } from '../mail/bytes.ts'
import { oneLine } from './outcome.ts'

export interface DsnFailure {
  readonly rcptto: string
  /** As the sender named it, e.g. `rfc822;a@b`. */
  readonly originalRecipient?: string
  /** RFC 3463, e.g. `5.1.1`. */
  readonly status: string
  /** The reply that decided it. */
  readonly diagnostic: string
  readonly action: 'failed' | 'delayed'
  /** The name or address of the host that said so, if one did. */
  readonly remoteHost?: string
}

export interface Dsn {
  /** Our name: the reporting MTA. */
  readonly hostname: string
  /** Epoch milliseconds. */
  readonly now: number
  /** Unique; becomes the Message-ID and the boundary. */
  readonly id: string
  /** The sender's own name of the message. */
  readonly envelopeId?: string
  /** The sender of the failed message; must not be the null sender (RFC 5321 §6.1). */
  readonly returnTo: string
  readonly failures: readonly DsnFailure[]
  /** The header block as sent, with or without the empty line after it. */
  readonly originalHeader: Buffer
}

const MAX_DIAGNOSTIC_LENGTH = 800
const MAX_HEADER_OCTETS = 65_536

export function makeDsn(dsn: Dsn): Buffer {
  const originalHeader = trimHeader(dsn.originalHeader)
  const boundary = chooseBoundary(dsn.id, originalHeader)
  const part = (lines: readonly string[]): Buffer =>
    Buffer.from(`--${boundary}\r\n${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  return Buffer.concat([
    Buffer.from(`${header(dsn, boundary).join('\r\n')}\r\n\r\n`, 'latin1'),
    part(['Content-Type: text/plain; charset=us-ascii', '', ...explanation(dsn)]),
    part(['Content-Type: message/delivery-status', '', ...status(dsn)]),
    part([
      'Content-Type: text/rfc822-headers',
      `Content-Transfer-Encoding: ${isAscii(originalHeader) ? '7bit' : '8bit'}`,
      'Content-Description: Header of the message',
    ]),
    originalHeader,
    Buffer.from(`\r\n--${boundary}--\r\n`, 'latin1'),
  ])
}

function header(dsn: Dsn, boundary: string): string[] {
  return [
    `Date: ${new Date(dsn.now).toUTCString().replace('GMT', '+0000')}`,
    `From: Mail Delivery System <MAILER-DAEMON@${dsn.hostname}>`,
    `To: <${oneLine(dsn.returnTo)}>`,
    `Message-ID: <${dsn.id.replace(/[^\w.-]/g, '.')}@${dsn.hostname}>`,
    'Subject: Mail delivery failure',
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=delivery-status;',
    `\tboundary="${boundary}"`,
  ]
}

function explanation({ hostname, failures }: Dsn): string[] {
  return [
    `This is the mail system at ${hostname}.`,
    '',
    'Your message did not reach the following recipients:',
    '',
    ...failures.flatMap(({ rcptto, diagnostic }) => [
      `    <${ascii(rcptto)}>`,
      ...fold(ascii(diagnostic)).map((line) => `        ${line}`),
      '',
    ]),
    'The header of your message is attached.',
  ]
}

function status({ envelopeId, hostname, failures }: Dsn): string[] {
  const named = envelopeId ? [`Original-Envelope-Id: ${ascii(envelopeId)}`] : []
  return [...named, `Reporting-MTA: dns; ${hostname}`, ...failures.flatMap(recipientStatus)]
}

function recipientStatus(failure: DsnFailure): string[] {
  const { action, diagnostic, originalRecipient, rcptto, remoteHost, status: code } = failure
  return [
    '',
    ...(originalRecipient ? [`Original-Recipient: ${ascii(originalRecipient)}`] : []),
    `Final-Recipient: ${recipient(rcptto)}`,
    `Action: ${action}`,
    `Status: ${/^[245]\.\d{1,3}\.\d{1,3}$/.test(code) ? code : '5.0.0'}`,
    ...(remoteHost ? [`Remote-MTA: dns; ${ascii(remoteHost)}`] : []),
    `Diagnostic-Code: smtp; ${fold(ascii(diagnostic)).join('\r\n\t')}`,
  ]
}

/** RFC 6533 §3: octets of an internationalised address as `\x{…}`. */
function recipient(rcptto: string): string {
  const address = oneLine(rcptto)
  if (!/[\x80-\xff]/.test(address)) return `rfc822; ${address}`
  const text = Buffer.from(address, 'latin1').toString('utf8')
  const escaped = Array.from(text, (c) => {
    const code = c.codePointAt(0) ?? 0
    return code > 0x7e || c === '\\' || c === '+' || c === '='
      ? `\\x{${code.toString(16).toUpperCase()}}`
      : c
  })
  return `utf-8; ${escaped.join('')}`
}

function ascii(text: string): string {
  return oneLine(text.slice(0, MAX_DIAGNOSTIC_LENGTH)).replace(/[\x80-\uffff]/g, '?')
}

/** Lines of at most 70 characters or a little more; longer words are cut. */
function fold(text: string): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.match(/[^ ]{1,70}/g) ?? []) {
    if (line && line.length + word.length >= 70) {
      lines.push(line)
      line = ''
    }
    line = line ? `${line} ${word}` : word
  }
  return [...lines, line]
}

/** At most 64 KiB, cut after a line; no empty line at the end. */
function trimHeader(octets: Buffer): Buffer {
  const end = octets.indexOf('\r\n\r\n')
  const whole = octets.subarray(0, end < 0 ? octets.length : end + 2)
  if (whole.length <= MAX_HEADER_OCTETS) return whole
  return whole.subarray(0, whole.lastIndexOf('\r\n', MAX_HEADER_OCTETS) + 2)
}

function chooseBoundary(id: string, originalHeader: Buffer): string {
  const text = fromBytes(originalHeader)
  let boundary = `=_report_${id.replace(/[^\w.-]/g, '.')}`
  while (text.includes(boundary)) boundary += '_'
  return boundary
}
