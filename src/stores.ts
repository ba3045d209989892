// What of a server outlasts it: the spool and the event log, in one folder for each process, and those that
// workers have left which are there no more. The spool is opened first: its lock says that the folder is ours.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from './config/config.ts'
import { openDenials } from './sharing/denialcopies.ts'
import type { Denials } from './sharing/denials.ts'
import { type Events, openEvents } from './events/events.ts'
import { joinEvents } from './events/joined.ts'
import type { Journal } from './events/journal.ts'
import type { SinkMeter } from './events/sinks.ts'
import { type Nodes, openNodes } from './sharing/nodes.ts'
import { ALONE, orphansOf, type Place, shareOf } from './place.ts'
import { systemFiles } from './spool/files.ts'
import { type Space, watchSpace } from './spool/space.ts'
import { joinSpools } from './spool/joined.ts'
import { isLockedByUs } from './spool/lock.ts'
import { openSpool, type Spool } from './spool/spool.ts'
import { openSuspensions, type Suspensions } from './suspensions.ts'
import { reportUnreported } from './unreported.ts'
import { VERSION } from './observing/version.ts'

export interface Stores {
  readonly spool: Spool
  readonly events: Events
  readonly space: Space
  readonly nodes: Nodes
  readonly suspensions: Suspensions
  /** Whose links lead nowhere. */
  readonly denials: Denials
  /** Why no mail can be taken now; undefined: it can. */
  readonly notReady: () => string | undefined
  /** On its way down: not ready any more. */
  drain(): void
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

/** A folder of the spool: that of this process, or of a worker that is there no more. */
interface Partition {
  readonly spool: Spool
  readonly events: Events
}

export async function openStores(
  current: () => Current,
  warn: (text: string) => void,
  meter: SinkMeter,
  place: Place = ALONE,
): Promise<Stores> {
  const { spoolbase } = current().config
  const report = (text: string): void => {
    warn(`spool: ${text}`)
    current().journal.panic('spool', text)
  }
  const suspendedIn = (slot: number): string => join(spoolbase, String(slot), 'suspended')
  // All workers are told the same; one that is new, or was away, has what the first one knows.
  const suspensions = await openSuspensions(suspendedIn(place.slot), suspendedIn(0))
  const opened: Partition[] = []
  let isReported = false
  let isDraining = false
  const mayRemove = async (): Promise<boolean> => {
    await opened[0]?.events.flush()
    return isReported
  }
  await openPartitions(opened, { current, warn, report, meter, place, mayRemove })
  const [own, ...others] = opened as [Partition, ...Partition[]]
  const spool = joinSpools(
    own.spool,
    others.map((each) => each.spool),
  )
  const space = await watchOwnSpace(current, place, spool.relieve, report)
  const refusal = (): string | undefined => spool.failure?.message ?? space.shortage
  const nodes = openNodes(current().config.redis, (text) => current().journal.panic('redis', text))
  const denials = await openDenials(spoolbase, nodes, warn)
  return {
    spool,
    events: joinEvents(
      own.events,
      others.map((each) => each.events),
    ),
    space,
    nodes,
    suspensions,
    denials,
    notReady: () => (isDraining ? 'shutting down' : (refusal() ?? nodes.refusal)),
    drain: () => void (isDraining = true),
    async report() {
      const logs = opened.map(({ events }) => events)
      for (const { spool, events } of opened) {
        const elsewhere = logs.filter((log) => log !== events)
        await reportUnreported(spool, events, current().journal, Date.now(), elsewhere)
      }
      isReported = true
    },
    closeSpool() {
      space.close()
      denials.close()
      nodes.close()
      return spool.close()
    },
  }
}

/** Of the file system that our folder is on. */
function watchOwnSpace(
  current: () => Current,
  { slot }: Place,
  relieve: Spool['relieve'],
  report: (text: string) => void,
): Promise<Space> {
  const directory = join(current().config.spoolbase, String(slot))
  return watchSpace({
    directory,
    files: systemFiles,
    floors: () => ({
      freeBytes: current().config.spoolMinFreeBytes,
      freeInodes: current().config.spoolMinFreeInodes,
    }),
    report,
    relieve,
    isThere: () => isLockedByUs(directory),
  })
}

interface Opening {
  readonly current: () => Current
  readonly warn: (text: string) => void
  readonly report: (text: string) => void
  readonly meter: SinkMeter
  readonly place: Place
  /** Whether events that only the spool has are in the event log, too. */
  readonly mayRemove: () => Promise<boolean>
}

/** The own one first. All of them, or none. */
async function openPartitions(opened: Partition[], opening: Opening): Promise<void> {
  const { current, warn, place } = opening
  const { spoolbase } = current().config
  try {
    const orphans = orphansOf(await slotsIn(spoolbase), place)
    const isShared = place.workers + orphans.length > 1
    for (const slot of [place.slot, ...orphans]) {
      const isOwn = slot === place.slot
      const sharing = { isShared, isFirst: isOwn && slot === 0 }
      const partition = await openPartition(opening, join(spoolbase, String(slot)), sharing)
      opened.push(partition)
      const left = partition.spool.recovered.length
      if (!isOwn && left > 0) warn(`spool: ${left} messages are left of worker ${slot}`)
    }
  } catch (error) {
    for (const { spool } of opened) await spool.close()
    throw error
  }
}

async function openPartition(
  { current, report, meter, place, mayRemove }: Opening,
  directory: string,
  sharing: { readonly isShared: boolean; readonly isFirst: boolean },
): Promise<Partition> {
  const spool = await openSpool({ directory, mayRemove, report })
  try {
    const events = await openEvents({
      directory: join(directory, 'events'),
      maxBacklogBytes: shareOf(current().config.maxEventBacklog, place),
      userAgent: `eachrcpt/${VERSION}`,
      ...sharing,
      meter,
      report: (text) => current().journal.panic('events', text),
    })
    return { spool, events }
  } catch (error) {
    await spool.close()
    throw error
  }
}

/** Folders of workers, those of earlier runs too. */
export async function slotsIn(spoolbase: string): Promise<number[]> {
  const names = await readdir(spoolbase).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names.filter((name) => /^\d{1,4}$/.test(name)).map(Number)
}
