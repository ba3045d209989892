// What an operator does to queued mail: try it now, end it, forget it, send it elsewhere. Copies that are on their
// way at this moment are left alone.
import type { Queue, QueueItem, RemovedItem } from '../spool/queue.ts'
import type { Spool } from '../spool/spool.ts'
import type { Stored } from '../spool/stored.ts'
import { type Lane, join, takeAll } from './lane.ts'
import { STAGES, outcome } from './outcome.ts'
import { type Rerouted, rerouteItems, type WayFor } from './rerouting.ts'
import { settleUntried } from './settlement.ts'
import { type Works, startWorkers } from './worker.ts'

export interface Surgery {
  /** Makes what passes due now; how many copies that were waiting. */
  retry(test: Test): number
  /** Ends what passes as failed, with this reply; `isQuiet`: its sender is not told. Resolves when it is durable. */
  fail(test: Test, reply: string, isQuiet: boolean): Promise<number>
  /** Takes what passes out of the queue and the spool, without a word to anybody. */
  remove(test: Test): number
  /** What passes goes another way. Resolves when it is durable. */
  reroute(test: Test, wayFor: WayFor): Promise<Rerouted>
}

export type Test = (item: QueueItem) => boolean

interface Operated extends Works {
  readonly queue: Queue
  readonly lanes: ReadonlyMap<string, Lane>
}

/** `again` puts copies into the queue, due then; undefined: as they were. */
export function makeSurgery(
  state: Operated,
  spool: Pick<Spool, 'finish' | 'reroute'>,
  again: (items: readonly RemovedItem[], dueMs?: number) => void,
): Surgery {
  return {
    retry(test) {
      let due = 0
      for (const lane of state.lanes.values()) {
        const passing = countIn(lane, test)
        if (passing === 0) continue
        due += passing
        lane.cancelBlock?.()
        if (lane.health === 'blocked') lane.health = 'suspect'
        startWorkers(state, lane)
      }
      const items = state.queue.remove(test)
      again(items, 0)
      return items.length + due
    },
    async fail(test, reply, isQuiet) {
      const work = isQuiet ? withoutBounces(state) : state.settlement
      const failed = outcome(STAGES.notConnected, reply)
      const items = takeOut(state, test)
      for (const [stored, copies] of byEntry(items)) {
        await settleUntried(work, { stored, copies }, failed)
      }
      return items.length
    },
    remove(test) {
      const items = takeOut(state, test)
      for (const [stored, copies] of byEntry(items)) spool.finish(stored, copies)
      return items.length
    },
    reroute: (test, wayFor) =>
      rerouteItems(spool, takeOut(state, test), wayFor, (items) => again(items)),
  }
}

/** Copies by their entry. */
export function byEntry(items: readonly QueueItem[]): Map<Stored, number[]> {
  const copies = new Map<Stored, number[]>()
  for (const { stored, copy } of items) {
    const list = copies.get(stored) ?? []
    list.push(copy)
    copies.set(stored, list)
  }
  return copies
}

function takeOut(state: Operated, test: Test): RemovedItem[] {
  const taken = [...state.queue.remove(test)]
  for (const lane of state.lanes.values()) {
    for (const item of takeAll(lane)) {
      if (test(item)) taken.push(item)
      else join(lane, item)
    }
  }
  return taken
}

function countIn({ lines }: Lane, test: Test): number {
  return lines.reduce((sum, { items, first }) => sum + items.slice(first).filter(test).length, 0)
}

function withoutBounces({ settlement }: Operated): Works['settlement'] {
  const { outbound } = settlement
  return { ...settlement, outbound: (item) => ({ ...outbound(item), generateBounces: false }) }
}
