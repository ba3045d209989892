// MAIL, RCPT and the end of a transaction (RFC 5321 §4.1.1.2–3). Relay control: a recipient is taken when
// the client may relay, or when its domain is one that we relay for; everything else is refused.
import { type Address, splitAddress } from '../mail/address.ts'
import { lowerCase } from '../mail/bytes.ts'
import { andThen, type Eventually } from '../mail/eventually.ts'
import { EMPTY_ENVELOPE } from '../mail/envelope.ts'
import type { Message } from '../mail/message.ts'
import type { Reply } from '../mail/reply.ts'
import type { MessageHandle } from '../msys/handle.ts'
import type { Command } from './conversation.ts'
import { type Check, MAIL_PARAMETERS, notifyOf, RCPT_PARAMETERS } from './dsnparameters.ts'
import { type MailCommand, parseMailCommand } from './path.ts'
import type { Session, SessionSurroundings, Transaction } from './state.ts'
import { judge, logRejection, OWN_CHECK } from './verdict.ts'

export function startTransaction(session: Session, command: Command): Eventually<Reply> {
  const early = reconfigured(session) ?? mailRefusal(session)
  if (early) return early
  const { options } = session.surroundings
  const parsed = readPath(command, 'FROM', options, options.senderDomain)
  if (parsed.kind !== 'path') return syntaxError(parsed)
  const { parameters } = parsed
  const address = qualify(parsed.address, options.senderDomain)
  if (address.text === '' && !options.allowNullEnvelopeSender) {
    return { code: 550, enhanced: '5.7.1', text: 'null envelope sender not allowed' }
  }
  const bad = refusedParameter(parameters, options.maxMessageSize)
  if (bad) return bad
  const { message } = session.context
  message.clear()
  message.set('mailfrom_string', command.line)
  message.set('mailfrom_localpart', address.localpart)
  message.set('mailfrom_domain', address.domain)
  noteRelaySender(session, lowerCase(address.domain))
  // Of the message before.
  session.context.connection.delete('message_rcpt_count')
  // Policy reaches the message by way of the connection.
  session.transaction = openTransaction(session, address, parameters)
  session.vctx.recipients = session.transaction.recipients
  session.surroundings.watcher?.began(session)
  const checked = andThen(checkSender(session, address.text), () =>
    judge(session, ['validate_mailfrom'], { str: command.line }),
  )
  return andThen(checked, (reply) => {
    if (reply && reply.code >= 400) {
      endTransaction(session, 'MAIL FROM was refused')
      return reply
    }
    return reply ?? { code: 250, enhanced: '2.0.0', text: 'MAIL FROM accepted' }
  })
}

function checkSender(
  { surroundings, hello, peer, context, transaction }: Session,
  mailfrom: string,
): Eventually<undefined> {
  const checked = surroundings.checkSender?.({
    mailfrom,
    helo: hello?.domain ?? '',
    address: peer.remoteAddress,
  })
  return checked?.then(({ key, value, fields }) => {
    context.message.set(key, value)
    if (transaction) transaction.senderFields = fields
    return undefined
  })
}

export function addRecipient(session: Session, command: Command): Eventually<Reply> {
  const { transaction } = session
  if (!transaction) return { ...BAD_SEQUENCE, text: 'RCPT TO without MAIL FROM' }
  const { hostname, options } = session.surroundings
  const parsed = readPath(command, 'TO', options, options.recipientDomain)
  if (parsed.kind !== 'path') return syntaxError(parsed)
  const bad = badParameterOf(parsed.parameters, RCPT_PARAMETERS)
  if (bad) return bad
  // A bare `postmaster` is ours (RFC 5321 §4.5.1).
  const rcptto = qualify(parsed.address, options.recipientDomain ?? hostname)
  const full = limitReached(session, transaction)
  if (full) return full
  noteRecipient(session, transaction, command, rcptto)
  if (!options.relaysDomain(lowerCase(rcptto.domain)) && !mayRelay(session)) {
    const reply: Reply = { code: 550, enhanced: '5.7.1', text: 'relaying denied' }
    const { context } = session
    logRejection(session, { state: 'relaying denied', reply, module: OWN_CHECK, context })
    return reply
  }
  const subject = { msg: transaction.msg, str: command.line }
  return andThen(judge(session, ['validate_rcptto'], subject), (reply) => {
    if (reply && reply.code >= 400) return reply
    transaction.recipients.list.push(rcptto)
    const notify = notifyOf(transaction.parameters, parsed.parameters)
    if (notify) transaction.notify.set(rcptto.text, notify)
    return reply ?? { code: 250, enhanced: '2.0.0', text: 'RCPT TO accepted' }
  })
}

/** After a reload the session ends at its next MAIL or RSET, as in Momentum. */
export function reconfigured({ surroundings }: Session): Reply | undefined {
  if (!surroundings.isReplaced()) return undefined
  return { code: 421, text: surroundings.options.reconfigMessage, close: true }
}

/** `why` is what a script that kept the message is told. */
export function endTransaction(session: Session, why: string): void {
  if (session.transaction) session.transaction.msg.gone = why
  session.transaction = undefined
  session.vctx.recipients = undefined
  session.context.message.clear()
}

const BAD_SEQUENCE: Reply = { code: 503, enhanced: '5.5.1', text: 'bad sequence of commands' }

function mailRefusal(session: Session): Reply | undefined {
  const { options, unavailable } = session.surroundings
  if (session.transaction)
    return { code: 501, enhanced: '5.5.1', text: 'MAIL FROM already established' }
  if (options.requireEhlo && !session.hello) {
    return { code: 550, enhanced: '5.5.1', text: 'HELO/EHLO needed' }
  }
  const { maxReceptionsPerConnection: most } = options
  if (most > 0 && session.messageCount >= most) {
    return {
      code: 421,
      enhanced: '4.7.0',
      text: 'too many messages on this connection',
      close: true,
    }
  }
  return unavailable()
}

function openTransaction(
  session: Session,
  mailfrom: Address,
  parameters: Transaction['parameters'],
): Transaction {
  const id = session.surroundings.ids.batch()
  const empty = Buffer.alloc(0)
  const current: Message = {
    id,
    batchId: id,
    connectionId: session.connectionId,
    endpoints: session.peer,
    base: empty,
    fields: [],
    separator: empty,
    body: empty,
    envelope: { ...EMPTY_ENVELOPE, mailfrom },
    context: session.context,
    receivedMs: session.surroundings.now(),
  }
  const msg: MessageHandle = { kind: 'message', current }
  return { mailfrom, parameters, msg, recipients: { list: [] }, notify: new Map() }
}

function noteRecipient(
  session: Session,
  transaction: Transaction,
  command: Command,
  rcptto: Address,
): void {
  const { connection, message } = session.context
  session.recipientCount++
  const { current } = transaction.msg
  transaction.msg.current = { ...current, envelope: { ...current.envelope, rcptto } }
  message.set('rcptto_string', command.line)
  message.set('rcptto_localpart', rcptto.localpart)
  message.set('rcptto_domain', rcptto.domain)
  connection.set('message_rcpt_count', String(transaction.recipients.list.length + 1))
  connection.set('connection_rcpt_count', String(session.recipientCount))
  connection.set('connection_message_count', String(session.messageCount + 1))
}

/** Policy may grant relaying by setting `can_relay`; a client that injects the variable may not. */
export function mayRelay(session: Session): boolean {
  if (session.surroundings.options.canRelay || session.relaysSender) return true
  const isGranted = session.context.connection.get('can_relay') === 'true'
  return isGranted && !session.injected.has('can_relay')
}

function limitReached(session: Session, { recipients }: Transaction): Reply | undefined {
  const { maxRecipientsPerMessage, maxRecipientsPerConnection } = session.surroundings.options
  const isFull =
    (maxRecipientsPerMessage > 0 && recipients.list.length >= maxRecipientsPerMessage) ||
    (maxRecipientsPerConnection > 0 && session.recipientCount >= maxRecipientsPerConnection)
  return isFull ? { code: 452, enhanced: '4.5.3', text: 'recipient limit reached' } : undefined
}

function readPath(
  { argument, line }: Command,
  keyword: 'FROM' | 'TO',
  options: SessionSurroundings['options'],
  domain: string | undefined,
): MailCommand {
  if (!options.allowsTrailingBlanks && /[ \t]$/.test(line)) {
    return { kind: 'syntax error', text: 'blank at the end of the line' }
  }
  return parseMailCommand(argument, keyword, options, domain !== undefined)
}

function qualify(address: Address, domain: string | undefined): Address {
  const isWhole = address.text === '' || address.domain !== '' || domain === undefined
  return isWhole ? address : splitAddress(`${address.localpart}@${domain}`)
}

/** For this message the client may relay if its sender is of a domain that may (relay_for_sending_domains). */
function noteRelaySender(session: Session, domain: string): void {
  const { connection } = session.context
  const { options } = session.surroundings
  if (session.relaysSender && !options.canRelay && !session.isAuthenticated) {
    connection.delete('can_relay')
  }
  session.relaysSender = options.relaysSender(domain)
  if (!session.relaysSender) return
  connection.set('can_relay', 'true')
  session.injected.delete('can_relay')
}

function refusedParameter(
  parameters: Transaction['parameters'],
  maxMessageSize: number,
): Reply | undefined {
  const isTooLarge = maxMessageSize > 0 && Number(parameters.get('SIZE')) > maxMessageSize
  return (
    badParameterOf(parameters, SENDER_PARAMETERS) ??
    (isTooLarge ? { code: 552, enhanced: '5.3.4', text: 'message size limit exceeded' } : undefined)
  )
}

const SENDER_PARAMETERS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['SIZE', (value) => typeof value === 'string' && /^\d{1,20}$/.test(value)],
  ['BODY', (value) => typeof value === 'string' && /^(?:7BIT|8BITMIME)$/i.test(value)],
  ['SMTPUTF8', (value) => value === true],
  ...MAIL_PARAMETERS,
])

function badParameterOf(
  parameters: Transaction['parameters'],
  known: ReadonlyMap<string, Check>,
): Reply | undefined {
  for (const [name, value] of parameters) {
    const isGood = known.get(name)
    if (!isGood) return unsupportedParameter(name)
    if (!isGood(value)) return badParameter(name)
  }
  return undefined
}

function badParameter(name: string): Reply {
  return { code: 501, enhanced: '5.5.4', text: `invalid value of ${name}` }
}

function unsupportedParameter(name: string): Reply {
  return { code: 555, enhanced: '5.5.4', text: `parameter ${name} is not supported` }
}

function syntaxError(parsed: { readonly kind: string; readonly text: string }): Reply {
  const enhanced = parsed.kind === 'parameter error' ? '5.5.4' : '5.5.2'
  return { code: 501, enhanced, text: parsed.text }
}
