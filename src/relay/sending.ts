// A message over an SMTP or LMTP session: one write for the commands where the peer offers PIPELINING (RFC 2920) and
// one for the message, behind which the next one's commands may stand. Uses SIZE (RFC 1870), 8BITMIME (RFC 6152) and
// SMTPUTF8 (RFC 6531).
import { type Arrival, type Channel, isPositive } from './channel.ts'
import { stuff } from './dotstuffing.ts'
import { toSevenBit } from './sevenbit.ts'
import { judge, MALFORMED, type Outcome, outcome, STAGES } from './outcome.ts'
import {
  type Extensions,
  isAscii,
  isSafePath,
  mailCommand,
  rcptCommand,
  sizeLimit,
  type Transaction,
} from './protocol.ts'
import type { Profile } from './profile.ts'

/** A connection that has been greeted. */
export interface Session {
  readonly channel: Channel
  readonly extensions: Extensions
  readonly profile: Profile
  /** The peer still holds a transaction that we gave up. */
  needsReset: boolean
  /** It confirmed the last message soon: the next one need not wait for that. */
  isQuick: boolean
  /** A message that has been sent, while it is not confirmed and is to be followed. */
  confirming: Promise<unknown> | undefined
  /** The peer may wait for a message that will not come. */
  isSpoilt: boolean
}

/** A peer that confirms messages sooner may be sent the next one meanwhile. */
const QUICK_MS = 1_000
/** What was to follow goes another way when the message before it is not confirmed then. */
const WITHDRAW_MS = 5_000

const refused = (text: string): Outcome => outcome(STAGES.afterEhlo, text)
const LONE_LINE_END = refused('550 5.6.0 [internal] Lone CR or LF in message')
const TOO_LARGE = refused('552 5.3.4 [internal] message size limit of next hop exceeded')
const BAD_SENDER = refused('553 5.1.7 [internal] MAIL FROM syntax error')
const BAD_RECIPIENT = refused('553 5.1.3 [internal] RCPT TO syntax error')
const NO_UTF8 = refused('550 5.6.7 [internal] next hop does not offer SMTPUTF8')
const NO_8BIT = refused('554 5.6.3 [internal] next hop does not offer 8BITMIME')
const NOBODY_LEFT = refused('451 4.3.0 [internal] every recipient was refused')

/**
 * One outcome for each recipient, in their order; none: it was to follow another, which the peer did not confirm in time,
 * and nothing was sent of it that counts.
 */
export async function sendMessage(
  session: Session,
  transaction: Transaction,
  willFollow: () => boolean,
): Promise<readonly Outcome[]> {
  const { recipients } = transaction
  const takesAll = session.extensions.has('8BITMIME')
  const bytes = takesAll
    ? transaction.bytes
    : toSevenBit(transaction.bytes, session.profile.sevenBit)
  if (!bytes) return recipients.map(() => NO_8BIT)
  if (takesAll) return deliverBytes(session, transaction, willFollow)
  const { isCanonical: _, ...envelope } = transaction
  return deliverBytes(session, { ...envelope, bytes }, willFollow)
}

async function deliverBytes(
  session: Session,
  transaction: Transaction,
  willFollow: () => boolean,
): Promise<readonly Outcome[]> {
  const { recipients } = transaction
  const chunks = stuff(transaction)
  if (!chunks) return recipients.map(() => LONE_LINE_END)
  const outcomes = recipients.map((rcptto) => refuse(session.extensions, transaction, rcptto))
  if (!outcomes.includes(undefined)) return outcomes.filter((outcome) => outcome !== undefined)
  const rest = await transact(session, { transaction, chunks, willFollow }, outcomes)
  if (!rest) return []
  if (rest.text === MALFORMED) session.channel.destroy()
  return outcomes.map((outcome) => outcome ?? rest)
}

interface Sending {
  readonly transaction: Transaction
  /** Of the message, with its dot. */
  readonly chunks: readonly Buffer[]
  readonly willFollow: () => boolean
}

/**
 * MAIL, RCPT, DATA, message. Fills in the outcomes of recipients that the peer refuses; returns what
 * holds for those still without one. In a pipeline every reply that was asked for is also read.
 */
async function transact(
  session: Session,
  { transaction, chunks, willFollow }: Sending,
  outcomes: (Outcome | undefined)[],
): Promise<Outcome | undefined> {
  const { channel, extensions } = session
  const { timeouts, method, declares8Bit } = session.profile
  const reset = session.needsReset ? 'RSET\r\n' : ''
  const mail = mailCommand(transaction, extensions, declares8Bit)
  const isPipelined = extensions.has('PIPELINING')
  if (isPipelined) {
    const rcpts = transaction.recipients.filter((_, i) => !outcomes[i]).map(rcptCommand)
    channel.send([`${reset}${mail}${rcpts.join('')}DATA\r\n`])
  }
  const ask = (command: string, timeoutMs: number): Promise<Arrival> => {
    if (!isPipelined) channel.send([command])
    return channel.reply(timeoutMs)
  }

  if (session.confirming && !(await isOverSoon(session.confirming))) {
    session.isSpoilt = true
    return undefined
  }
  if (reset) {
    const answer = await ask(reset, timeouts.resetMs)
    if (!isPositive(answer)) {
      channel.destroy()
      // Says nothing about this message, whatever the code.
      return { ...judge(answer, STAGES.afterRset), kind: 'deferred' }
    }
  }
  const sender = await ask(mail, timeouts.mailMs)
  session.needsReset = isPositive(sender)
  const refusal = isPositive(sender) ? undefined : judge(sender, STAGES.afterMailFrom)
  if (refusal && !isPipelined) return refusal

  for (const [i, rcptto] of transaction.recipients.entries()) {
    if (outcomes[i]) continue
    const answer = await ask(rcptCommand(rcptto), timeouts.rcptMs)
    outcomes[i] = refusal ?? (isPositive(answer) ? undefined : judge(answer, STAGES.afterRcptTo))
  }
  const isAnyAccepted = outcomes.includes(undefined)
  let isFollowed = false
  if (!isAnyAccepted && !isPipelined) return NOBODY_LEFT

  const go = await ask('DATA\r\n', timeouts.dataMs)
  if (go.kind === 'lost' || go.code !== 354) return judge(go, STAGES.afterData)
  session.needsReset = false
  // RFC 2920 §3.1: a peer that accepts DATA without a recipient is owed an empty message.
  if (!isAnyAccepted) channel.send(['.\r\n'])
  else if (method === 'lmtp') {
    channel.send(chunks)
    return confirmEach(session, outcomes)
  } else channel.send(chunks, (isFollowed = isPipelined && session.isQuick && willFollow()))
  return judge(await confirmation(session, isFollowed), STAGES.readingConfirmation)
}

/** Of the message that was sent last. */
async function confirmation(session: Session, isFollowed: boolean): Promise<Arrival> {
  const { channel, profile } = session
  const sentMs = performance.now()
  const confirming = channel.reply(profile.timeouts.finalMs)
  if (isFollowed) session.confirming = confirming
  const arrival = await confirming
  if (session.confirming === confirming) session.confirming = undefined
  session.isQuick = performance.now() - sentMs < QUICK_MS
  return arrival
}

async function isOverSoon(confirming: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), WITHDRAW_MS)
  })
  const isOver = await Promise.race([confirming.then(() => true), late])
  clearTimeout(timer)
  return isOver
}

/** RFC 2033 §4.2: a reply for each recipient that was accepted, in their order. */
async function confirmEach(
  { channel, profile: { timeouts } }: Session,
  outcomes: (Outcome | undefined)[],
): Promise<Outcome> {
  for (const [i, present] of outcomes.entries()) {
    if (present) continue
    const confirmation = await channel.reply(timeouts.finalMs)
    outcomes[i] = judge(confirmation, STAGES.readingConfirmation)
    if (outcomes[i].text === MALFORMED) channel.destroy()
  }
  return NOBODY_LEFT
}

/** What can be said about a recipient before anything is sent. */
function refuse(
  extensions: Extensions,
  { mailfrom, bytes }: Transaction,
  rcptto: string,
): Outcome | undefined {
  const limit = sizeLimit(extensions)
  if (limit > 0 && bytes.length > limit) return TOO_LARGE
  if (!isSafePath(mailfrom)) return BAD_SENDER
  if (rcptto === '' || !isSafePath(rcptto)) return BAD_RECIPIENT
  const needsUtf8 = !isAscii(mailfrom) || !isAscii(rcptto)
  return needsUtf8 && !extensions.has('SMTPUTF8') ? NO_UTF8 : undefined
}
