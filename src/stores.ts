// What of a server outlasts it: the spool and the event log, in one folder. The spool is opened first: its
// lock says that the folder is ours.
import { join } from 'node:path'
import type { Config } from './config/config.ts'
import { type Events, openEvents } from './events/events.ts'
import type { Journal } from './events/journal.ts'
import { systemFiles } from './spool/files.ts'
import { type Space, watchSpace } from './spool/space.ts'
import { openSpool, type Spool } from './spool/spool.ts'
import { reportUnreported } from './unreported.ts'
import { VERSION } from './version.ts'

export interface Stores {
  readonly spool: Spool
  readonly events: Events
  readonly space: Space
  /** Why no mail can be taken now; undefined: it can. */
  readonly notReady: () => string | undefined
  /** Writes down what a crash kept from the event log; once sinks are there, and before mail is sent. */
  report(): Promise<void>
  /** The spool alone: what ends may still have events to tell. */
  closeSpool(): Promise<void>
}

/** Of the generation that is the current one. */
interface Current {
  readonly config: Config
  readonly journal: Journal
}

export async function openStores(
  current: () => Current,
  warn: (text: string) => void,
): Promise<Stores> {
  const { spoolbase, maxEventBacklog } = current().config
  const directory = join(spoolbase, '0')
  const report = (text: string): void => {
    warn(`spool: ${text}`)
    current().journal.panic('spool', text)
  }
  let events: Events | undefined
  let isReported = false
  const spool = await openSpool({
    directory,
    async mayRemove() {
      await events?.flush()
      return isReported
    },
    report,
  })
  try {
    events = await openEvents({
      directory: join(directory, 'events'),
      maxBacklogBytes: maxEventBacklog,
      userAgent: `eachrcpt/${VERSION}`,
      report: (text) => current().journal.panic('events', text),
    })
  } catch (error) {
    await spool.close()
    throw error
  }
  const opened = events
  const space = await watchSpace({
    directory,
    files: systemFiles,
    floors: () => ({
      freeBytes: current().config.spoolMinFreeBytes,
      freeInodes: current().config.spoolMinFreeInodes,
    }),
    report,
  })
  return {
    spool,
    events,
    space,
    notReady: () => spool.failure?.message ?? space.shortage,
    async report() {
      await reportUnreported(spool, opened, current().journal, Date.now())
      isReported = true
    },
    closeSpool() {
      space.close()
      return spool.close()
    },
  }
}
