// An SMTP client (RFC 5321), or an LMTP one (RFC 2033), for one connection: greeting, EHLO or HELO, TLS and
// AUTH, then any number of transactions, each one write for the commands where the peer offers PIPELINING
// (RFC 2920) and one for the message, or one for all where it takes the message as a chunk. Uses SIZE
// (RFC 1870), 8BITMIME (RFC 6152), SMTPUTF8 (RFC 6531) and CHUNKING (RFC 3030). Outcomes are per recipient.
import { bodyOf } from './body.ts'
import { type Channel, isPositive, openChannel, type Tap } from './channel.ts'
import { NOT_IN_CLEAR, authenticate, startTls } from './secure.ts'
import { toSevenBit } from './sevenbit.ts'
import { judge, MALFORMED, type Outcome, outcome, STAGES } from './outcome.ts'
import {
  type Extensions,
  isAscii,
  isSafePath,
  parseExtensions,
  sizeLimit,
  type Transaction,
} from './protocol.ts'
import type { Profile } from './profile.ts'
import { type Session, takesChunk, transact } from './transaction.ts'

export interface ClientOptions {
  readonly id: string
  /** IPv4 or IPv6 address. */
  readonly address: string
  readonly port: number
  /** The name that led to the address: what its certificate should bear. */
  readonly name: string
  readonly profile: Profile
  readonly tap?: Tap | undefined
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
  readonly tap: Channel['tap']
  /** Says QUIT and ends the connection. */
  quit(): Promise<void>
  readonly destroy: () => void
}

const refused = (text: string): Outcome => outcome(STAGES.afterEhlo, text)
const LONE_LINE_END = refused('550 5.6.0 [internal] Lone CR or LF in message')
const TOO_LARGE = refused('552 5.3.4 [internal] message size limit of next hop exceeded')
const BAD_SENDER = refused('553 5.1.7 [internal] MAIL FROM syntax error')
const BAD_RECIPIENT = refused('553 5.1.3 [internal] RCPT TO syntax error')
const NO_UTF8 = refused('550 5.6.7 [internal] next hop does not offer SMTPUTF8')
const NO_8BIT = refused('554 5.6.3 [internal] next hop does not offer 8BITMIME')

/** Connects, greets, secures and authenticates; an outcome says why that did not succeed. */
export async function openClient(options: ClientOptions): Promise<Client | Outcome> {
  const session = await openSession(options, options.profile)
  if (session !== 'plain') return 'kind' in session ? session : clientOf(options, session)
  // TLS was tried in vain and may be done without: not on this connection, where it has begun.
  const { auth, tls } = options.profile
  if (auth) return NOT_IN_CLEAR
  const profile = { ...options.profile, tls: { ...tls, mode: 'no' as const } }
  const plain = await openSession(options, profile)
  // Without TLS in mind it cannot come to `plain`.
  if (plain === 'plain') return NOT_IN_CLEAR
  return 'kind' in plain ? plain : clientOf(options, plain)
}

async function openSession(
  options: ClientOptions,
  profile: Profile,
): Promise<Session | Outcome | 'plain'> {
  const channel = openChannel({ ...options, ...profile, ...profile.timeouts })
  const session = await prepare(channel, profile, options.name)
  if (session === 'plain' || 'kind' in session) channel.destroy()
  return session
}

async function prepare(
  channel: Channel,
  profile: Profile,
  name: string,
): Promise<Session | Outcome | 'plain'> {
  const banner = await channel.reply(profile.timeouts.greetingMs)
  if (!isPositive(banner)) return judge(banner, STAGES.readingBanner)
  let extensions = await greet(channel, profile)
  if ('kind' in extensions) return extensions
  const security = await startTls(channel, extensions, profile, name)
  if (security.kind === 'plain') return 'plain'
  if ('stage' in security) return security
  const isSecured = security.kind === 'secured'
  if (isSecured) extensions = await greet(channel, profile)
  if ('kind' in extensions) return extensions
  const refusal = await authenticate(channel, extensions, profile, isSecured)
  return refusal ?? { channel, extensions, profile, needsReset: false }
}

function clientOf({ id, address, port }: ClientOptions, session: Session): Client {
  const { channel } = session
  const { timeouts } = session.profile
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
    tap: channel.tap,
    async quit() {
      channel.send(['QUIT\r\n'])
      await channel.reply(timeouts.quitMs)
      channel.destroy()
    },
    destroy: channel.destroy,
  }
}

async function greet(
  channel: Channel,
  { ehloHostname, method, timeouts: { ehloMs } }: Profile,
): Promise<Extensions | Outcome> {
  if (method !== 'smtp') {
    channel.send([`${method === 'lmtp' ? 'LHLO' : 'EHLO'} ${ehloHostname}\r\n`])
    const ehlo = await channel.reply(ehloMs)
    if (ehlo.kind === 'reply' && isPositive(ehlo)) return parseExtensions(ehlo.lines)
    const isOver = ehlo.kind === 'lost' || ehlo.code < 500 || method === 'lmtp'
    if (isOver) return judge(ehlo, STAGES.afterEhlo)
  }
  channel.send([`HELO ${ehloHostname}\r\n`])
  const helo = await channel.reply(ehloMs)
  return isPositive(helo) ? new Map() : judge(helo, STAGES.afterEhlo)
}

async function deliver(session: Session, transaction: Transaction): Promise<readonly Outcome[]> {
  const { recipients } = transaction
  const takesAll = session.extensions.has('8BITMIME')
  const bytes = takesAll
    ? transaction.bytes
    : toSevenBit(transaction.bytes, session.profile.sevenBit)
  if (!bytes) return recipients.map(() => NO_8BIT)
  if (takesAll) return deliverBytes(session, transaction)
  return deliverBytes(session, { ...transaction, bytes, dots: undefined })
}

async function deliverBytes(
  session: Session,
  transaction: Transaction,
): Promise<readonly Outcome[]> {
  const { recipients, bytes } = transaction
  const body = bodyOf(transaction, takesChunk(session, bytes.length))
  if (!body) return recipients.map(() => LONE_LINE_END)
  const outcomes = recipients.map((rcptto) => refuse(session.extensions, transaction, rcptto))
  if (!outcomes.includes(undefined)) return outcomes.filter((outcome) => outcome !== undefined)
  const rest = await transact(session, transaction, body, outcomes)
  if (rest.text === MALFORMED) session.channel.destroy()
  return outcomes.map((outcome) => outcome ?? rest)
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
