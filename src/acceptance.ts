// What an accepted transaction becomes: a durable spool entry, a notification to the sender about the
// recipients that policy refused, log lines and events, work for the relay. In this order: nothing is said
// or begun before it is on disk.
import type { Ids } from './mail/ids.ts'
import { type Reply, replyLine, SmtpError } from './mail/reply.ts'
import type { Dispatcher } from './relay/dispatcher.ts'
import { dsnEntry } from './relay/dsnentry.ts'
import { enhancedStatus } from './relay/outcome.ts'
import type { Acceptance } from './smtp/reception.ts'
import { SpoolError } from './spool/error.ts'
import type { Spool, Stored } from './spool/spool.ts'

export interface Store {
  readonly spool: Spool
  readonly dispatcher: Dispatcher
  readonly ids: Ids
  onAccepted?: ((acceptance: Acceptance) => void) | undefined
}

/** Resolves when all of it is durable. Rejects with an SmtpError; nothing is sent then. */
export async function accept(store: Store, acceptance: Acceptance): Promise<void> {
  const { entry, data } = acceptance
  const notice = await storeNotice(store, acceptance)
  let stored: Stored | undefined
  try {
    if (entry.copies.length > 0) stored = await store.spool.append(entry, data)
  } catch (error) {
    // The client will send everything again, and then the sender will be told.
    if (notice) store.spool.finish(notice, [0])
    throw spoolFailure(error)
  }
  if (stored) {
    reportReception(acceptance, stored)
    store.dispatcher.enqueue(stored)
  }
  if (notice) store.dispatcher.enqueue(notice)
  store.onAccepted?.(acceptance)
}

/** Policy refused some recipients after others were accepted: the sender is told, unless it is nobody. */
async function storeNotice(store: Store, acceptance: Acceptance): Promise<Stored | undefined> {
  const { entry, originalHeader, refused, session } = acceptance
  const { hostname, now, options } = session.surroundings
  if (refused.length === 0 || entry.mailfrom === '' || !options.bouncesForPolicyRejections) {
    return undefined
  }
  const notice = dsnEntry({
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
  return store.spool.append(notice.entry, notice.data).catch((error: unknown) => {
    throw spoolFailure(error)
  })
}

function reportReception({ session }: Acceptance, stored: Stored): void {
  const { peer, surroundings } = session
  const { entry } = stored
  for (const copy of entry.copies) {
    const line = {
      messageId: copy.id,
      batchId: entry.batchId,
      connectionId: entry.connectionId,
      rcptto: copy.rcptto,
      mailfrom: copy.mailfrom,
      peerAddress: peer.remoteAddress,
      sizeBytes: copy.sizeBytes,
    }
    surroundings.journal.reception(line, entry.facts, copy.facts)
  }
}

const NO_ROOM: Reply = { code: 452, enhanced: '4.3.1', text: 'insufficient system storage' }
const NO_SPOOL: Reply = { code: 451, enhanced: '4.3.0', text: 'local error in processing' }

function spoolFailure(error: unknown): SmtpError {
  const isFull = error instanceof SpoolError && error.kind === 'no room'
  const reason = error instanceof Error ? error.message : String(error)
  return new SmtpError(isFull ? NO_ROOM : NO_SPOOL, `spool: ${reason}`, { cause: error })
}
