// From the final dot to the reply: the phases on the whole message, the copies, what they come to, the
// spool. 250 is said when everything is on disk. Which reply several recipients give: Momentum manual
// page "conf.ref.generate_bounces_for_multi_recipient_policy_rejections".
import type { Address } from '../mail/address.ts'
import { copyContext } from '../mail/context.ts'
import { andThen, type Eventually } from '../mail/eventually.ts'
import { siblingId } from '../mail/ids.ts'
import { forkMessage, type Message } from '../mail/message.ts'
import { isSuccess, type Reply } from '../mail/reply.ts'
import { splitHeader } from '../mime/field.ts'
import { findFields } from '../mime/header.ts'
import type { Entry } from '../spool/entry.ts'
import type { Explain } from '../tracking/explain.ts'
import type { Received } from './conversation.ts'
import { type CopyResult, endsTransaction, runCopies } from './copies.ts'
import { messageFacts } from './facts.ts'
import { openSealing, type Sealing, type SealingOptions } from './seal.ts'
import { NO_MEMORY } from './refusal.ts'
import type { Session, Transaction } from './state.ts'
import { receivedField } from './trace.ts'
import { judge, logRejection, OWN_CHECK, SCRIPTLET } from './verdict.ts'

export interface ReceptionOptions {
  readonly sealing: Pick<
    SealingOptions,
    | 'keyring'
    | 'isTrackingEnabled'
    | 'isExplained'
    | 'includeMetadata'
    | 'maxMetadataLength'
    | 'growthLimit'
  > & { readonly customPrefix: string }
  newSalt(): Buffer
  /** Durable when it resolves; the relay has the entry then. Rejects with an SmtpError. */
  store(stored: Acceptance): Promise<void>
}

/** What one transaction brings to the spool. */
export interface Acceptance {
  readonly session: Session
  readonly entry: Entry
  readonly data: Buffer
  /** What was done to the links of each copy, in their order; undefined where it is not tracked. */
  readonly explains: readonly ((() => Explain) | undefined)[]
  /** Recipients that policy refused after all, to be told to the sender. */
  readonly refused: readonly { readonly rcptto: string; readonly reply: Reply }[]
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
  const topic = { msg: transaction.msg }
  return andThen(judge(session, WHOLE_MESSAGE, topic), (verdict) => {
    if (verdict && !isSuccess(verdict)) return verdict
    // Nobody hears a reply: the client will send it again.
    if (transaction.msg.gone) return CLIENT_GONE
    const { discarded } = transaction.msg.current
    if (discarded) return discard(session, transaction.msg.current, discarded, verdict)
    if (transaction.recipients.list.length === 0) {
      return discard(session, transaction.msg.current, NOBODY_LEFT, verdict)
    }
    return receiveCopies(options, session, transaction, verdict)
  })
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

/** The message that policy sees: as received, with the trace field on top. */
function parseMessage(session: Session, transaction: Transaction, bytes: Buffer): Message | Reply {
  // Not all of it: a message that never ends its header may have a field in every octet or two.
  const top = bytes.subarray(0, MAX_HEADER_BYTES)
  const { fields, separator, body: rest } = splitHeader(top)
  const body = bytes.subarray(top.length - rest.length)
  if (separator.length === 0 && bytes.length > MAX_HEADER_BYTES) {
    return { code: 552, enhanced: '5.3.4', text: 'message header too large' }
  }
  if (findFields(fields, 'received').length > MAX_HOPS) {
    return { code: 554, enhanced: '5.4.6', text: 'too many hops' }
  }
  const { options, now } = session.surroundings
  const receivedMs = now()
  if (findFields(fields, 'date').length === 0) {
    session.context.message.set('rfc2822_date_missing', 'true')
  }
  session.context.connection.set('connection_message_count', String(session.messageCount))
  const trace = options.traceHeaders ? [receivedField(session, transaction, receivedMs)] : []
  const all = [...trace, ...fields]
  return { ...transaction.msg.current, base: bytes, fields: all, separator, body, receivedMs }
}

function headerOf(bytes: Buffer): Buffer {
  const top = bytes.subarray(0, MAX_HEADER_BYTES)
  return top.subarray(0, top.length - splitHeader(top).body.length)
}

/** A copy whose context names its own recipient. */
function forkCopy(parent: Message, rcptto: Address, index: number): Message {
  const id = siblingId(parent.batchId, index)
  const copy = forkMessage(parent, id, { ...parent.envelope, rcptto })
  const { message } = copy.context
  message.set('rcptto_string', `RCPT TO:<${rcptto.text}>`)
  message.set('rcptto_localpart', rcptto.localpart)
  message.set('rcptto_domain', rcptto.domain)
  return copy
}

/** Makes the copies, runs them, and says what they come to. */
function receiveCopies(
  options: ReceptionOptions,
  session: Session,
  { msg, recipients }: Transaction,
  verdict: Reply | undefined,
): Eventually<Reply> {
  // The session's dictionaries may change while copies wait for something; these do not.
  const parent = { ...msg.current, context: copyContext(session.context) }
  const transmissionId = session.surroundings.ids.transmission()
  const sealing = openSealing(parent.base, sealingOptions(options, session, parent, transmissionId))
  const copies = recipients.list.map((rcptto, i) => forkCopy(parent, rcptto, i))
  return andThen(runCopies(session, copies, sealing), (done) => {
    const { results, tarpitSeconds, disconnect } = done
    const transacted = { parent, copies, results, sealing, verdict, transmissionId }
    return andThen(settle(options, session, transacted), (settled) => {
      const reply = disconnect ? { ...settled, close: true } : settled
      if (tarpitSeconds === 0) return reply
      return session.surroundings.delay(tarpitSeconds * 1000).then(() => reply)
    })
  })
}

interface Transacted {
  readonly parent: Message
  readonly copies: readonly Message[]
  readonly results: readonly CopyResult[]
  readonly sealing: Sealing
  /** Policy's own success text, if any. */
  readonly verdict: Reply | undefined
  readonly transmissionId: string
}

/** What the results of the copies come to. */
function settle(
  options: ReceptionOptions,
  session: Session,
  transacted: Transacted,
): Eventually<Reply> {
  const { copies, parent, results, sealing, verdict } = transacted
  const fatal = results.find(endsTransaction) ?? onlyRejections(results)
  if (fatal && (fatal.kind === 'rejected' || fatal.kind === 'failed')) {
    const { context } = copies[results.indexOf(fatal)] ?? parent
    // Policy's own rejections are logged when they are made.
    return fatal.kind === 'failed' ? refuse(session, fatal.reply, context) : fatal.reply
  }
  logDiscards(session, copies, results)
  const reply = success(parent, verdict)
  const accepted = results.filter((result) => result.kind === 'accepted')
  const refused = results.flatMap((result, i) =>
    result.kind === 'rejected'
      ? [{ rcptto: copies[i]?.envelope.rcptto.text ?? '', reply: result.reply }]
      : [],
  )
  if (accepted.length === 0 && refused.length === 0) return reply
  const entry: Entry = {
    batchId: parent.batchId,
    connectionId: parent.connectionId,
    receivedMs: parent.receivedMs,
    mailfrom: parent.envelope.mailfrom.text,
    facts: messageFacts(parent, transacted.transmissionId),
    context: {
      connection: Object.fromEntries(parent.context.connection),
      message: Object.fromEntries(parent.context.message),
    },
    copies: accepted.map(({ copy }) => copy),
  }
  const acceptance: Acceptance = {
    session,
    entry,
    data: sealing.data.bytes(),
    explains: accepted.map(({ explain }) => explain),
    refused,
    originalHeader: headerOf(parent.base),
  }
  return options.store(acceptance).then(() => reply)
}

/** All recipients refused: that is the reply, and nobody is told apart. */
function onlyRejections(results: readonly CopyResult[]): CopyResult | undefined {
  return results.every(({ kind }) => kind === 'rejected') ? results[0] : undefined
}

function success(message: Message, verdict: Reply | undefined): Reply {
  return verdict ?? { code: 250, enhanced: '2.0.0', text: `OK ${message.batchId}` }
}

function sealingOptions(
  options: ReceptionOptions,
  session: Session,
  message: Message,
  transmissionId: string,
): SealingOptions {
  const { ids, journal } = session.surroundings
  return {
    ...options.sealing,
    salt: options.newSalt(),
    listener: session.surroundings.options,
    common: message.context,
    transmissionId,
    nowSeconds: Math.floor(message.receivedMs / 1000),
    newMessageId: () => ids.message(),
    log: (text) => journal.panic('smtpapi', text),
  }
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
