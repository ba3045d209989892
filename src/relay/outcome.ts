// What became of one copy in one attempt, the stage it was reached at, and the texts of what we find out
// ourselves. Stage numbers: Momentum "Connection Stages". Texts marked [internal]: Momentum "Message
// Responses". An outcome's text is one line of at most 1,024 characters without control characters.
import type { Arrival, Lost } from './channel.ts'

export interface Outcome {
  readonly kind: 'delivered' | 'deferred' | 'failed'
  readonly stage: Stage
  readonly code: number
  /** Code, enhanced code and text, as the peer sent them; several lines are joined by a blank. */
  readonly text: string
}

export type Stage = (typeof STAGES)[keyof typeof STAGES]

export const STAGES = {
  notConnected: 0,
  afterMailFrom: 3,
  afterRcptTo: 5,
  afterData: 7,
  sendingBody: 8,
  readingConfirmation: 9,
  afterEhlo: 11,
  readingBanner: 12,
  afterRset: 14,
  afterStarttls: 16,
  afterTls: 18,
} as const

const MAX_TEXT_LENGTH = 1024

/** What we find out ourselves. */
export const EXPIRED = '554 5.4.7 [internal] exceeded max time without delivery'
export const EXHAUSTED = '554 5.4.7 [internal] exceeded max retries without delivery'
export const MALFORMED = '451 4.5.0 [internal] malformed response'
const TIMED_OUT = '450 4.4.1 [internal] Connection Timed Out'
const UNREACHABLE = '451 4.4.1 [internal] No valid hosts (unable to make any connections)'
const CLOSED = '451 4.4.2 [internal] connection closed by remote host'
const BODY_STUCK = '451 4.4.2 [internal] send BODY failed'

const SILENT: Readonly<Partial<Record<Stage, string>>> = {
  [STAGES.readingBanner]: '451 4.4.2 [internal] no banner',
  [STAGES.afterEhlo]: '451 4.4.2 [internal] no HELO/EHLO response',
  [STAGES.afterMailFrom]: '451 4.4.2 [internal] no MAIL FROM response',
  [STAGES.afterRcptTo]: '451 4.4.2 [internal] no RCPT TO response',
  [STAGES.afterData]: '451 4.4.2 [internal] no DATA response',
  [STAGES.readingConfirmation]: '451 4.4.2 [internal] no BODY response',
  [STAGES.afterRset]: '451 4.4.2 [internal] no RSET response',
  [STAGES.afterStarttls]: '451 4.4.2 [internal] no STARTTLS response',
  [STAGES.afterTls]: '451 4.4.2 [internal] no TLS handshake',
}

/** An outcome whose kind follows from the code that `text` begins with; an odd one is temporary. */
export function outcome(stage: Stage, text: string): Outcome {
  const code = Number(text.slice(0, 3))
  const kind = isIn(code, 200) ? 'delivered' : isIn(code, 500) ? 'failed' : 'deferred'
  return { kind, stage, code, text: oneLine(text) }
}

/** What an answer other than the hoped-for one means; success where only confirmation can succeed. */
export function judge(arrival: Arrival, stage: Stage): Outcome {
  if (arrival.kind === 'lost') return judgeLoss(arrival, stage)
  const isMeaningful =
    arrival.code >= 400 || (arrival.code < 300 && stage === STAGES.readingConfirmation)
  return outcome(stage, isMeaningful ? arrival.text : MALFORMED)
}

/** Replaces control characters and bounds the length: no reply of a peer breaks a log or a header. */
export function oneLine(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.slice(0, MAX_TEXT_LENGTH).replace(/[\0-\x1f\x7f]/g, ' ')
}

/** The RFC 3463 status of a reply line, or `4.0.0` / `5.0.0` where it states none of that class. */
export function enhancedStatus(text: string): string {
  const stated = /^([245])\d\d[ -](\1\.\d{1,3}\.\d{1,3})(?![\d.])/.exec(text)
  return stated?.[2] ?? `${text.startsWith('5') ? 5 : 4}.0.0`
}

function isIn(code: number, hundred: number): boolean {
  return code >= hundred && code < hundred + 100
}

function judgeLoss(lost: Lost, stage: Stage): Outcome {
  if (!lost.isConnected) {
    return outcome(STAGES.notConnected, lost.cause === 'timeout' ? TIMED_OUT : UNREACHABLE)
  }
  if (lost.cause === 'tls') {
    return outcome(stage, `454 4.7.5 [internal] TLS handshake failed: ${lost.note ?? 'closed'}`)
  }
  if (lost.cause === 'malformed') return outcome(stage, MALFORMED)
  if (lost.isWriting && stage === STAGES.readingConfirmation) {
    return outcome(STAGES.sendingBody, BODY_STUCK)
  }
  return outcome(stage, lost.cause === 'timeout' ? (SILENT[stage] ?? CLOSED) : CLOSED)
}
