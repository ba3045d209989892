// The fields that reception puts on top: Received (RFC 5321 §4.4), and what was found out about the sender.
import { makeField, type Field } from '../mime/field.ts'
import { mailDate } from '../mail/date.ts'
import { andThen, type Eventually } from '../mail/eventually.ts'
import type { EcString } from '../msys/ecstring.ts'
import type { Session, Transaction } from './state.ts'

const HOOK = 'core_get_received_header_text'

/** The trace field on top, where the configuration wants one, and above it what is said of the sender. */
export function addTrace(session: Session, transaction: Transaction): Eventually<void> {
  const { msg, senderFields = [] } = transaction
  const put = (fields: readonly Field[]): void => {
    msg.current = { ...msg.current, fields: [...fields, ...msg.current.fields] }
  }
  if (!session.surroundings.options.traceHeaders) return put(senderFields)
  const { receivedMs } = msg.current
  return andThen(receivedField(session, transaction, receivedMs), (field) =>
    put([...senderFields, field]),
  )
}

/** Policy may give it another text (manual page "hooks.core.get_received_header_text"). */
function receivedField(
  session: Session,
  transaction: Transaction,
  nowMs: number,
): Eventually<Field> {
  const { ac, sending, surroundings, vctx } = session
  if (!surroundings.policy.has(HOOK)) return ownField(session, transaction, nowMs)
  const response: EcString = { kind: 'ec_string', text: '' }
  const subject = { msg: transaction.msg, ac, vctx, sending, extra: { response } }
  return andThen(session.policy.run(HOOK, subject), ({ kind }) => {
    const text = response.text.replace(/^Received:\s*/i, '').trimEnd()
    return kind === 'answer' && text !== ''
      ? makeField('Received', text)
      : ownField(session, transaction, nowMs)
  })
}

/** One field for all copies: it names no recipient, so that copies of several share it and tell nothing. */
function ownField(session: Session, transaction: Transaction, nowMs: number): Field {
  const { hello, peer, surroundings } = session
  const { msg, parameters } = transaction
  const utf8 = parameters.has('SMTPUTF8') ? 'UTF8SMTP' : hello?.verb === 'EHLO' ? 'ESMTP' : 'SMTP'
  const by = surroundings.options.receivedHostname
  const address = peer.remoteAddress.includes(':')
    ? `[IPv6:${peer.remoteAddress}]`
    : `[${peer.remoteAddress}]`
  const from = `from ${word(hello?.domain)} (${address})`
  const id = msg.current.batchId
  const value = `${from} by ${by} with ${utf8} id ${id}; ${mailDate(nowMs)}`
  return makeField('Received', value)
}

/** What a client calls itself may hold anything: only what may stand in a comment-free field stays. */
function word(text: string | undefined): string {
  return text?.replace(/[^\w.[\]:-]/g, '?') || 'unknown'
}
