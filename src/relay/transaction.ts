// One transaction of an SMTP client (RFC 5321 §3.3): MAIL, RCPT, the message. One write for the commands where the peer
// offers PIPELINING (RFC 2920) and one for the message; one for both where the message goes as a chunk (RFC 3030).
import type { Body } from './body.ts'
import { type Arrival, type Channel, isPositive } from './channel.ts'
import { judge, MALFORMED, type Outcome, outcome, STAGES } from './outcome.ts'
import type { Profile } from './profile.ts'
import { type Extensions, mailCommand, rcptCommand, type Transaction } from './protocol.ts'

export interface Session {
  readonly channel: Channel
  readonly extensions: Extensions
  readonly profile: Profile
  /** The peer still holds a transaction that we gave up. */
  needsReset: boolean
}

type Outcomes = (Outcome | undefined)[]

const NOBODY_LEFT = outcome(STAGES.afterEhlo, '451 4.3.0 [internal] every recipient was refused')
/** A chunk goes out before the peer has agreed to the envelope, in vain where it does not. */
const MAX_CHUNK_OCTETS = 1_048_576

/** Whether a message of so many octets goes as a chunk. */
export function takesChunk({ extensions, profile }: Session, octets: number): boolean {
  return (
    profile.sendsChunks &&
    profile.method === 'esmtp' &&
    octets <= MAX_CHUNK_OCTETS &&
    extensions.has('CHUNKING') &&
    extensions.has('PIPELINING')
  )
}

/**
 * Fills in the outcomes of recipients that the peer refuses; returns what holds for those still without
 * one. In a pipeline every reply that was asked for is also read.
 */
export async function transact(
  session: Session,
  transaction: Transaction,
  body: Body,
  outcomes: Outcomes,
): Promise<Outcome> {
  const { channel, extensions } = session
  const { timeouts, declares8Bit } = session.profile
  const reset = session.needsReset ? 'RSET\r\n' : ''
  const mail = mailCommand(transaction, extensions, declares8Bit)
  const isPipelined = extensions.has('PIPELINING')
  if (isPipelined) {
    const rcpts = transaction.recipients.filter((_, i) => !outcomes[i]).map(rcptCommand)
    const commands = `${reset}${mail}${rcpts.join('')}${body.command}`
    channel.send(body.isChunk ? [commands, ...body.pieces] : [commands])
  }
  const ask = (command: string, timeoutMs: number): Promise<Arrival> => {
    if (!isPipelined) channel.send([command])
    return channel.reply(timeoutMs)
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
  if (body.isChunk) return confirmChunk(session)
  if (!outcomes.includes(undefined) && !isPipelined) return NOBODY_LEFT
  return sendMessage(session, body, outcomes, await ask(body.command, timeouts.dataMs))
}

/** The message behind DATA, to which the peer said `go`. */
async function sendMessage(
  session: Session,
  { pieces }: Body,
  outcomes: Outcomes,
  go: Arrival,
): Promise<Outcome> {
  const { channel, profile } = session
  if (go.kind === 'lost' || go.code !== 354) return judge(go, STAGES.afterData)
  const isAnyAccepted = outcomes.includes(undefined)
  // RFC 2920 §3.1: a peer that accepts DATA without a recipient is owed an empty message. The next MAIL might stand
  // behind the dot, too, but servers that look out for smuggled messages refuse it, and the message with it (Haraka).
  channel.send(isAnyAccepted ? pieces : ['.\r\n'])
  session.needsReset = false
  if (profile.method === 'lmtp' && isAnyAccepted) return confirmEach(session, outcomes)
  const confirmation = await channel.reply(profile.timeouts.finalMs)
  return judge(confirmation, STAGES.readingConfirmation)
}

/** The reply to a chunk. A refused one leaves a transaction that is neither open nor over (RFC 3030 §2). */
async function confirmChunk(session: Session): Promise<Outcome> {
  const confirmation = await session.channel.reply(session.profile.timeouts.finalMs)
  session.needsReset = !isPositive(confirmation)
  return judge(confirmation, STAGES.readingConfirmation)
}

/** RFC 2033 §4.2: a reply for each recipient that was accepted, in their order. */
async function confirmEach(
  { channel, profile: { timeouts } }: Session,
  outcomes: Outcomes,
): Promise<Outcome> {
  for (const [i, present] of outcomes.entries()) {
    if (present) continue
    const confirmation = await channel.reply(timeouts.finalMs)
    outcomes[i] = judge(confirmation, STAGES.readingConfirmation)
    if (outcomes[i].text === MALFORMED) channel.destroy()
  }
  return NOBODY_LEFT
}
