// Events that a crash kept from the event log. An injection: the message was in the spool, its events were
// not yet in theirs. A delivery or a bounce: the spool holds the record of the event with the outcome.
// What the spool gives back and the end of the event log does not know is reported before anything is sent,
// so that an injection still comes before its delivery.
import type { Events } from './events/events.ts'
import type { Journal } from './events/journal.ts'
import type { Spool } from './spool/spool.ts'

/** Enough for what happens in the moment that an event takes to its log. */
const TAIL_BYTES = 4 * 1024 * 1024
const SLACK_MS = 5_000
/** How old a message may be where the log holds no event to tell the time from. */
const RECENT_MS = 60_000

/** `others`: event logs that may know of it, too. */
export async function reportUnreported(
  spool: Pick<Spool, 'recovered' | 'events' | 'entry'>,
  events: Pick<Events, 'tail' | 'wants'>,
  journal: Pick<Journal, 'event' | 'again'>,
  nowMs: number,
  others: readonly Pick<Events, 'tail'>[] = [],
): Promise<void> {
  const { recovered, events: outcomes } = spool
  if (recovered.length + outcomes.length === 0) return
  const own = await events.tail(TAIL_BYTES)
  const newest = /.*"timestamp":"(\d+)"/s.exec(own)?.[1]
  const tails = await Promise.all(others.map((each) => each.tail(TAIL_BYTES)))
  const tail = [own, ...tails].join('')
  const sinceMs = newest === undefined ? nowMs - RECENT_MS : Number(newest) * 1000 - SLACK_MS
  if (events.wants('injection')) {
    const known = new Set(tail.match(/"message_id":"[^"]*"/g))
    await reportInjections(spool, known, sinceMs, journal)
  }
  const told = new Set(tail.match(/"event_id":"[^"]*"/g))
  for (const record of outcomes) {
    const timestamp = /"timestamp":"(\d+)"/.exec(record)?.[1]
    const id = /"event_id":"[^"]*"/.exec(record)?.[0]
    if (timestamp === undefined || id === undefined) continue
    if (Number(timestamp) * 1000 >= sinceMs && !told.has(id)) journal.again(record)
  }
}

async function reportInjections(
  { recovered, entry: entryOf }: Pick<Spool, 'recovered' | 'entry'>,
  known: ReadonlySet<string>,
  sinceMs: number,
  journal: Pick<Journal, 'event'>,
): Promise<void> {
  for (const stored of recovered) {
    if (stored.receivedMs < sinceMs) continue
    // What is damaged says so when it is to be sent.
    const entry = await entryOf(stored).catch(() => undefined)
    // What we make ourselves, as a notification, is no injection.
    if (!entry || entry.facts['recv_method'] === 'internal') continue
    for (const copy of entry.copies) {
      const id = copy.facts['message_id'] ?? ''
      // Its first event is its injection, whatever came after.
      const isKnown = known.has(`"message_id":"${id}"`)
      if (id !== '' && !isKnown) journal.event('injection', entry.facts, copy.facts)
    }
  }
}
