// Going through queued mail while the server works: in steps, between which everybody else gets a turn. What
// messages say is read from the spool as the walk comes to them.
import { setImmediate } from 'node:timers/promises'
import { DEFAULT_EGRESS } from '../mail/envelope.ts'
import type { Entry, EntryCopy } from '../spool/entry.ts'
import type { CopyState } from '../spool/journal.ts'
import type { QueuedMail } from '../queuedmail.ts'
import type { Stored, Way } from '../spool/stored.ts'

/** One copy that is not finished. */
export interface Row {
  readonly stored: Stored
  readonly entry: Entry
  readonly copy: number
  readonly of: EntryCopy
  readonly state: CopyState
}

export interface Tally {
  readonly group: string
  readonly binding: string
  readonly domain: string
  active: number
  delayed: number
}

/** Messages that are read at once. */
const READ_TOGETHER = 32
/** Messages looked at, without reading, before others get a turn. */
export const STEP = 5_000

/** Others get theirs. */
export const turn = (): Promise<void> => setImmediate()

/** By binding and domain, without reading anything. */
export async function tally(
  mail: Pick<QueuedMail, 'unfinished'>,
  isDelayed: (state: CopyState) => boolean,
): Promise<Tally[]> {
  const tallies = new Map<string, Tally>()
  let seen = 0
  for (const { copies, ways } of mail.unfinished()) {
    if (++seen % STEP === 0) await turn()
    copies.forEach((state, i) => {
      if (state.done) return
      const domain = ways[i]?.routingDomain ?? ''
      const { group, binding } = ways[i]?.egress ?? DEFAULT_EGRESS
      const key = `${group}/${binding} ${domain}`
      const row = tallies.get(key) ?? { group, binding, domain, active: 0, delayed: 0 }
      if (isDelayed(state)) row.delayed++
      else row.active++
      tallies.set(key, row)
    })
  }
  return [...tallies.values()]
}

/**
 * The copies that go a way like this, in the order in which they came; of messages that are not looked at nothing is
 * read. What is damaged is left out.
 */
export async function* rowsOf(
  mail: Pick<QueuedMail, 'unfinished' | 'entry'>,
  isWanted: (way: Way) => boolean = () => true,
  isLookedAt: (stored: Stored) => boolean = () => true,
): AsyncGenerator<Row> {
  let together: Stored[] = []
  let seen = 0
  for (const stored of mail.unfinished()) {
    if (++seen % STEP === 0) await turn()
    if (!isLookedAt(stored) || !stored.ways.some(isWanted)) continue
    if (together.push(stored) < READ_TOGETHER) continue
    yield* await read(mail, together, isWanted)
    together = []
    await turn()
  }
  yield* await read(mail, together, isWanted)
}

async function read(
  mail: Pick<QueuedMail, 'entry'>,
  together: readonly Stored[],
  isWanted: (way: Way) => boolean,
): Promise<Row[]> {
  const entries = await Promise.all(
    // What is damaged, or gone meanwhile, has been reported by the spool.
    together.map((stored) => mail.entry(stored).catch(() => undefined)),
  )
  return together.flatMap((stored, i) => {
    const entry = entries[i]
    return (entry?.copies ?? []).flatMap((of, copy): Row[] => {
      const state = stored.copies[copy]
      const way = stored.ways[copy]
      const isListed = entry && state && !state.done && way && isWanted(way)
      return isListed ? [{ stored, entry, copy, of, state }] : []
    })
  })
}
