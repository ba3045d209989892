// What of a server outlasts it: the spool and the event log, in one folder. The spool is opened first: its
// lock says that the folder is ours.
import { join } from 'node:path'
import type { Config } from './config/config.ts'
import { type Events, openEvents } from './events/events.ts'
import type { Journal } from './events/journal.ts'
import { openSpool, type Spool } from './spool/spool.ts'
import { reportUnreported } from './unreported.ts'
import { VERSION } from './version.ts'

export interface Stores {
  readonly spool: Spool
  readonly events: Events
  /** Writes down what a crash kept from the event log; once sinks are there, and before mail is sent. */
  report(): Promise<void>
  /** The spool alone: what ends may still have events to tell. */
  closeSpool(): Promise<void>
}

/** `journal` gives the one of the current configuration. */
export async function openStores(
  config: Config,
  journal: () => Journal,
  warn: (text: string) => void,
): Promise<Stores> {
  const directory = join(config.spoolbase, '0')
  let events: Events | undefined
  let isReported = false
  const spool = await openSpool({
    directory,
    async mayRemove() {
      await events?.flush()
      return isReported
    },
    report(text) {
      warn(`spool: ${text}`)
      journal().panic('spool', text)
    },
  })
  try {
    events = await openEvents({
      directory: join(directory, 'events'),
      maxBacklogBytes: config.maxEventBacklog,
      userAgent: `eachrcpt/${VERSION}`,
      report: (text) => journal().panic('events', text),
    })
  } catch (error) {
    await spool.close()
    throw error
  }
  const opened = events
  return {
    spool,
    events,
    async report() {
      await reportUnreported(spool, opened, journal(), Date.now())
      isReported = true
    },
    closeSpool: () => spool.close(),
  }
}
