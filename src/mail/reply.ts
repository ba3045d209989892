// SMTP replies (RFC 5321 §4.2) and the error that carries one.
// A reply is what a stranger sees: it never names a path, a script or an address of ours.

export interface Reply {
  readonly code: number
  /** Enhanced status code (RFC 3463), e.g. `5.7.1`; absent where the text is policy's own. */
  readonly enhanced?: string
  /** Byte string; several lines are separated by `\n` (a `\r` before it is dropped). */
  readonly text: string
  /** The connection ends after this reply. */
  readonly close?: boolean
}

/** An expected failure of an SMTP command: the public reply and, apart from it, the private reason. */
export class SmtpError extends Error {
  readonly reply: Reply

  constructor(reply: Reply, reason: string, options?: ErrorOptions) {
    super(reason, options)
    this.name = 'SmtpError'
    this.reply = reply
  }
}

/** The reply to a failure that nothing else explains: temporary, and silent about its cause. */
export const UNKNOWN_FAILURE: Reply = {
  code: 451,
  enhanced: '4.3.0',
  text: 'local error in processing',
}

/** The one place that turns an error into a reply. */
export function replyTo(error: unknown): Reply {
  return error instanceof SmtpError ? error.reply : UNKNOWN_FAILURE
}

export function isSuccess(reply: Reply): boolean {
  return reply.code < 400
}

/** `550 5.7.1 text`, without line ending: for logs and for texts that begin with their code. */
export function replyLine(reply: Reply): string {
  const head = reply.enhanced ? `${reply.code} ${reply.enhanced}` : String(reply.code)
  return `${head} ${reply.text.replace(/\r?\n/g, ' ')}`
}

/** `531 Get out of town`, as policy writes replies; undefined when it is none. */
export function readReply(text: string): Reply | undefined {
  const [, code, rest = ''] = /^([245]\d\d)[ -]?(.*)$/s.exec(text) ?? []
  return code === undefined ? undefined : { code: Number(code), text: rest }
}

// eslint-disable-next-line no-control-regex
const FRAMING = /[\r\n\0]/

/** The reply as sent: every line carries the code (and enhanced code), the last one after a space. */
export function replyBytes(reply: Reply): string {
  const enhanced = reply.enhanced ? `${reply.enhanced} ` : ''
  if (!FRAMING.test(reply.text)) return `${reply.code} ${enhanced}${reply.text}\r\n`
  const lines = reply.text.split(/\r?\n/)
  return lines
    .map((line, i) => {
      const joint = i === lines.length - 1 ? ' ' : '-'
      // A lone CR or NUL from policy must not break the framing.
      // eslint-disable-next-line no-control-regex
      return `${reply.code}${joint}${enhanced}${line.replace(/[\r\0]/g, '')}\r\n`
    })
    .join('')
}
