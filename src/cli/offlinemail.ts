// Queued mail of a spool that no server has open. Nothing is sent from here: what is to be tried now is
// written down as due, and a notification waits in the spool for the next start, as does the event of a copy
// that is ended here.
import type { Config } from '../config/config.ts'
import type { Journal } from '../events/journal.ts'
import type { Ids } from '../mail/ids.ts'
import { countsFrom, relayObservers } from '../observing/observers.ts'
import { headerOf } from '../relay/delivery.ts'
import { outcome, STAGES } from '../relay/outcome.ts'
import { settleUntried, type Settlement } from '../relay/settlement.ts'
import { byEntry } from '../relay/surgery.ts'
import type { QueuedMail } from '../queuedmail.ts'
import { type QueueItem, wayOf } from '../spool/queue.ts'
import type { Spool } from '../spool/spool.ts'

export interface OfflineOptions {
  readonly spool: Spool
  readonly ids: Ids
  readonly config: Pick<Config, 'hostname' | 'outbound'>
  /** Gets the log lines. */
  readonly journal: Journal
  readonly now: () => number
}

export function offlineMail(options: OfflineOptions): QueuedMail {
  const { spool } = options
  const passing = (test: (item: QueueItem) => boolean): QueueItem[] =>
    [...spool.unfinished()].flatMap((stored) =>
      [...stored.copies.keys()]
        .filter((copy) => !stored.copies[copy]?.done)
        .map((copy) => ({ stored, copy }))
        .filter(test),
    )
  return {
    unfinished: spool.unfinished,
    entry: spool.entry,
    read: spool.read,
    retry(test) {
      const items = passing(test)
      for (const { stored, copy } of items) {
        const { attempts = 0, note = '' } = stored.copies[copy] ?? {}
        spool.defer(stored, copy, { attempts, nextAttemptMs: 0, note })
      }
      return items.length
    },
    async fail(test, reply, isQuiet) {
      const items = passing(test)
      const failed = outcome(STAGES.notConnected, reply)
      const settlement = settlementOf(options, isQuiet)
      for (const [stored, copies] of byEntry(items)) {
        await settleUntried(settlement, { stored, copies }, failed)
      }
      return items.length
    },
    remove(test) {
      const items = passing(test)
      for (const [stored, copies] of byEntry(items)) spool.finish(stored, copies)
      return items.length
    },
  }
}

function settlementOf(
  { spool, ids, config, journal, now }: OfflineOptions,
  isQuiet: boolean,
): Settlement {
  return {
    spool,
    ids,
    // What policy has to say about it only a server knows.
    observers: relayObservers(
      () => journal,
      countsFrom(now()),
      () => () => {},
    ),
    clock: { now, aheadMs: () => 0, after: () => () => {} },
    receivedMs: (stored) => stored.receivedMs,
    random: Math.random,
    hostname: () => config.hostname,
    outbound(item) {
      const { routingDomain, egress } = wayOf(item)
      const outbound = config.outbound(routingDomain, egress)
      return isQuiet ? { ...outbound, generateBounces: false } : outbound
    },
    header: (stored, copy) => headerOf(spool, stored, copy),
    // It stays in the spool as it is.
    again: () => {},
    enqueue: () => {},
  }
}
