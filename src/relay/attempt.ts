// One try to send one message to a next hop, over an idle connection or a new one; and the record of it
// that logs and events are written from.
import type { Entry } from '../spool/entry.ts'
import type { Stored } from '../spool/stored.ts'
import type { Line, Offer } from './line.ts'
import { type Outcome, STAGES } from './outcome.ts'
import type { Destination, Pool } from './pool.ts'
import type { Transaction } from './protocol.ts'

export interface Attempt {
  readonly stored: Stored
  readonly entry: Entry
  readonly copyIndex: number
  /** `''` where no connection was tried. */
  readonly remoteAddress: string
  readonly outboundConnectionId: string
  readonly code: number
  /** The reply as received, on one line, or what we found out ourselves. */
  readonly text: string
  /** Momentum "Connection Stages". */
  readonly stage: number
  /** Attempts before this one. */
  readonly retries: number
  /** Milliseconds since its reception. */
  readonly queuedMs: number
  /** When this attempt began, milliseconds since 1970. */
  readonly startedMs: number
  readonly sizeBytes: number
}

export interface Tried {
  /** One for each recipient, in their order. */
  readonly outcomes: readonly Outcome[]
  readonly remoteAddress: string
  readonly connectionId: string
  /** When it began; undefined: just now. */
  readonly startedMs?: number
  /** No host would speak to us now: the next message will not fare better. */
  readonly isUnreachable: boolean
  /** It needed a connection that may not be opened yet: nothing was tried. */
  readonly isHeld?: true
  /** It was to follow a message for which the peer takes too long: nothing was tried. */
  readonly isWithdrawn?: true
}

/** The way to it, and what may be on it already. */
export interface Path {
  readonly destination: Destination
  readonly maxDeliveries: number
  readonly mayOpen: () => boolean
  readonly line: Line
}

const NOTHING = { outcomes: [], remoteAddress: '', connectionId: '', isUnreachable: false }

export async function tryHosts(
  pool: Pool,
  transaction: Transaction,
  path: Path,
  isFresh = false,
): Promise<Tried> {
  const { destination, maxDeliveries, line } = path
  const taken = isFresh ? undefined : takenOf(pool, path)
  const client = taken?.client ?? (await leased(pool, path, isFresh))
  if (client === 'held') return { ...NOTHING, isHeld: true }
  if ('kind' in client) {
    const remoteAddress = destination.hosts[0]?.address ?? ''
    return {
      ...notTried(client, transaction.recipients.length),
      remoteAddress,
      isUnreachable: true,
    }
  }
  const isReused = client.deliveries() > 0
  const offer: Offer = { client, isTaken: false }
  const outcomes = await client.deliver(transaction, () => {
    const isWorn = maxDeliveries > 0 && client.deliveries() >= maxDeliveries
    const isFollowed = !isWorn && line.willFollow()
    if (isFollowed) line.offer = offer
    return isFollowed
  })
  if (outcomes.length === 0) {
    // The message before gives the connection back.
    if (taken) taken.isTaken = false
    return { ...NOTHING, isWithdrawn: true }
  }
  const isGone = !client.isUsable()
  if (line.offer === offer) line.offer = undefined
  if (!offer.isTaken) pool.release(client, maxDeliveries)
  // The peer gave an idle connection up before it took any of this: not the fault of this message.
  const isUntouched = outcomes.every((each) => isBeforeEnvelope(each) || isRefusedHere(each))
  if (isReused && isGone && isUntouched && outcomes.some(isBeforeEnvelope)) {
    return tryHosts(pool, transaction, path, true)
  }
  const { address: remoteAddress, id: connectionId } = client
  return { outcomes, remoteAddress, connectionId, isUnreachable: false }
}

/** The connection of the message before, where this one goes there too. */
function takenOf(pool: Pool, { destination, line }: Path): Offer | undefined {
  const { offer } = line
  if (!offer || !pool.fits(offer.client, destination)) return undefined
  line.offer = undefined
  offer.isTaken = true
  return offer
}

/** One connection for each worker: that of the message before is given back first. */
async function leased(pool: Pool, { destination, mayOpen, line }: Path, isFresh: boolean) {
  await line.former
  return pool.lease(destination, mayOpen, isFresh)
}

/** The same outcome for all copies, without a connection. */
export function notTried(outcome: Outcome, copies: number): Tried {
  const outcomes = Array.from({ length: copies }, () => outcome)
  return { outcomes, remoteAddress: '', connectionId: '', isUnreachable: false }
}

/** A recipient that this peer cannot be given at all: known without asking it. */
function isRefusedHere({ kind, stage }: Outcome): boolean {
  return kind === 'failed' && stage === STAGES.afterEhlo
}

function isBeforeEnvelope({ kind, stage }: Outcome): boolean {
  return kind === 'deferred' && (stage === STAGES.afterRset || stage === STAGES.afterMailFrom)
}
