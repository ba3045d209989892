// The last messages and events, for people who watch: bounded lists in memory, of which each entry has a number
// that grows when it changes, so that a reader asks for what is newer than what it has.
import { toText } from '../mail/bytes.ts'
import { FleetingMap } from '../mail/fleeting.ts'
import type { Attempt } from '../relay/attempt.ts'
import type { Observers } from '../relay/settlement.ts'
import type { Entry } from '../spool/entry.ts'

export interface Feed {
  /** A message that is in the spool. */
  accepted(entry: Entry): void
  /** The same observers, and what they are told is seen. */
  watching(observers: Observers): Observers
  /** The JSON record of an event. */
  happened(record: string): void
  /** Somebody has asked within the last seconds: events that no sink is for are of use. */
  isWatched(): boolean
  /** What is newer than that number; 0: all there is. */
  since(number: number): News
}

/** Plain data. */
export interface News {
  /** The newest number. */
  readonly number: number
  /** Oldest first. */
  readonly messages: readonly SeenMessage[]
  /** JSON records, oldest first. */
  readonly events: readonly string[]
}

export interface SeenMessage {
  /** Of the reception, as in logs. */
  readonly id: string
  readonly receivedMs: number
  readonly mailfrom: string
  readonly sizeBytes: number
  /** How many copies there are, of which `copies` has the first. */
  readonly recipients: number
  readonly copies: readonly SeenCopy[]
}

export interface SeenCopy {
  readonly id: string
  readonly rcptto: string
  readonly outcome: 'queued' | 'delivered' | 'deferred' | 'failed'
  /** Of the last attempt: the reply, where it was tried, and when; empty before there was one. */
  readonly text: string
  readonly remote: string
  readonly atMs: number
  readonly attempts: number
}

const MAX_MESSAGES = 50
const MAX_COPIES = 20
const MAX_EVENTS = 100
const MAX_TEXT = 200
const WATCHED_MS = 5_000

type Writable<T> = { -readonly [K in keyof T]: T[K] }

interface Kept {
  readonly message: SeenMessage & { readonly copies: readonly Writable<SeenCopy>[] }
  number: number
}

/** `now` in epoch milliseconds. */
export function makeFeed(now: () => number): Feed {
  const messages = new FleetingMap<string, Kept>()
  const events: { readonly number: number; readonly record: string }[] = []
  let number = 0
  let askedMs = -Infinity

  const note = (outcome: SeenCopy['outcome'], attempt: Attempt): void => {
    const kept = messages.get(attempt.entry.batchId)
    const copy = kept?.message.copies[attempt.copyIndex]
    if (!kept || !copy) return
    kept.number = ++number
    Object.assign(copy, {
      outcome,
      text: toText(attempt.text.slice(0, MAX_TEXT)),
      remote: attempt.remoteAddress,
      atMs: now(),
      attempts: attempt.retries + 1,
    })
  }

  return {
    accepted(entry) {
      messages.set(entry.batchId, { message: seen(entry), number: ++number })
      const [oldest = ''] = messages.size > MAX_MESSAGES ? messages.keys() : []
      messages.delete(oldest)
    },
    watching: ({ onDelivery, onDelay, onBounce }) => ({
      onDelivery(attempt) {
        const { event, tell } = onDelivery(attempt)
        return { event, tell: () => (note('delivered', attempt), tell()) }
      },
      onDelay(attempt) {
        note('deferred', attempt)
        onDelay(attempt)
      },
      onBounce(attempt) {
        const { event, tell } = onBounce(attempt)
        return { event, tell: () => (note('failed', attempt), tell()) }
      },
    }),
    happened(record) {
      events.push({ number: ++number, record })
      if (events.length > MAX_EVENTS) events.shift()
    },
    isWatched: () => now() - askedMs < WATCHED_MS,
    since(seenNumber) {
      askedMs = now()
      // Of a process that was here before.
      const from = seenNumber > number ? 0 : seenNumber
      return {
        number,
        messages: [...messages.values()].filter((each) => each.number > from).map(copyOf),
        events: events.filter((each) => each.number > from).map(({ record }) => record),
      }
    },
  }
}

function seen({ batchId, receivedMs, mailfrom, copies }: Entry): Kept['message'] {
  return {
    id: batchId,
    receivedMs,
    mailfrom: toText(mailfrom),
    sizeBytes: copies[0]?.sizeBytes ?? 0,
    recipients: copies.length,
    copies: copies.slice(0, MAX_COPIES).map(({ id, rcptto }) => ({
      id,
      rcptto: toText(rcptto),
      outcome: 'queued',
      text: '',
      remote: '',
      atMs: 0,
      attempts: 0,
    })),
  }
}

/** Of this moment: readers may be slow. */
function copyOf({ message }: Kept): SeenMessage {
  return { ...message, copies: message.copies.map((copy) => ({ ...copy })) }
}
