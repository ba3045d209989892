// From the final dot to the reply: the phases on the whole message, the copies, what they come to, the
// spool. 250 is said when everything is on disk. Which reply several recipients give: Momentum manual
// page "conf.ref.generate_bounces_for_multi_recipient_policy_rejections".
import { copyContext } from '../mail/context.ts'
import { wantsFailures } from '../mail/envelope.ts'
import { andThen, type Eventually } from '../mail/eventually.ts'
import type { Message } from '../mail/message.ts'
import { isSuccess, type Reply } from '../mail/reply.ts'
import { splitHeader } from '../mime/field.ts'
import { findFields } from '../mime/header.ts'
import type { Explain } from '../tracking/explain.ts'
import type { Received } from './conversation.ts'
import { headerRefusal, limitLines, missingFields, splitMessage } from './conformance.ts'
import type { MessageHandle } from '../msys/handle.ts'
import { type CopyResult, endsTransaction, replyAfter, runCopies } from './copies.ts'
import { openOutbox, type Outbox, runOutbox } from './injection.ts'
import { forkCopy, type OpenParcel, openParcel, type Parcel, type ParcelOptions } from './parcel.ts'
import { NO_MEMORY } from './refusal.ts'
import type { Session, Transaction } from './state.ts'
import { addTrace } from './trace.ts'
import { judge, logRejection, OWN_CHECK, SCRIPTLET } from './verdict.ts'
import { viewOf } from './view.ts'

export interface ReceptionOptions extends ParcelOptions {
  /** Durable when it resolves; the relay has the entry then. Rejects with an SmtpError. */
  store(stored: Acceptance): Promise<void>
  /** The same for messages that policy sends alone. */
  queue(session: Session, parcels: readonly Parcel[]): Promise<void>
}

/** What one transaction brings to the spool. */
export interface Acceptance extends Parcel {
  readonly session: Session
  /** What policy sends beside it. */
  readonly injected: readonly Parcel[]
  /** What was done to the links of each copy, in their order; undefined: it is not tracked, or nobody looks. */
  readonly explains: readonly ((() => Explain) | undefined)[]
  /** Recipients that policy refused after all, to be told to the sender. */
  readonly refused: readonly { readonly rcptto: string; readonly reply: Reply }[]
  /** The copies, for `core_log_reception_v1`; none where no script has it. */
  readonly received: readonly MessageHandle[]
  /** For the notification: the header as received. */
  readonly originalHeader: Buffer
}

export function receive(
  options: ReceptionOptions,
  session: Session,
  transaction: Transaction,
  received: Received,
): Eventually<Reply> {
  if (received.kind !== 'message') return refuse(session, UNREADABLE[received.kind])
  const message = parseMessage(session, transaction, received.bytes)
  if ('code' in message) return refuse(session, message)
  transaction.msg.current = message
  return andThen(addTrace(session, transaction), () => judgeMessage(options, session, transaction))
}

function judgeMessage(
  options: ReceptionOptions,
  session: Session,
  transaction: Transaction,
): Eventually<Reply> {
  const outbox = openOutbox(session)
  const topic = { msg: transaction.msg, sending: outbox.sending }
  const conclude = (outcome: Reply | Settled): Eventually<Reply> =>
    storeAll(options, session, outbox, 'reply' in outcome ? outcome : { reply: outcome })
  return andThen(judge(session, WHOLE_MESSAGE, topic), (verdict) => {
    if (verdict && !isSuccess(verdict)) return conclude(verdict)
    // Nobody hears a reply: the client will send it again.
    if (transaction.msg.gone) return CLIENT_GONE
    const { discarded } = transaction.msg.current
    if (discarded) return conclude(discard(session, transaction.msg.current, discarded, verdict))
    if (transaction.recipients.list.length === 0) {
      return conclude(discard(session, transaction.msg.current, NOBODY_LEFT, verdict))
    }
    return receiveCopies(options, session, transaction, outbox, verdict, conclude)
  })
}

/** What the copies came to: the reply, and what must be on disk before it is given. */
interface Settled {
  readonly reply: Reply
  readonly acceptance?: Acceptance
}

/**
 * Stores the copies and what policy sends beside them, then gives the reply. After a temporary failure
 * nothing is stored: the client will send everything again, and policy will run again.
 */
function storeAll(
  options: ReceptionOptions,
  session: Session,
  outbox: Outbox,
  { reply, acceptance }: Settled,
): Eventually<Reply> {
  if (reply.code >= 400 && reply.code < 500) return reply
  return andThen(runOutbox(options, session, outbox), (outcome) => {
    if (outcome.kind === 'failed') return refuse(session, outcome.reply)
    const { parcels } = outcome
    if (acceptance) {
      return options.store({ ...acceptance, injected: parcels }).then(() => {
        tellReceptions(session, acceptance)
        return reply
      })
    }
    return parcels.length > 0 ? options.queue(session, parcels).then(() => reply) : reply
  })
}

/** `core_log_reception_v1`, of each copy that is on disk. */
function tellReceptions(session: Session, { received }: Acceptance): void {
  const { ac, sending, surroundings } = session
  const extra = { now: surroundings.now() / 1000, note: '', note_len: 0 }
  for (const msg of received) {
    const vctx = viewOf(session, msg.current.context)
    const subject = { msg, ac, vctx, sending, extra }
    const told = session.policy.run('core_log_reception_v1', subject)
    void andThen(told, () => (msg.gone = 'its copy has been spooled'))
  }
}

const WHOLE_MESSAGE = [
  'validate_data',
  'validate_rcptto_list',
  'validate_rcptto_list_final',
  'validate_data_spool',
] as const

/** Policy took every recipient from the envelope. */
const NOBODY_LEFT = '550 5.1.1 [internal] no recipient left by policy'

const CLIENT_GONE: Reply = { code: 421, enhanced: '4.4.2', text: 'connection lost' }

const MAX_HEADER_BYTES = 64 * 1024
const MAX_HOPS = 100

const UNREADABLE: Readonly<Record<Exclude<Received['kind'], 'message'>, Reply>> = {
  'too large': { code: 552, enhanced: '5.3.4', text: 'message size limit exceeded' },
  'lone line end': {
    code: 550,
    enhanced: '5.6.0',
    text: 'message has a CR or LF that stands alone (RFC 5321 section 2.3.8)',
  },
  'no room': NO_MEMORY,
}

/** The message that policy sees: as received, or as the configuration wants it. */
function parseMessage(
  session: Session,
  transaction: Transaction,
  received: Buffer,
): Message | Reply {
  const { hostname, now, options } = session.surroundings
  const bytes = limitLines(options, received)
  if ('code' in bytes) return bytes
  // Not all of it: a message that never ends its header may have a field in every octet or two.
  const top = bytes.subarray(0, MAX_HEADER_BYTES)
  const { fields, separator, body } = splitMessage(bytes, top)
  if (separator.length === 0 && bytes.length > MAX_HEADER_BYTES) {
    return { code: 552, enhanced: '5.3.4', text: 'message header too large' }
  }
  if (findFields(fields, 'received').length > MAX_HOPS) {
    return { code: 554, enhanced: '5.4.6', text: 'too many hops' }
  }
  const refusal = headerRefusal(options, fields)
  if (refusal) return refusal
  const receivedMs = now()
  if (findFields(fields, 'date').length === 0) {
    session.context.message.set('rfc2822_date_missing', 'true')
  }
  session.context.connection.set('connection_message_count', String(session.messageCount))
  const { current } = transaction.msg
  const messageId = `${current.batchId.replaceAll('/', '.')}@${hostname}`
  const added = missingFields(options, fields, { nowMs: receivedMs, messageId })
  return { ...current, base: bytes, fields: [...fields, ...added], separator, body, receivedMs }
}

function headerOf(bytes: Buffer): Buffer {
  const top = bytes.subarray(0, MAX_HEADER_BYTES)
  return top.subarray(0, top.length - splitHeader(top).body.length)
}

/** Makes the copies, runs them, and says what they come to. */
function receiveCopies(
  options: ReceptionOptions,
  session: Session,
  { msg, notify, recipients }: Transaction,
  { sending }: Outbox,
  verdict: Reply | undefined,
  conclude: (settled: Settled) => Eventually<Reply>,
): Eventually<Reply> {
  // The session's dictionaries may change while copies wait for something; these do not.
  const parent = { ...msg.current, context: copyContext(session.context) }
  const parcel = openParcel(options, session, parent)
  const copies = recipients.list.map((rcptto, i) =>
    forkCopy(parent, rcptto, i, notify.get(rcptto.text)),
  )
  return andThen(runCopies(session, copies, parcel.sealing, { sending }), (done) => {
    const settled = settle(session, { parent, copies, results: done.results, parcel, verdict })
    return replyAfter(session, conclude(settled), done)
  })
}

interface Transacted {
  readonly parent: Message
  readonly copies: readonly Message[]
  readonly results: readonly CopyResult[]
  readonly parcel: OpenParcel
  /** Policy's own success text, if any. */
  readonly verdict: Reply | undefined
}

/** What the results of the copies come to. */
function settle(session: Session, transacted: Transacted): Settled {
  const { copies, parent, results, parcel, verdict } = transacted
  const fatal = results.find(endsTransaction) ?? onlyRejections(results)
  if (fatal && (fatal.kind === 'rejected' || fatal.kind === 'failed')) {
    const { context } = copies[results.indexOf(fatal)] ?? parent
    // Policy's own rejections are logged when they are made.
    if (fatal.kind === 'failed') refuse(session, fatal.reply, context)
    return { reply: fatal.reply }
  }
  logDiscards(session, copies, results)
  const reply = success(parent, verdict)
  const accepted = results.filter((result) => result.kind === 'accepted')
  const refused = results.flatMap((result, i) =>
    result.kind === 'rejected' && wantsFailures(copies[i]?.envelope.notify)
      ? [{ rcptto: copies[i]?.envelope.rcptto.text ?? '', reply: result.reply }]
      : [],
  )
  if (accepted.length === 0 && refused.length === 0) return { reply }
  const acceptance: Acceptance = {
    session,
    ...parcel.close(accepted.map(({ copy }) => copy)),
    injected: [],
    explains: accepted.map(({ explain }) => explain),
    refused,
    received: accepted.flatMap((result) => result.received ?? []),
    originalHeader: headerOf(parent.base),
  }
  return { reply, acceptance }
}

/** All recipients refused: that is the reply, and nobody is told apart. */
function onlyRejections(results: readonly CopyResult[]): CopyResult | undefined {
  return results.every(({ kind }) => kind === 'rejected') ? results[0] : undefined
}

function success(message: Message, verdict: Reply | undefined): Reply {
  return verdict ?? { code: 250, enhanced: '2.0.0', text: `OK ${message.batchId}` }
}

/** Dropped in silence: the client sees success, the log a rejection. */
function discard(
  session: Session,
  message: Message,
  reason: string,
  verdict: Reply | undefined,
): Reply {
  logDiscard(session, message, reason)
  return success(message, verdict)
}

function logDiscards(
  session: Session,
  copies: readonly Message[],
  results: readonly CopyResult[],
): void {
  results.forEach((result, i) => {
    const copy = copies[i]
    if (result.kind === 'discarded' && copy) logDiscard(session, copy, result.reason)
  })
}

function logDiscard(session: Session, { context }: Message, reason: string): void {
  const reply = { code: Number(reason.slice(0, 3)), text: reason.slice(4) }
  logRejection(session, { state: 'async body response', reply, module: SCRIPTLET, context })
}

function refuse(session: Session, reply: Reply, context = session.context): Reply {
  logRejection(session, { state: 'reading body', reply, module: OWN_CHECK, context })
  return reply
}
