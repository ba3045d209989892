// Events that a crash kept from the event log. The spool has them all: an injection stands in the message's
// record, a delivery or a bounce with the outcome. Whatever of the last moment the event log does not know is
// reported before anything is sent, in the order in which it happened.
import type { Events } from './events/events.ts'
import type { Journal } from './events/journal.ts'
import type { Accepted } from './spool/recoveredevents.ts'
import type { Spool } from './spool/spool.ts'

/** Read first, and twice as much each time that it does not reach far enough back, up to the last. */
const TAIL_BYTES = 4 * 1024 * 1024
const MAX_TAIL_BYTES = 64 * 1024 * 1024
/** What happened so long before the newest event is in the log. */
const SLACK_MS = 5_000
/** How old a message may be where the log holds no event to tell the time from. */
const RECENT_MS = 60_000

/** `others`: event logs that may know of it, too. */
export async function reportUnreported(
  { told }: Pick<Spool, 'told'>,
  events: Pick<Events, 'tail' | 'wants'>,
  journal: Pick<Journal, 'injection' | 'again'>,
  nowMs: number,
  others: readonly Pick<Events, 'tail'>[] = [],
): Promise<void> {
  if (told.length === 0) return
  const { tail, sinceMs } = await recentOf(events, nowMs)
  const tails = await Promise.all(others.map((each) => each.tail(TAIL_BYTES)))
  const all = [tail, ...tails.map(({ lines }) => lines)].join('')
  const messages = new Set(all.match(/"message_id":"[^"]*"/g))
  const ids = new Set(all.match(/"event_id":"[^"]*"/g))
  for (const each of told) {
    if (typeof each !== 'string') {
      if (events.wants('injection')) reportInjections(each, messages, sinceMs, journal)
      continue
    }
    const timestamp = /"timestamp":"(\d+)"/.exec(each)?.[1]
    const id = /"event_id":"[^"]*"/.exec(each)?.[0]
    if (timestamp === undefined || id === undefined) continue
    if (Number(timestamp) * 1000 >= sinceMs && !ids.has(id)) journal.again(each)
  }
}

/** The end of an event log, and since when it may lack something. */
async function recentOf(
  events: Pick<Events, 'tail'>,
  nowMs: number,
): Promise<{ readonly tail: string; readonly sinceMs: number }> {
  for (let bytes = TAIL_BYTES; ; bytes *= 2) {
    const { lines: tail, isPart, isPruned } = await events.tail(bytes)
    const newest = /.*"timestamp":"(\d+)"/s.exec(tail)?.[1]
    if (newest === undefined) return { tail, sinceMs: nowMs - RECENT_MS }
    const slackMs = Number(newest) * 1000 - SLACK_MS
    const oldestMs = Number(/"timestamp":"(\d+)"/.exec(tail)?.[1]) * 1000
    // What is there no more was read by all sinks.
    const sinceMs = isPart || isPruned ? Math.max(slackMs, oldestMs) : slackMs
    if (!isPart || oldestMs < slackMs || bytes >= MAX_TAIL_BYTES) return { tail, sinceMs }
  }
}

function reportInjections(
  { receivedMs, facts, copies }: Accepted,
  known: ReadonlySet<string>,
  sinceMs: number,
  journal: Pick<Journal, 'injection'>,
): void {
  // What we make ourselves, as a notification, was not transmitted by anybody.
  if (receivedMs < sinceMs || !facts['transmission_id']) return
  for (const copy of copies) {
    const id = copy['message_id'] ?? ''
    // Its first event is its injection, whatever came after.
    if (id !== '' && !known.has(`"message_id":"${id}"`)) journal.injection(receivedMs, facts, copy)
  }
}
