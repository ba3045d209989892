// Queued mail of a spool that no server has open. Nothing is sent from here: what is to be tried now is
// written down as due, and a notification waits in the spool for the next start.
import type { Config } from './config/config.ts'
import type { Ids } from './mail/ids.ts'
import { dsnEntry } from './relay/dsnentry.ts'
import { headerOf } from './relay/delivery.ts'
import { byEntry } from './relay/surgery.ts'
import { enhancedStatus } from './relay/outcome.ts'
import type { QueuedMail } from './queueconsole.ts'
import type { QueueItem } from './spool/queue.ts'
import type { Spool, Stored } from './spool/spool.ts'

export interface OfflineOptions {
  readonly spool: Spool
  readonly ids: Ids
  readonly config: Pick<Config, 'hostname' | 'outbound'>
  readonly now: () => number
}

export function offlineMail(options: OfflineOptions): QueuedMail {
  const { spool } = options
  const passing = (test: (item: QueueItem) => boolean): QueueItem[] =>
    spool.unfinished().flatMap((stored) =>
      [...stored.entry.copies.keys()]
        .filter((copy) => !stored.copies[copy]?.done)
        .map((copy) => ({ stored, copy }))
        .filter(test),
    )
  return {
    unfinished: () => spool.unfinished(),
    read: (stored) => spool.read(stored),
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
      for (const [stored, copies] of byEntry(items)) {
        await failCopies(options, stored, copies, reply, isQuiet)
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

async function failCopies(
  { spool, ids, config, now }: OfflineOptions,
  stored: Stored,
  copies: readonly number[],
  reply: string,
  isQuiet: boolean,
): Promise<void> {
  const told = copies.flatMap((copy) => {
    const found = stored.entry.copies[copy]
    const isTold =
      !isQuiet &&
      found !== undefined &&
      found.mailfrom !== '' &&
      config.outbound(found.routingDomain).generateBounces
    return isTold ? [{ copy, found }] : []
  })
  const [first] = told
  if (!first) return spool.finish(stored, copies)
  const notice = dsnEntry({
    ids,
    hostname: config.hostname,
    now: now(),
    returnTo: first.found.mailfrom,
    failures: told.map(({ found }) => ({
      rcptto: found.rcptto,
      status: enhancedStatus(reply),
      diagnostic: reply,
      action: 'failed',
    })),
    originalHeader: await headerOf(spool, { stored, copy: first.copy }),
  })
  await spool.replace(stored, copies, notice)
}
