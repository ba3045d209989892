// What messages say, read when it is asked for. What came last stays in memory, up to a limit: most mail leaves
// at once and need not be read again. A record that is not what was written is set aside, and its entry out of
// the queue.
import { join } from 'node:path'
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
  const entries = makeMemory<Entry>(MAX_REMEMBERED_ENTRY_BYTES)
  const datas = makeMemory<Buffer>(options.freshBytes)
  const reading = new Map<Stored, Promise<Entry>>()

  async function readEntry(stored: Stored): Promise<Entry> {
    const entry = await read(options, stored, ({ start, dataStart }) => [start, dataStart], entryIn)
    entries.set(stored, entry, stored.location.dataStart - stored.location.start)
    return entry
  }

  return {
    entry(stored) {
      const known = entries.get(stored)
      if (known) return Promise.resolve(known)
      const present = reading.get(stored)
      if (present) return present
      const read = readEntry(stored).finally(() => reading.delete(stored))
      reading.set(stored, read)
      return read
    },
    data(stored) {
      const known = datas.get(stored)
      return known ? Promise.resolve(known) : read(options, stored, dataExtent, dataIn)
    },
    remember(stored, entry, sizeBytes, data) {
      entries.set(stored, entry, sizeBytes)
      datas.set(stored, data, data.length)
    },
    forget(stored) {
      entries.delete(stored)
      datas.delete(stored)
    },
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
    if (stored.location === location) throw error
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
  if (!options.isUnfinished(stored)) throw new SpoolError('damaged', 'the message is finished')
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

/** The last that were set and not deleted. */
function makeMemory<T>(maxBytes: number) {
  const held = new Map<Stored, { readonly what: T; readonly sizeBytes: number }>()
  let bytes = 0
  const remove = (stored: Stored): void => {
    bytes -= held.get(stored)?.sizeBytes ?? 0
    held.delete(stored)
  }
  return {
    get: (stored: Stored): T | undefined => held.get(stored)?.what,
    set(stored: Stored, what: T, sizeBytes: number): void {
      remove(stored)
      held.set(stored, { what, sizeBytes })
      bytes += sizeBytes
      for (const oldest of held.keys()) {
        if (bytes <= maxBytes) break
        remove(oldest)
      }
    },
    delete: remove,
  }
}
