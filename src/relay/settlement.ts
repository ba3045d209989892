// What follows from the outcomes of an attempt: the spool's record, the next attempt, a DSN, and what
// observers are told. Progress rides along in the spool; only a DSN has to be durable first.
import type { OutboundOptions } from '../config/config.ts'
import type { Ids } from '../mail/ids.ts'
import type { Entry, EntryCopy } from '../spool/entry.ts'
import { type QueueItem, retryDelayMs } from '../spool/queue.ts'
import type { Spool } from '../spool/spool.ts'
import type { Stored } from '../spool/stored.ts'
import { isOutOfQueue } from '../spool/error.ts'
import type { Clock } from './clock.ts'
import { type Notify, wantsFailures } from '../mail/envelope.ts'
import type { DsnFailure } from './dsn.ts'
import { dsnEntry } from './dsnentry.ts'
import { type Attempt, notTried, type Tried } from './attempt.ts'
import { type Batch, copyAt, type OpenBatch } from './lane.ts'
import { enhancedStatus, EXHAUSTED, EXPIRED, type Outcome, outcome } from './outcome.ts'

export interface Observers {
  readonly onDelivery: (attempt: Attempt) => Report
  readonly onDelay: (attempt: Attempt) => void
  readonly onBounce: (attempt: Attempt) => Report
}

/** What there is to say about an outcome that ends a copy. */
export interface Report {
  /** The event's record, stored with the outcome; undefined: nobody is for it. */
  readonly event?: string | undefined
  /** The outcome is settled: say it. */
  readonly tell: () => void
}

export interface Settlement {
  readonly spool: Pick<Spool, 'entry' | 'finish' | 'defer' | 'replace'>
  readonly clock: Clock
  /** When it came, by the clock. */
  readonly receivedMs: (stored: Stored) => number
  /** From 0 up to 1, as Math.random. */
  readonly random: () => number
  readonly ids: Pick<Ids, 'batch' | 'connection' | 'message'>
  /** Our name, for DSNs. */
  readonly hostname: () => string
  readonly outbound: (item: QueueItem) => OutboundOptions
  readonly observers: Observers
  /** The header block of a copy as sent; empty when it cannot be had. */
  readonly header: (stored: Stored, copy: EntryCopy) => Promise<Buffer>
  /** The failures as they are to be told; none: as they are. */
  readonly lastWord?: ((failed: readonly Attempt[]) => Promise<readonly Attempt[]>) | undefined
  /** A copy is to be tried again at `dueMs`. */
  readonly again: (item: QueueItem, dueMs: number) => void
  /** A DSN is durable and wants to be delivered. */
  readonly enqueue: (stored: Stored) => void
}

/** When the spool has no room for the DSN. */
const NO_DSN_RETRY_MS = 60_000
/** When it does not read. */
const UNREAD_RETRY_MS = 60_000

export function expiresMs(
  { receivedMs }: Pick<Settlement, 'receivedMs'>,
  item: QueueItem,
  outbound: OutboundOptions,
): number {
  return receivedMs(item.stored) + outbound.messageExpirationSeconds * 1000
}

/** The same outcome for all copies, none of which was tried. */
export async function settleUntried(
  work: Settlement,
  batch: Batch,
  result: Outcome,
): Promise<void> {
  const { stored, copies } = batch
  let entry: Entry
  try {
    entry = await work.spool.entry(stored)
  } catch (error) {
    // The spool has set aside what it finds damaged; everything else may pass.
    const isLost = isOutOfQueue(error)
    const dueMs = work.clock.now() + UNREAD_RETRY_MS
    for (const copy of isLost ? [] : copies) work.again({ stored, copy }, dueMs)
    throw error
  }
  await settle(work, { ...batch, entry }, notTried(result, copies.length))
}

/** Resolves when the outcomes are written down, a DSN durably, and observers have been told of them. */
export async function settle(work: Settlement, batch: OpenBatch, tried: Tried): Promise<void> {
  const { stored, copies, entry } = batch
  const attempts = copies.map((copy, i) => {
    const item = { stored, copy }
    const result = endIfOver(work, item, tried.outcomes[i])
    return { kind: result.kind, attempt: attemptOf(work, { item, entry }, tried, result) }
  })
  const of = (kind: Outcome['kind']): Attempt[] =>
    attempts.filter((each) => each.kind === kind).map(({ attempt }) => attempt)

  const delivered = of('delivered')
  const told = delivered.length ? end(work, stored, delivered, 'onDelivery') : undefined
  const deferred = of('deferred')
  for (const attempt of deferred) defer(work, attempt)
  deferred.forEach(work.observers.onDelay)
  const failed = of('failed')
  if (failed.length) await fail(work, batch, (await work.lastWord?.(failed)) ?? failed)
  await told
}

/** Finishes copies. An event is told when it stands in the spool: a crash leaves it in both or in neither. */
function end(
  { spool, observers }: Settlement,
  stored: Stored,
  attempts: readonly Attempt[],
  how: 'onDelivery' | 'onBounce',
): Promise<void> {
  const reports = attempts.map(observers[how])
  return new Promise((resolve, reject) => {
    spool.finish(stored, attempts.map(copyIndexOf), eventsOf(reports), () => {
      try {
        for (const { tell } of reports) tell()
        resolve()
      } catch (error) {
        reject(error)
      }
    })
  })
}

/** A temporary failure is the last one when the time or the retries of the copy are used up. */
function endIfOver(work: Settlement, item: QueueItem, result: Outcome | undefined): Outcome {
  if (!result) throw new Error('an attempt has fewer outcomes than copies')
  if (result.kind !== 'deferred') return result
  const outbound = work.outbound(item)
  if (work.clock.now() >= expiresMs(work, item, outbound)) return outcome(result.stage, EXPIRED)
  const retries = item.stored.copies[item.copy]?.attempts ?? 0
  const isLast = outbound.neverRetry || retries >= outbound.maxRetries
  return isLast ? outcome(result.stage, EXHAUSTED) : result
}

function attemptOf(
  work: Settlement,
  { item: { stored, copy }, entry }: { readonly item: QueueItem; readonly entry: Entry },
  tried: Tried,
  result: Outcome,
): Attempt {
  const nowMs = work.clock.now()
  const queuedMs = nowMs - work.receivedMs(stored)
  return {
    stored,
    entry,
    copyIndex: copy,
    remoteAddress: tried.remoteAddress,
    outboundConnectionId: tried.connectionId,
    code: result.code,
    text: result.text,
    stage: result.stage,
    retries: stored.copies[copy]?.attempts ?? 0,
    queuedMs: Math.max(0, queuedMs),
    startedMs: tried.startedMs ?? nowMs,
    sizeBytes: copyAt(entry, copy).sizeBytes,
  }
}

function defer(work: Settlement, { stored, copyIndex, retries, text }: Attempt): void {
  const item = { stored, copy: copyIndex }
  const attempts = retries + 1
  const delayMs = retryDelayMs(attempts, work.outbound(item), work.random)
  const nextAttemptMs = Math.round(work.clock.now() + delayMs)
  work.spool.defer(stored, copyIndex, { attempts, nextAttemptMs, note: text })
  work.again(item, nextAttemptMs)
}

/** Finishes copies together with the DSN about them, if their sender is to get one. */
async function fail(
  work: Settlement,
  { stored, entry }: OpenBatch,
  failed: readonly Attempt[],
): Promise<void> {
  const told = failed.filter(({ copyIndex: copy }) => {
    const { mailfrom, notify } = copyAt(entry, copy)
    const isWanted = mailfrom !== '' && wantsFailures(notify)
    return isWanted && work.outbound({ stored, copy }).generateBounces
  })
  if (told.length === 0) return end(work, stored, failed, 'onBounce')
  const copies = failed.map(copyIndexOf)
  const bounces = failed.map(work.observers.onBounce)
  try {
    const dsn = await dsnOf(work, told)
    work.enqueue(await work.spool.replace(stored, copies, dsn, eventsOf(bounces)))
  } catch (error) {
    const dueMs = work.clock.now() + NO_DSN_RETRY_MS
    for (const copy of copies) work.again({ stored, copy }, dueMs)
    throw error
  }
  for (const { tell } of bounces) tell()
}

async function dsnOf(
  work: Settlement,
  failed: readonly Attempt[],
): Promise<{ entry: Entry; data: Buffer }> {
  const { stored, entry, copyIndex } = failed[0]!
  const first = copyAt(entry, copyIndex)
  const { envelopeId } = first.notify ?? {}
  return dsnEntry({
    ...(envelopeId && { envelopeId }),
    ids: work.ids,
    hostname: work.hostname(),
    // Dated by the system clock, like all that comes.
    now: work.clock.now() - work.clock.aheadMs(),
    returnTo: first.mailfrom,
    failures: failed.map(({ copyIndex: copy, text, remoteAddress }) => ({
      rcptto: copyAt(entry, copy).rcptto,
      ...originalOf(copyAt(entry, copy).notify),
      status: enhancedStatus(text),
      diagnostic: text,
      action: 'failed',
      ...(remoteAddress && !text.includes('[internal]') && { remoteHost: remoteAddress }),
    })),
    originalHeader: await work.header(stored, first),
  })
}

function eventsOf(reports: readonly Report[]): string[] {
  return reports.flatMap(({ event }) => (event === undefined ? [] : [event]))
}

function originalOf(notify: Notify | undefined): Pick<DsnFailure, 'originalRecipient'> {
  const { originalRecipient } = notify ?? {}
  return originalRecipient ? { originalRecipient } : {}
}

function copyIndexOf({ copyIndex }: Attempt): number {
  return copyIndex
}
