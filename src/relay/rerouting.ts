// Queued copies that go another way, to another domain or by another binding: each message is written again in the
// spool, some at a time so that they share its syncs, and its copies wait in their new queue as they did in the old one.
import type { Eventually } from '../mail/eventually.ts'
import { isOutOfQueue } from '../spool/error.ts'
import type { QueueItem, RemovedItem } from '../spool/queue.ts'
import type { Spool } from '../spool/spool.ts'
import type { Stored, Way } from '../spool/stored.ts'

export interface Rerouted {
  /** Copies. */
  readonly count: number
  /** Copies that stay where they were, and why. */
  readonly left: number
  readonly failure: string
}

/** The way of a copy from now on, its domain in lower case; undefined: it stays as it is. */
export type WayFor = (item: QueueItem) => Eventually<Way | undefined>

interface Group {
  readonly stored: Stored
  readonly items: RemovedItem[]
}

/** Messages that are written together: so many, and so many octets unless one alone has more. */
const MESSAGES = 64
const MAX_BYTES = 16 * 1024 * 1024

/** `again` puts copies back into a queue. After a failure nothing more is tried. Never rejects. */
export async function rerouteItems(
  spool: Pick<Spool, 'reroute'>,
  items: readonly RemovedItem[],
  wayFor: WayFor,
  again: (items: readonly RemovedItem[]) => void,
): Promise<Rerouted> {
  let count = 0
  let left = 0
  let failure = ''
  const reroute = async ({ stored, items: own }: Group): Promise<void> => {
    try {
      if (failure !== '') return void (left += own.length)
      const ways = await waysFor(own, wayFor)
      if (ways.size > 0 && (await spool.reroute(stored, ways))) count += ways.size
    } catch (error) {
      if (isOutOfQueue(error)) return
      left += own.length
      failure ||= error instanceof Error ? error.message : String(error)
    }
  }
  for (const groups of together(items)) {
    await Promise.all(groups.map(reroute))
    const all = groups.flatMap((group) => group.items)
    again(all.filter(({ stored, copy }) => stored.copies[copy]?.done === false))
  }
  return { count, left, failure }
}

async function waysFor(items: readonly QueueItem[], wayFor: WayFor): Promise<Map<number, Way>> {
  const ways = new Map<number, Way>()
  for (const { stored, copy } of items) {
    const way = await wayFor({ stored, copy })
    if (way) ways.set(copy, way)
  }
  return ways
}

function* together(items: readonly RemovedItem[]): Generator<readonly Group[]> {
  const entries = new Map<Stored, Group>()
  for (const item of items) {
    const group = entries.get(item.stored) ?? { stored: item.stored, items: [] }
    group.items.push(item)
    entries.set(item.stored, group)
  }
  let groups: Group[] = []
  let bytes = 0
  for (const group of entries.values()) {
    const { dataBytes } = group.stored.location
    if (groups.length === MESSAGES || (groups.length > 0 && bytes + dataBytes > MAX_BYTES)) {
      yield groups
      groups = []
      bytes = 0
    }
    groups.push(group)
    bytes += dataBytes
  }
  yield groups
}
