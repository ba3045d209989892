// An SMTP client (RFC 5321) for one connection: greeting, EHLO or HELO, then any number of transactions,
// each one write for the commands where the peer offers PIPELINING (RFC 2920) and one for the message.
// Uses SIZE (RFC 1870), 8BITMIME (RFC 6152) and SMTPUTF8 (RFC 6531). Outcomes are per recipient.
import { type Arrival, type Channel, openChannel } from './channel.ts'
import { stuff } from './dotstuffing.ts'
import { judge, MALFORMED, type Outcome, outcome, STAGES } from './outcome.ts'
import {
  type Extensions,
  isAscii,
  isSafePath,
  mailCommand,
  parseExtensions,
  rcptCommand,
  sizeLimit,
  type Transaction,
} from './protocol.ts'
import type { Profile } from './profile.ts'

/** RFC 5321 §4.5.3.2, except connect, quit and the whole. */
export interface Timeouts {
  readonly connectMs: number
  readonly greetingMs: number
  readonly ehloMs: number
  readonly mailMs: number
  readonly rcptMs: number
  readonly dataMs: number
  readonly blockMs: number
  readonly finalMs: number
  readonly quitMs: number
  /** One transaction from MAIL to the last reply, however slowly the peer proceeds. */
  readonly transactionMs: number
}

export const TIMEOUTS: Timeouts = {
  connectMs: 30_000,
  greetingMs: 300_000,
  ehloMs: 300_000,
  mailMs: 300_000,
  rcptMs: 300_000,
  dataMs: 120_000,
  blockMs: 180_000,
  finalMs: 600_000,
  quitMs: 2_000,
  transactionMs: 3_600_000,
}

export interface ClientOptions {
  readonly id: string
  /** IPv4 or IPv6 address. */
  readonly address: string
  readonly port: number
  readonly profile: Profile
  readonly timeouts: Timeouts
}

export interface Client {
  readonly id: string
  readonly address: string
  readonly port: number
  /** Transactions begun. */
  deliveries(): number
  /** One outcome for each recipient, in their order. One transaction at a time. */
  deliver(transaction: Transaction): Promise<readonly Outcome[]>
  readonly isUsable: () => boolean
  /** Says QUIT and ends the connection. */
  quit(): Promise<void>
  readonly destroy: () => void
}

interface Session {
  readonly channel: Channel
  readonly extensions: Extensions
  readonly timeouts: Timeouts
  /** The peer still holds a transaction that we gave up. */
  needsReset: boolean
}

const refused = (text: string): Outcome => outcome(STAGES.afterEhlo, text)
const LONE_LINE_END = refused('550 5.6.0 [internal] Lone CR or LF in message')
const TOO_LARGE = refused('552 5.3.4 [internal] message size limit of next hop exceeded')
const BAD_SENDER = refused('553 5.1.7 [internal] MAIL FROM syntax error')
const BAD_RECIPIENT = refused('553 5.1.3 [internal] RCPT TO syntax error')
const NO_UTF8 = refused('550 5.6.7 [internal] next hop does not offer SMTPUTF8')
const NOBODY_LEFT = refused('451 4.3.0 [internal] every recipient was refused')

/** Connects and greets; an outcome says why that did not succeed. */
export async function openClient(options: ClientOptions): Promise<Client | Outcome> {
  const { id, address, port, profile, timeouts } = options
  const channel = openChannel({ ...options, ...profile, ...timeouts })
  const extensions = await greet(channel, options)
  if ('kind' in extensions) {
    channel.destroy()
    return extensions
  }
  // STARTTLS, the EHLO after it, and AUTH belong here.
  const session: Session = { channel, extensions, timeouts, needsReset: false }
  let deliveries = 0
  return {
    id,
    address,
    port,
    deliveries: () => deliveries,
    async deliver(transaction) {
      deliveries++
      const deadline = setTimeout(channel.destroy, timeouts.transactionMs)
      const outcomes = await deliver(session, transaction)
      clearTimeout(deadline)
      return outcomes
    },
    isUsable: channel.isQuiet,
    async quit() {
      channel.send(['QUIT\r\n'])
      await channel.reply(timeouts.quitMs)
      channel.destroy()
    },
    destroy: channel.destroy,
  }
}

async function greet(channel: Channel, options: ClientOptions): Promise<Extensions | Outcome> {
  const { greetingMs, ehloMs } = options.timeouts
  const banner = await channel.reply(greetingMs)
  if (!isPositive(banner)) return judge(banner, STAGES.readingBanner)
  channel.send([`EHLO ${options.profile.ehloHostname}\r\n`])
  const ehlo = await channel.reply(ehloMs)
  if (ehlo.kind === 'reply' && isPositive(ehlo)) return parseExtensions(ehlo.lines)
  if (ehlo.kind === 'lost' || ehlo.code < 500) return judge(ehlo, STAGES.afterEhlo)
  channel.send([`HELO ${options.profile.ehloHostname}\r\n`])
  const helo = await channel.reply(ehloMs)
  return isPositive(helo) ? new Map() : judge(helo, STAGES.afterEhlo)
}

async function deliver(session: Session, transaction: Transaction): Promise<readonly Outcome[]> {
  const { recipients } = transaction
  const chunks = stuff(transaction.bytes)
  if (!chunks) return recipients.map(() => LONE_LINE_END)
  const outcomes = recipients.map((rcptto) => refuse(session.extensions, transaction, rcptto))
  if (!outcomes.includes(undefined)) return outcomes.filter((outcome) => outcome !== undefined)
  const rest = await transact(session, transaction, chunks, outcomes)
  if (rest.text === MALFORMED) session.channel.destroy()
  return outcomes.map((outcome) => outcome ?? rest)
}

/**
 * MAIL, RCPT, DATA, message. Fills in the outcomes of recipients that the peer refuses; returns what
 * holds for those still without one. In a pipeline every reply that was asked for is also read.
 */
async function transact(
  session: Session,
  transaction: Transaction,
  chunks: readonly Buffer[],
  outcomes: (Outcome | undefined)[],
): Promise<Outcome> {
  const { channel, timeouts, extensions } = session
  const reset = session.needsReset ? 'RSET\r\n' : ''
  const mail = mailCommand(transaction, extensions)
  const isPipelined = extensions.has('PIPELINING')
  if (isPipelined) {
    const rcpts = transaction.recipients.filter((_, i) => !outcomes[i]).map(rcptCommand)
    channel.send([`${reset}${mail}${rcpts.join('')}DATA\r\n`])
  }
  const ask = (command: string, timeoutMs: number): Promise<Arrival> => {
    if (!isPipelined) channel.send([command])
    return channel.reply(timeoutMs)
  }

  if (reset) {
    const answer = await ask(reset, timeouts.mailMs)
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
  if (!isAnyAccepted && !isPipelined) return NOBODY_LEFT

  const go = await ask('DATA\r\n', timeouts.dataMs)
  if (go.kind === 'lost' || go.code !== 354) return judge(go, STAGES.afterData)
  // RFC 2920 §3.1: a peer that accepts DATA without a recipient is owed an empty message.
  channel.send(isAnyAccepted ? chunks : ['.\r\n'])
  const confirmation = await channel.reply(timeouts.finalMs)
  session.needsReset = false
  return judge(confirmation, STAGES.readingConfirmation)
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

function isPositive(arrival: Arrival): boolean {
  return arrival.kind === 'reply' && arrival.code >= 200 && arrival.code < 300
}
