// What the relay does, as log lines and events, and as policy hears of it.
import { bounceClass } from '../mail/bounceclass.ts'
import { type BindingCounts, makeBindingCounts } from './bindingcounts.ts'
import type { Journal, Report } from '../events/journal.ts'
import { toText } from '../mail/bytes.ts'
import { DEFAULT_EGRESS } from '../mail/envelope.ts'
import type { Attempt } from '../relay/attempt.ts'
import type { Observers } from '../relay/settlement.ts'
import type { EntryCopy } from '../spool/entry.ts'
import type { Facts } from '../tracking/record.ts'

/** Copies. */
export interface Counts {
  /** From when on, epoch ms: the start, or when an operator had them begin again. */
  sinceMs: number
  received: number
  delivered: number
  transient_failures: number
  failed: number
  bindings: BindingCounts
}

export function countsFrom(sinceMs: number): Counts {
  const none = { received: 0, delivered: 0, transient_failures: 0, failed: 0 }
  return { sinceMs, ...none, bindings: makeBindingCounts() }
}

/** `journal` gives the one of the current configuration. */
export function relayObservers(
  journal: () => Journal,
  counts: Counts,
  tellPolicy: (kind: 'delivered' | 'deferred', attempt: Attempt) => () => void,
): Observers {
  return {
    onDelivery(attempt) {
      const report = journal().delivery(attemptLine(attempt), ...attemptFacts(attempt))
      const tell = tellPolicy('delivered', attempt)
      return counted(report, counts, attempt, 'delivered', tell)
    },
    onDelay(attempt) {
      counts.transient_failures++
      journal().delay(failureLine(attempt), ...attemptFacts(attempt), failureFacts(attempt))
      tellPolicy('deferred', attempt)()
    },
    onBounce: (attempt) =>
      counted(
        journal().bounce(failureLine(attempt), ...attemptFacts(attempt), failureFacts(attempt)),
        counts,
        attempt,
        'failed',
      ),
  }
}

function counted(
  { event, tell }: Report,
  counts: Counts,
  attempt: Attempt,
  name: 'delivered' | 'failed',
  andThen: () => void = () => {},
): Report {
  return {
    event,
    tell() {
      counts[name]++
      counts.bindings.of(copyOf(attempt).egress)[name]++
      tell()
      andThen()
    },
  }
}

function attemptLine(attempt: Attempt) {
  const { entry, sizeBytes, retries, queuedMs, remoteAddress } = attempt
  const copy = copyOf(attempt)
  return {
    messageId: copy.id,
    batchId: entry.batchId,
    connectionId: attempt.outboundConnectionId || entry.connectionId,
    egress: copy.egress ?? DEFAULT_EGRESS,
    domain: copy.routingDomain,
    sizeBytes,
    retries,
    queueSeconds: Math.floor(queuedMs / 1000),
    remoteAddress,
  }
}

function failureLine(attempt: Attempt) {
  const { rcptto, mailfrom } = copyOf(attempt)
  const { stage, text } = attempt
  return { ...attemptLine(attempt), stage, text, rcptto, mailfrom, bounceClass: bounceClass(text) }
}

/** What was known when the copy was accepted, and this attempt. */
function attemptFacts(attempt: Attempt): readonly Facts[] {
  const own = {
    ip_address: attempt.remoteAddress,
    num_retries: String(attempt.retries),
    // Milliseconds, as consumers of these events expect; mainlog has seconds.
    queue_time: String(attempt.queuedMs),
    delv_method: 'esmtp',
  }
  return [attempt.entry.facts, copyOf(attempt).facts, own]
}

function failureFacts({ text, code }: Attempt): Facts {
  return {
    error_code: String(code),
    raw_reason: toText(text),
    reason: generalised(toText(text)),
    bounce_class: String(bounceClass(text)),
  }
}

/** Addresses of hosts and people replaced, so that reasons can be counted. */
function generalised(text: string): string {
  return text
    .replace(/\b\d{1,3}(?:\.\d{1,3}){3}\b/g, 'x.x.x.x')
    .split(' ')
    .map((word) => (word.includes('@') ? 'x@x' : word))
    .join(' ')
}

function copyOf({ entry, copyIndex }: Attempt): EntryCopy {
  const copy = entry.copies[copyIndex]
  if (!copy) throw new Error(`entry ${entry.batchId} has no copy ${copyIndex}`)
  return copy
}
