// One try to send one message to a next hop, over an idle connection or a new one; and the record of it
// that logs and events are written from.
import type { Entry } from '../spool/entry.ts'
import type { Stored } from '../spool/stored.ts'
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
  /** Whatever was sent of the message has left: no socket holds its octets. */
  readonly hasLeft: boolean
}

export async function tryHosts(
  pool: Pool,
  destination: Destination,
  transaction: Transaction,
  maxDeliveries: number,
  mayOpen: () => boolean,
  isFresh = false,
): Promise<Tried> {
  const client = await pool.lease(destination, mayOpen, isFresh)
  if (client === 'held') return { ...withoutConnection([]), isHeld: true }
  if ('kind' in client) {
    const remoteAddress = destination.hosts[0]?.address ?? ''
    return {
      ...notTried(client, transaction.recipients.length),
      remoteAddress,
      isUnreachable: true,
    }
  }
  const isReused = client.deliveries() > 0
  const outcomes = await client.deliver(transaction)
  const isGone = !client.isUsable()
  pool.release(client, maxDeliveries)
  // The peer gave an idle connection up before it took any of this: not the fault of this message.
  const isUntouched = outcomes.every((each) => isBeforeEnvelope(each) || isRefusedHere(each))
  if (isReused && isGone && isUntouched && outcomes.some(isBeforeEnvelope)) {
    const again = await tryHosts(pool, destination, transaction, maxDeliveries, mayOpen, true)
    return { ...again, hasLeft: false }
  }
  const { address: remoteAddress, id: connectionId } = client
  return { outcomes, remoteAddress, connectionId, isUnreachable: false, hasLeft: !isGone }
}

/** The same outcome for all copies, without a connection. */
export function notTried(outcome: Outcome, copies: number): Tried {
  return withoutConnection(Array.from({ length: copies }, () => outcome))
}

export function withoutConnection(outcomes: readonly Outcome[]): Tried {
  return { outcomes, remoteAddress: '', connectionId: '', isUnreachable: false, hasLeft: true }
}

/** A recipient that this peer cannot be given at all: known without asking it. */
function isRefusedHere({ kind, stage }: Outcome): boolean {
  return kind === 'failed' && stage === STAGES.afterEhlo
}

function isBeforeEnvelope({ kind, stage }: Outcome): boolean {
  return kind === 'deferred' && (stage === STAGES.afterRset || stage === STAGES.afterMailFrom)
}
