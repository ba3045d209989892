// What the relay does, as log lines and events.
import type { Journal } from './events/journal.ts'
import type { Attempt } from './relay/attempt.ts'
import type { Observers } from './relay/settlement.ts'
import type { EntryCopy } from './spool/entry.ts'
import type { Stored } from './spool/spool.ts'
import type { Facts } from './tracking/record.ts'

/** `journal` gives the one of the current configuration. */
export function relayObservers(journal: () => Journal): Observers {
  return {
    onDelivery: (attempt) => {
      journal().delivery(attemptLine(attempt), {
        ...attemptFacts(attempt),
        queue_time: String(attempt.secondsInQueue),
      })
    },
    onDelay: (attempt) => {
      journal().delay(failureLine(attempt), {
        ...failureFacts(attempt),
        queue_time: String(attempt.secondsInQueue),
      })
    },
    onBounce: (attempt) => journal().bounce(failureLine(attempt), failureFacts(attempt)),
  }
}

/** Events of one copy: what was known when it was accepted. */
export function factsOf(stored: Stored, copy: EntryCopy): Facts {
  return { ...stored.entry.facts, ...copy.facts }
}

function attemptLine(attempt: Attempt) {
  const { stored, sizeBytes, retries, secondsInQueue, remoteAddress } = attempt
  const copy = copyOf(attempt)
  return {
    messageId: copy.id,
    batchId: stored.entry.batchId,
    connectionId: attempt.outboundConnectionId || stored.entry.connectionId,
    domain: copy.routingDomain,
    sizeBytes,
    retries,
    queueSeconds: secondsInQueue,
    remoteAddress,
  }
}

function failureLine(attempt: Attempt) {
  return { ...attemptLine(attempt), stage: attempt.stage, text: attempt.text }
}

function attemptFacts(attempt: Attempt): Facts {
  return {
    ...factsOf(attempt.stored, copyOf(attempt)),
    ip_address: attempt.remoteAddress,
    num_retries: String(attempt.retries),
    delv_method: 'esmtp',
  }
}

function failureFacts(attempt: Attempt): Facts {
  const { text, code } = attempt
  return {
    ...attemptFacts(attempt),
    error_code: String(code),
    raw_reason: text,
    // Addresses are generalised, so that reasons can be counted.
    reason: text.replace(/\b\d{1,3}(?:\.\d{1,3}){3}\b/g, 'x.x.x.x').replace(/\S+@\S+/g, 'x@x'),
  }
}

function copyOf({ stored, copyIndex }: Attempt): EntryCopy {
  const copy = stored.entry.copies[copyIndex]
  if (!copy) throw new Error(`entry ${stored.entry.batchId} has no copy ${copyIndex}`)
  return copy
}
