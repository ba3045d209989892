// What messages say, read when it is asked for. What came last stays in memory, up to a limit: most mail leaves
// at once and need not be read again. A record that is not what was written is set aside, and its entry out of
// the queue.
import { join } from 'node:path'
import { FleetingMap } from '../mail/fleeting.ts'
import { isIntact } from './checksum.ts'
import { type Entry, unpackEntry } from './entry.ts'
import { SpoolError } from './error.ts'
import { describeMeta, readStatement } from './journal.ts'
import type { Location } from './batch.ts'
import type { Log } from './log.ts'
import type { Quarantine } from './quarantine.ts'
import { readRecordHeader, RECORD_HEADER_BYTES } from './record.ts'
import { parseSegmentName } from './segment.ts'
import type { Stored } from './stored.ts'

export interface Contents {
  /** Both reject with SpoolError `damaged`, once and for all, when they are not what was written. */
  entry(stored: Stored): Promise<Entry>
  data(stored: Stored): Promise<Buffer>
  /** Of a message that has just been written; `sizeBytes`: of its entry as it is stored. */
  remember(stored: Stored, entry: Entry, sizeBytes: number, data: Buffer): void
  forget(stored: Stored): void
}

export interface ContentsOptions {
  readonly directory: string
  readonly log: Pick<Log, 'read'>
  readonly quarantine: Quarantine
  /** Its entry is over. */
  readonly finish: (stored: Stored) => void
  /** Its segment must stay. */
  readonly pin: (segment: number) => void
  readonly isUnfinished: (stored: Stored) => boolean
  /** Octets of messages that came last, kept in memory. */
  readonly freshBytes: number
  readonly report: (text: string) => void
}

/** Of entries as they are stored; in memory they take several times as much. */
const MAX_REMEMBERED_ENTRY_BYTES = 8 * 1024 * 1024

export function makeContents(options: ContentsOptions): Contents {
  const memory = makeMemory(MAX_REMEMBERED_ENTRY_BYTES, options.freshBytes)
  const reading = new Map<Stored, Promise<Entry>>()

  async function readEntry(stored: Stored): Promise<Entry> {
    const { location } = stored
    const entry = await read(options, stored, ({ start, dataStart }) => [start, dataStart], entryIn)
    // It was written again meanwhile, and may say something else.
    if (stored.location !== location) return readEntry(stored)
    const entryBytes = stored.location.dataStart - stored.location.start
    memory.set(stored, { ...NOTHING, ...memory.get(stored), entry, entryBytes })
    return entry
  }

  return {
    entry(stored) {
      const known = memory.get(stored)?.entry
      if (known) return Promise.resolve(known)
      const present = reading.get(stored)
      if (present) return present
      const read = readEntry(stored).finally(() => reading.delete(stored))
      reading.set(stored, read)
      return read
    },
    data(stored) {
      const known = memory.get(stored)?.data
      return known ? Promise.resolve(known) : read(options, stored, dataExtent, dataIn)
    },
    remember: (stored, entry, entryBytes, data) => memory.set(stored, { entry, entryBytes, data }),
    forget: memory.delete,
  }
}

/** `find`: what the octets are; undefined: not what was written. */
async function read<T>(
  options: ContentsOptions,
  stored: Stored,
  extentOf: (location: Location) => readonly [start: number, end: number],
  find: (bytes: Buffer, location: Location) => T | undefined,
): Promise<T> {
  const { location } = stored
  const [start, end] = extentOf(location)
  try {
    const found = find(await options.log.read(location, start, end), location)
    if (found !== undefined) return found
  } catch (error) {
    if (stored.location === location && options.isUnfinished(stored)) throw error
  }
  // It was moved meanwhile, and its segment is gone or used again.
  if (stored.location !== location) return read(options, stored, extentOf, find)
  return setAside(options, stored)
}

function dataExtent({ dataStart, dataBytes }: Location): [start: number, end: number] {
  return [dataStart, dataStart + dataBytes]
}

function dataIn(data: Buffer, { dataBytes, dataCrc }: Location): Buffer | undefined {
  const isSound = data.length === dataBytes && (dataBytes === 0 || isIntact(data, dataCrc))
  return isSound ? data : undefined
}

/** Undefined: these are not the octets of its record. */
function entryIn(head: Buffer, { file }: Location): Entry | undefined {
  const segment = parseSegmentName(file)
  const header = segment && readRecordHeader(head, 0, segment)
  const meta = head.subarray(RECORD_HEADER_BYTES)
  if (header?.type !== 'entry' || header.metaBytes !== meta.length) return undefined
  if (!isIntact(meta, header.metaCrc)) return undefined
  try {
    const { entry } = readStatement({ type: header.type, meta })
    return entry && unpackEntry(entry)
  } catch {
    // Sound octets that say nothing we know are kept like damaged ones.
    return undefined
  }
}

/** Keeps a damaged record of an unfinished entry and takes its entry out of the queue. */
async function setAside(options: ContentsOptions, stored: Stored): Promise<never> {
  const { directory, log, quarantine, report } = options
  const { file, segment, start, dataStart, dataBytes } = stored.location
  if (!options.isUnfinished(stored)) throw new SpoolError('finished', 'the message is finished')
  const what = `message at octet ${start} of ${join(directory, file)}`
  try {
    const bytes = await log.read(stored.location, start, dataStart + dataBytes)
    await quarantine.keep(file, start, bytes)
    options.finish(stored)
    report(
      `the ${what}${describeMeta(bytes.subarray(RECORD_HEADER_BYTES, dataStart - start))} is damaged and will ` +
        `not be sent: kept in ${quarantine.path(file, start)}`,
    )
  } catch (error) {
    options.pin(segment)
    report(`the ${what} is damaged: left there, ${String(error)}`)
  }
  throw new SpoolError('damaged', `the ${what} is damaged`)
}

interface Remembered {
  readonly entry: Entry | undefined
  readonly entryBytes: number
  readonly data: Buffer | undefined
}

const NOTHING: Remembered = { entry: undefined, entryBytes: 0, data: undefined }

/** The last that were set and not deleted: so many octets of entries, and so many of data. */
function makeMemory(maxEntryBytes: number, maxDataBytes: number) {
  const held = new FleetingMap<Stored, Remembered>()
  let entryBytes = 0
  let dataBytes = 0
  const count = ({ entryBytes: octets, data }: Remembered, sign: 1 | -1): void => {
    entryBytes += sign * octets
    dataBytes += sign * (data?.length ?? 0)
  }
  const remove = (stored: Stored): void => {
    const present = held.get(stored)
    if (!present) return
    count(present, -1)
    held.delete(stored)
  }
  return {
    get: (stored: Stored): Remembered | undefined => held.get(stored),
    set(stored: Stored, what: Remembered): void {
      remove(stored)
      held.set(stored, what)
      count(what, 1)
      if (entryBytes <= maxEntryBytes && dataBytes <= maxDataBytes) return
      for (const oldest of held.keys()) {
        if (entryBytes <= maxEntryBytes && dataBytes <= maxDataBytes) break
        remove(oldest)
      }
    },
    delete: remove,
  }
}
