// An SMTP client (RFC 5321), or an LMTP one (RFC 2033), for one connection: greeting, EHLO or HELO, TLS and
// AUTH, then any number of transactions (sending.ts). Outcomes are per recipient.
import { type Channel, isPositive, openChannel } from './channel.ts'
import { NOT_IN_CLEAR, authenticate, startTls } from './secure.ts'
import { judge, type Outcome, STAGES } from './outcome.ts'
import { type Extensions, parseExtensions, type Transaction } from './protocol.ts'
import type { Profile } from './profile.ts'
import { sendMessage, type Session } from './sending.ts'

export interface ClientOptions {
  readonly id: string
  /** IPv4 or IPv6 address. */
  readonly address: string
  readonly port: number
  /** The name that led to the address: what its certificate should bear. */
  readonly name: string
  readonly profile: Profile
}

export interface Client {
  readonly id: string
  readonly address: string
  readonly port: number
  /** Transactions begun. */
  deliveries(): number
  /**
   * One outcome for each recipient, in their order; none: it was to follow another, which the peer did not confirm in
   * time, and nothing was sent of it that counts. `willFollow` is asked when the message leaves, if the peer may be
   * given the next one (RFC 2920 §3.1: behind the final dot) before it has confirmed this one; true: another `deliver`
   * comes soon, though not within this call. Otherwise one transaction at a time.
   */
  deliver(transaction: Transaction, willFollow?: () => boolean): Promise<readonly Outcome[]>
  readonly isUsable: () => boolean
  /** Says QUIT and ends the connection. */
  quit(): Promise<void>
  readonly destroy: () => void
}

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
  if (refusal) return refusal
  return {
    channel,
    extensions,
    profile,
    needsReset: false,
    isQuick: false,
    confirming: undefined,
    isSpoilt: false,
  }
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
    async deliver(transaction, willFollow = () => false) {
      deliveries++
      const deadline = setTimeout(channel.destroy, timeouts.transactionMs)
      const { confirming } = session
      const outcomes = await sendMessage(session, transaction, willFollow)
      clearTimeout(deadline)
      // Also where the peer was not asked: the connection is not free before.
      if (outcomes.length > 0) await confirming
      return outcomes
    },
    isUsable: () => channel.isQuiet() && !session.isSpoilt,
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
