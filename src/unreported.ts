// Injections that a crash kept from the event log: the message was in the spool, its events were not yet in
// theirs. What the spool gives back and the end of the event log does not know is reported before it is
// sent, so that an injection still comes before its delivery.
import type { Events } from './events/events.ts'
import type { Journal } from './events/journal.ts'
import type { Stored } from './spool/spool.ts'

/** Enough for what happens in the moment that an event takes to its log. */
const TAIL_BYTES = 4 * 1024 * 1024
const SLACK_MS = 5_000
/** How old a message may be where the log holds no event to tell the time from. */
const RECENT_MS = 60_000

export async function reportUnreported(
  recovered: readonly Stored[],
  events: Pick<Events, 'tail' | 'wants'>,
  journal: Pick<Journal, 'event'>,
  nowMs: number,
): Promise<void> {
  if (recovered.length === 0 || !events.wants('injection')) return
  const tail = await events.tail(TAIL_BYTES)
  const newest = /.*"timestamp":"(\d+)"/s.exec(tail)?.[1]
  const sinceMs = newest === undefined ? nowMs - RECENT_MS : Number(newest) * 1000 - SLACK_MS
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
