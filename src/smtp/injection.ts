// Messages that policy sends (msg:inject, msg:forward). They have no SMTP phases: links and pixel are put in
// as their options say, then come validate_set_binding and the final callouts. Within a transaction they wait
// in an outbox and are stored together with it; elsewhere each is stored at once.
import { copyContext } from '../mail/context.ts'
import { andThen, type Eventually } from '../mail/eventually.ts'
import type { Message } from '../mail/message.ts'
import { type Reply, replyLine, replyTo } from '../mail/reply.ts'
import { splitHeader } from '../mime/field.ts'
import type { Injection, Sending } from '../msys/runtime.ts'
import { type CopyResult, endsTransaction, runCopies } from './copies.ts'
import { forkCopy, openParcel, type Parcel, type ParcelOptions } from './parcel.ts'
import type { Session } from './state.ts'
import { logRejection, SCRIPTLET } from './verdict.ts'

export interface Outbox {
  /** For the callouts whose messages wait here. */
  readonly sending: Sending
  readonly waiting: Waiting[]
}

interface Waiting extends Injection {
  /** How many messages before it were sent by a callout for another one. */
  readonly depth: number
}

/** What the outbox came to: parcels to store, or the reply that refuses the whole transaction. */
export type Outcome =
  | { readonly kind: 'parcels'; readonly parcels: readonly Parcel[] }
  | { readonly kind: 'failed'; readonly reply: Reply }

/** A script that sends a message for every message it sees would never end. */
const DEEPEST = 5
const MOST_MESSAGES = 1000
const MOST_BYTES = 256 * 1024 * 1024

/** Takes what callouts send. */
export function openOutbox(session: Session): Outbox {
  const waiting: Waiting[] = []
  return { waiting, sending: sendingInto(session, waiting, 0) }
}

/** Makes what waits ready to be stored, one after the other, with what that adds. */
export function runOutbox(
  options: ParcelOptions,
  session: Session,
  outbox: Outbox,
): Eventually<Outcome> {
  const parcels: Parcel[] = []
  const next = (at: number): Eventually<Outcome> => {
    const injection = outbox.waiting[at]
    if (!injection) return { kind: 'parcels', parcels }
    return andThen(runInjection(options, session, injection, outbox), (done) => {
      if ('code' in done) return { kind: 'failed', reply: done }
      parcels.push(...done)
      return next(at + 1)
    })
  }
  return next(0)
}

/** Sends one message outside of a transaction. Gives the reason when it cannot be queued. */
export function sendNow(
  options: ParcelOptions & { queue(session: Session, parcels: readonly Parcel[]): Promise<void> },
  session: Session,
  injection: Injection,
): Eventually<string | undefined> {
  const outbox = openOutbox(session)
  return andThen(outbox.sending.inject(injection), (reason) => {
    if (reason !== undefined) return reason
    return andThen(runOutbox(options, session, outbox), (outcome) => {
      if (outcome.kind === 'failed') return replyLine(outcome.reply)
      return options.queue(session, outcome.parcels).then(
        () => undefined,
        (error: unknown) => replyLine(replyTo(error)),
      )
    })
  })
}

function sendingInto(session: Session, waiting: Waiting[], depth: number): Sending {
  const { hostname, ids } = session.surroundings
  return {
    hostname,
    newId: () => ids.batch(),
    inject(injection) {
      if (depth === DEEPEST) return `${DEEPEST} messages were sent by a callout for the one before`
      if (waiting.length === MOST_MESSAGES) return `${MOST_MESSAGES} messages wait already`
      const octets = waiting.reduce((sum, { message }) => sum + sizeOf(message), 0)
      if (octets + sizeOf(injection.message) > MOST_BYTES)
        return `${MOST_BYTES} octets wait already`
      waiting.push({ ...injection, depth })
      return undefined
    },
  }
}

/** A reply: what policy or the transform refuse temporarily, so that nothing may be stored. */
function runInjection(
  options: ParcelOptions,
  session: Session,
  injection: Waiting,
  { waiting }: Outbox,
): Eventually<Parcel[] | Reply> {
  const parent = injectedMessage(session, injection)
  const parcel = openParcel(options, session, parent)
  const copies = injection.recipients.map((rcptto, i) => forkCopy(parent, rcptto, i))
  const sending = sendingInto(session, waiting, injection.depth + 1)
  const run = runCopies(session, copies, parcel.sealing, { sending, isInjected: true })
  return andThen(run, ({ results }) => {
    const fatal = results.find(endsTransaction)
    if (fatal && fatal.kind !== 'accepted' && fatal.kind !== 'discarded') {
      if (fatal.reply.code < 500) return fatal.reply
      report(session, parent, `not queued: ${replyLine(fatal.reply)}`)
      return []
    }
    logLosses(session, copies, results)
    const accepted = results.flatMap((result) => (result.kind === 'accepted' ? [result.copy] : []))
    return accepted.length > 0 ? [parcel.close(accepted)] : []
  })
}

/** As if it had been received now: octets of its own, ids of its own. */
function injectedMessage(session: Session, { message, mailfrom }: Injection): Message {
  const { ids, now } = session.surroundings
  const base = Buffer.concat([
    ...message.fields.map(({ bytes }) => bytes),
    message.separator,
    message.body,
  ])
  const id = ids.batch()
  const context = copyContext(message.context)
  context.message.set('mailfrom_string', `MAIL FROM:<${mailfrom.text}>`)
  context.message.set('mailfrom_localpart', mailfrom.localpart)
  context.message.set('mailfrom_domain', mailfrom.domain)
  return {
    id,
    batchId: id,
    connectionId: session.connectionId,
    base,
    ...splitHeader(base),
    envelope: { ...message.envelope, mailfrom },
    context,
    receivedMs: now(),
    ...(message.priority !== undefined && { priority: message.priority }),
    ...(message.isTracked && { isTracked: true }),
  }
}

function sizeOf({ fields, separator, body }: Message): number {
  return fields.reduce((sum, { bytes }) => sum + bytes.length, separator.length + body.length)
}

function logLosses(
  session: Session,
  copies: readonly Message[],
  results: readonly CopyResult[],
): void {
  results.forEach((result, i) => {
    const context = copies[i]?.context
    if (result.kind !== 'discarded' || !context) return
    const reply = { code: Number(result.reason.slice(0, 3)), text: result.reason.slice(4) }
    logRejection(session, { state: 'async body response', reply, module: SCRIPTLET, context })
  })
}

function report(session: Session, { batchId }: Message, text: string): void {
  session.surroundings.journal.panic('scriptlet', `message ${batchId} of policy: ${text}`)
}
