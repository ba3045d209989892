// The lines of Momentum's log files (manual pages "log_formats.mainlog", "log_formats.bouncelog",
// "log_formats.rejectlog", "log_formats.paniclog"). Byte strings without line end; times are epoch
// seconds. Pure. Whatever the wire holds, one event is one line with a fixed number of fields: control
// characters become `\xHH`, and a backslash stands before an `@` or backslash of a local part.
import { splitAddress } from '../mail/address.ts'
import type { Context, ContextVariables } from '../mail/context.ts'
import type { Egress } from '../mail/envelope.ts'
import { SmtpError } from '../mail/reply.ts'

/** What all lines about one copy begin with. */
export interface CopyLine {
  readonly seconds: number
  readonly messageId: string
  readonly batchId: string
  readonly connectionId: string
  readonly egress: Egress
}

export interface ReceptionLine extends CopyLine {
  readonly rcptto: string
  readonly mailfrom: string
  readonly peerAddress: string
  readonly sizeBytes: number
}

export function receptionLine(line: ReceptionLine): string {
  return join([
    ...head(line, 'R'),
    ...addressFields(line.rcptto),
    ...addressFields(line.mailfrom),
    line.peerAddress,
    line.sizeBytes,
    'esmtp',
    line.egress.group,
    line.egress.binding,
  ])
}

export interface AttemptLine extends CopyLine {
  readonly domain: string
  readonly sizeBytes: number
  readonly retries: number
  readonly queueSeconds: number
  readonly remoteAddress: string
}

export function deliveryLine(line: AttemptLine): string {
  return join([
    ...head(line, 'D'),
    line.domain,
    line.sizeBytes,
    line.egress.group,
    line.egress.binding,
    line.retries,
    line.queueSeconds,
    line.remoteAddress,
  ])
}

export interface FailureLine extends AttemptLine {
  /** Momentum's stage code: where the conversation stood. */
  readonly stage: number
  readonly text: string
}

/** `T` for a temporary failure, `P` for a permanent one. */
export function failureLine(type: 'T' | 'P', line: FailureLine): string {
  return join([
    ...head(line, type),
    line.domain,
    line.sizeBytes,
    line.egress.group,
    line.egress.binding,
    line.stage,
    line.retries,
    line.queueSeconds,
    line.remoteAddress,
    line.text,
  ])
}

export interface BounceLine extends FailureLine {
  readonly rcptto: string
  readonly mailfrom: string
  readonly bounceClass: number
}

/** Of bouncelog: `B` for a permanent failure, `T` for a temporary one. */
export function bounceLine(type: 'B' | 'T', line: BounceLine): string {
  return join([
    ...head(line, type),
    ...addressFields(line.rcptto),
    ...addressFields(line.mailfrom),
    line.egress.group,
    line.egress.binding,
    line.stage,
    line.bounceClass,
    line.sizeBytes,
    line.remoteAddress,
    line.text,
  ])
}

/** Of bouncelog. */
export function bounceHeartbeatLine(seconds: number): string {
  return `${seconds}@@@@M1`
}

export function heartbeatLine(seconds: number): string {
  return `${seconds}@@@@M`
}

export interface RejectionLine {
  readonly seconds: number
  readonly remote: string
  readonly local: string
  readonly connectionId: string
  readonly pathway: string
  readonly pathwayGroup: string
  /** The phase string: how far the conversation had come. */
  readonly state: string
  readonly code: number
  /** Who decided: `scriptlet` for Lua. */
  readonly module: string
  readonly context: Context
  readonly text: string
}

export function rejectionLine(line: RejectionLine): string {
  const fields = [
    `R="${line.remote}"`,
    `L="${line.local}"`,
    `C="${line.connectionId}"`,
    `PATH="${printable(line.pathway)}"`,
    `PATH_GRP="${printable(line.pathwayGroup)}"`,
    `P="${line.state}"`,
    `E=${line.code}`,
    `M=${line.module}`,
    `CTXCONN=[${pairs(line.context.connection)}]`,
    `CTXMESS=[${pairs(line.context.message)}]`,
    printable(line.text),
  ]
  return `${line.seconds}: ${fields.join(' ')}`
}

export function markerLine(seconds: number): string {
  return `${seconds}: Marker 1`
}

/** Line breaks inside the text stay: one `print` may span lines. */
export function panicLine(seconds: number, origin: string, text: string): string {
  return `${seconds}:${origin}: ${text}`
}

/** An unexpected error for a log: with its stack, which is where a bug shows. */
export function errorText(error: unknown): string {
  // What a client is told is no fault of ours: where it came from says nothing.
  if (error instanceof SmtpError) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** Control characters as `\xHH`. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\0-\x1f\x7f]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`
  })
}

function head(line: CopyLine, type: string): (string | number)[] {
  return [line.seconds, line.messageId, line.batchId, line.connectionId, type]
}

function addressFields(address: string): [localpart: string, domain: string] {
  const { localpart, domain } = splitAddress(address)
  return [localpart.replace(/[@\\]/g, '\\$&'), domain]
}

function join(fields: readonly (string | number)[]): string {
  return fields.map((field) => printable(String(field))).join('@')
}

/** `k=v,k="quoted v"`: quoted where the value holds a blank or a character of the notation itself. */
function pairs(variables: ContextVariables): string {
  const quote = (value: string): string =>
    /[\s,="[\]\\]/.test(value) ? `"${value.replace(/["\\]/g, '\\$&')}"` : value
  return [...variables].map(([key, value]) => printable(`${key}=${quote(value)}`)).join(',')
}

export interface AuthenticationLine {
  readonly seconds: number
  /** Address and port that took the connection. */
  readonly listener: string
  readonly peer: string
  readonly user: string
  readonly isGood: boolean
}

/** A line of acctlog; a backslash stands before whatever would end a field or the line. */
export function authenticationLine(line: AuthenticationLine): string {
  // oxlint-disable-next-line no-control-regex
  const field = (text: string): string => text.replace(/[@\\\0-\x1f\x7f]/g, '\\$&')
  const { seconds, listener, peer, user, isGood } = line
  return [String(seconds), 'N', listener, peer, user].map(field).join('@') + `@${isGood ? 1 : 0}`
}
