// What an accepted transaction becomes: a durable spool entry, a notification to the sender about the
// recipients that policy refused, log lines and events, work for the relay. In this order: nothing is said
// or begun before it is on disk.
import { DEFAULT_EGRESS } from './mail/envelope.ts'
import type { Ids } from './mail/ids.ts'
import { type Reply, replyLine, SmtpError } from './mail/reply.ts'
import { errorText } from './events/lines.ts'
import type { Feed } from './observing/feed.ts'
import type { StoringInstruments } from './observing/instruments.ts'
import type { Nodes } from './sharing/nodes.ts'
import type { Counts } from './observing/observers.ts'
import type { Dispatcher } from './relay/dispatcher.ts'
import { dsnEntry } from './relay/dsnentry.ts'
import { enhancedStatus } from './relay/outcome.ts'
import type { Parcel } from './smtp/parcel.ts'
import type { Acceptance } from './smtp/reception.ts'
import type { Session } from './smtp/state.ts'
import type { Space } from './spool/space.ts'
import type { Entry } from './spool/entry.ts'
import { SpoolError } from './spool/error.ts'
import type { Spans } from './observing/spans.ts'
import type { Spool } from './spool/spool.ts'
import type { Stored } from './spool/stored.ts'

export interface Store {
  readonly spool: Pick<Spool, 'append' | 'finish' | 'failure'>
  readonly space: Pick<Space, 'shortage'>
  readonly nodes?: Pick<Nodes, 'refusal'>
  readonly dispatcher: Pick<Dispatcher, 'enqueue'>
  readonly ids: Ids
  readonly counts: Pick<Counts, 'received' | 'bindings'>
  readonly storing: StoringInstruments
  /** Undefined: nobody looks on. */
  readonly feed?: Pick<Feed, 'accepted'> | undefined
  /** Undefined: nobody traces. */
  readonly spans?: Spans | undefined
  onAccepted?: ((acceptance: Acceptance) => void) | undefined
}

/** Resolves when all of it is durable. Rejects with an SmtpError; nothing is sent then. */
export async function accept(store: Store, acceptance: Acceptance): Promise<void> {
  const { entry, injected, session } = acceptance
  const notice = noticeOf(store, acceptance)
  const own = [...injected, ...(entry.copies.length > 0 ? [acceptance] : [])]
  const parcels = [...(notice ? [notice] : []), ...own]
  const stored = await traced(store, session, commit(store, parcels))
  for (const one of own) reportReception(store, session, one.entry)
  for (const one of stored) store.dispatcher.enqueue(one)
  store.onAccepted?.(acceptance)
}

async function traced<T>({ spans }: Store, session: Session, work: Promise<T>): Promise<T> {
  if (!spans) return work
  const end = spans.storing(session.connectionId)
  return work.then(
    (value) => (end(), value),
    (error: unknown) => {
      end(errorText(error))
      throw error
    },
  )
}

/** The same for messages that policy sends alone. */
export async function queue(
  store: Store,
  session: Session,
  parcels: readonly Parcel[],
): Promise<void> {
  const stored = await commit(store, parcels)
  for (const { entry } of parcels) reportReception(store, session, entry)
  for (const one of stored) store.dispatcher.enqueue(one)
}

/** All of them on disk, in one batch, or none to be sent: the client will send everything again. */
async function commit(
  { spool, storing }: Store,
  parcels: readonly Pick<Parcel, 'entry' | 'data'>[],
): Promise<readonly Stored[]> {
  const startedMs = performance.now()
  const results = await Promise.allSettled(
    parcels.map(({ entry, data }) => spool.append(entry, data)),
  )
  const stored = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const failed = results.find((result) => result.status === 'rejected')
  if (!failed) {
    storing.stored((performance.now() - startedMs) / 1000)
    return stored
  }
  storing.failed(failed.reason, 'append')
  for (const one of stored) spool.finish(one, [...one.copies.keys()])
  throw spoolFailure(failed.reason)
}

/** Policy refused some recipients after others were accepted: the sender is told, unless it is nobody. */
function noticeOf(store: Store, acceptance: Acceptance): Parcel | undefined {
  const { entry, originalHeader, refused, session } = acceptance
  const { hostname, now, options } = session.surroundings
  if (refused.length === 0 || entry.mailfrom === '' || !options.bouncesForPolicyRejections) {
    return undefined
  }
  return dsnEntry({
    ids: store.ids,
    hostname,
    now: now(),
    returnTo: entry.mailfrom,
    failures: refused.map(({ rcptto, reply }) => ({
      rcptto,
      status: enhancedStatus(replyLine(reply)),
      diagnostic: replyLine(reply),
      action: 'failed',
    })),
    originalHeader,
  })
}

function reportReception(
  { counts, storing, feed }: Store,
  { peer, surroundings }: Session,
  entry: Entry,
): void {
  counts.received += entry.copies.length
  feed?.accepted(entry)
  storing.received(entry.copies.length)
  for (const copy of entry.copies) {
    counts.bindings.of(copy.egress).received++
    const line = {
      messageId: copy.id,
      batchId: entry.batchId,
      connectionId: entry.connectionId,
      egress: copy.egress ?? DEFAULT_EGRESS,
      rcptto: copy.rcptto,
      mailfrom: copy.mailfrom,
      peerAddress: peer.remoteAddress,
      sizeBytes: copy.sizeBytes,
    }
    surroundings.journal.reception(line, entry.facts, copy.facts)
  }
}

/** What MAIL is answered while nothing can be stored; undefined: it can. */
export function storeRefusal({ spool, space, nodes }: Store): Reply | undefined {
  if (spool.failure || nodes?.refusal) return { ...NO_SPOOL, text: 'not taking mail at the moment' }
  return space.shortage === undefined ? undefined : NO_ROOM
}

const NO_ROOM: Reply = { code: 452, enhanced: '4.3.1', text: 'insufficient system storage' }
const NO_SPOOL: Reply = { code: 451, enhanced: '4.3.0', text: 'local error in processing' }

function spoolFailure(error: unknown): SmtpError {
  const isFull = error instanceof SpoolError && error.kind === 'no room'
  const reason = error instanceof Error ? error.message : String(error)
  return new SmtpError(isFull ? NO_ROOM : NO_SPOOL, `spool: ${reason}`, { cause: error })
}
