// Events that a crash kept from the event log. An injection: the message was in the spool, its events were
// not yet in theirs. A delivery or a bounce: the spool holds the record of the event with the outcome.
// What the spool gives back and the end of the event log does not know is reported before anything is sent,
// so that an injection still comes before its delivery.
import type { Events } from './events/events.ts'
import type { Journal } from './events/journal.ts'
import type { Spool, Stored } from './spool/spool.ts'

/** Enough for what happens in the moment that an event takes to its log. */
const TAIL_BYTES = 4 * 1024 * 1024
const SLACK_MS = 5_000
/** How old a message may be where the log holds no event to tell the time from. */
const RECENT_MS = 60_000

/** `others`: event logs that may know of it, too. */
export async function reportUnreported(
  { recovered, events: outcomes }: Pick<Spool, 'recovered' | 'events'>,
  events: Pick<Events, 'tail' | 'wants'>,
  journal: Pick<Journal, 'event' | 'again'>,
  nowMs: number,
  others: readonly Pick<Events, 'tail'>[] = [],
): Promise<void> {
  if (recovered.length + outcomes.length === 0) return
  const own = await events.tail(TAIL_BYTES)
  const newest = /.*"timestamp":"(\d+)"/s.exec(own)?.[1]
  const tails = await Promise.all(others.map((each) => each.tail(TAIL_BYTES)))
  const tail = [own, ...tails].join('')
  const sinceMs = newest === undefined ? nowMs - RECENT_MS : Number(newest) * 1000 - SLACK_MS
  if (events.wants('injection')) reportInjections(recovered, tail, sinceMs, journal)
  for (const record of outcomes) {
    const timestamp = /"timestamp":"(\d+)"/.exec(record)?.[1]
    const id = /"event_id":"[^"]*"/.exec(record)?.[0]
    if (timestamp === undefined || id === undefined) continue
    if (Number(timestamp) * 1000 >= sinceMs && !tail.includes(id)) journal.again(record)
  }
}

function reportInjections(
  recovered: readonly Stored[],
  tail: string,
  sinceMs: number,
  journal: Pick<Journal, 'event'>,
): void {
  for (const { entry } of recovered) {
    // What we make ourselves, as a notification, is no injection.
    if (entry.receivedMs < sinceMs || entry.facts['recv_method'] === 'internal') continue
    for (const copy of entry.copies) {
      const id = copy.facts['message_id'] ?? ''
      // Its first event is its injection, whatever came after.
      const isKnown = tail.includes(`"message_id":"${id}"`)
      if (id !== '' && !isKnown) journal.event('injection', entry.facts, copy.facts)
    }
  }
}
