// Queued copies that go to the queue of another domain: each message is written again in the spool, some at a time so
// that they share its syncs, and its copies wait in their new queue as they did in the old one.
import { isOutOfQueue } from '../spool/error.ts'
import type { RemovedItem } from '../spool/queue.ts'
import type { Spool } from '../spool/spool.ts'
import type { Stored } from '../spool/stored.ts'

export interface Rerouted {
  /** Copies. */
  readonly count: number
  /** Copies that stay where they were, and why. */
  readonly left: number
  readonly failure: string
}

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
  domain: string,
  again: (items: readonly RemovedItem[]) => void,
): Promise<Rerouted> {
  let count = 0
  let left = 0
  let failure = ''
  const reroute = async ({ stored, items: own }: Group): Promise<void> => {
    const copies = own.map(({ copy }) => copy)
    try {
      if (failure !== '') left += own.length
      else if (await spool.reroute(stored, copies, domain)) count += own.length
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
