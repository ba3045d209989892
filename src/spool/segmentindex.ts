// What a full segment says, in short, at its end: which entries it holds and what it tells of others, so that
// a start need not read it. Two records: the index, and a trailer of fixed size that leads to it. A segment
// without one, as a crash leaves it, or for which it would be too long, is read as a whole.
// Nothing here is synced: an index that did not get to the disk whole is none.
import { FleetingMap } from '../mail/fleeting.ts'
import { isIntact } from './checksum.ts'
import { type FileSystem, readRange } from './files.ts'
import { type Change, packChange, type PackedChange, unpackChange } from './journal.ts'
import type { Location } from './batch.ts'
import {
  readRecordHeader,
  RECORD_HEADER_BYTES,
  sealRecord,
  type SegmentIdentity,
  startRecord,
} from './record.ts'
import type { Interner, Outline, Stored, Way } from './stored.ts'

/** Octets `start` to `end` of the segment. */
export type Extent = readonly [start: number, end: number]

/** Without its progress, of which changes tell. */
type Placed = Omit<Stored, 'copies'>

export interface Recorder {
  /** It stands in the segment that is being written. */
  entry(sequence: number, stored: Placed): void
  said(changes: readonly Change[]): void
  events(location: Pick<Location, 'start' | 'dataStart'>): void
  /** The index of the segment, undefined where it would not be worth it; the next one begins. */
  take(lastSequence: number, endBytes: number): string | undefined
}

/** `entry`: the sequence of the record. */
export interface Indexed {
  readonly lastSequence: number
  readonly entries: readonly { readonly location: Location; readonly outline: Outline }[]
  readonly changes: readonly Change[]
  /** Where records are that tell of events: outcomes', and messages that came last. */
  readonly events: readonly Extent[]
  /** Where the index begins. */
  readonly endBytes: number
}

type PackedWay = readonly [domain: string, group?: string, binding?: string, priority?: 1]

interface PackedIndex {
  readonly lastSequence: number
  readonly ways: readonly PackedWay[]
  readonly entries: readonly (readonly [
    sequence: number,
    start: number,
    metaBytes: number,
    dataBytes: number,
    dataCrc: number,
    receivedMs: number,
    ways: number | readonly number[],
    groups?: readonly number[],
  ])[]
  readonly changes: readonly PackedChange[]
  readonly events: readonly Extent[]
}

/** Beyond, a segment is nothing but progress, and its index would say all of it again. */
const MAX_CHANGES = 20_000
/** What part of its segment an index may be; an entry takes about so much of it. */
const MAX_PART = 0.125
const ENTRY_BYTES = 80
/** Injections of messages that came so long before the last one are in the event log. */
const RECENT_MS = 10_000
/** Of events that stand so near to each other, what is between is read too. */
const NEAR_BYTES = 4096
const TRAILER_DIGITS = 12
export const TRAILER_BYTES = RECORD_HEADER_BYTES + TRAILER_DIGITS

export function makeRecorder(): Recorder {
  let entries = new FleetingMap<number, Placed>()
  let changes: Change[] = []
  let events: Telling[] = []
  return {
    entry(sequence, stored) {
      entries.set(sequence, stored)
      join(events, stored.location, stored.receivedMs)
    },
    said(said) {
      for (const change of said) {
        // Nobody asks any more: older records are not told of it.
        if (change.kind === 'all done' && entries.delete(change.entry)) continue
        if (changes.length <= MAX_CHANGES) changes.push(change)
      }
    },
    events: (location) => join(events, location, Infinity),
    take(lastSequence, endBytes) {
      const isLong =
        changes.length > MAX_CHANGES || entries.size * ENTRY_BYTES > endBytes * MAX_PART
      const text = isLong ? undefined : packIndex(lastSequence, entries, changes, extentsOf(events))
      entries = new FleetingMap()
      changes = []
      events = []
      return text
    },
  }
}

/** Records that tell of events; `receivedMs`: when the last message of them came, infinite for an outcome. */
type Telling = [start: number, end: number, receivedMs: number]

function join(
  tellings: Telling[],
  { start, dataStart }: Pick<Location, 'start' | 'dataStart'>,
  receivedMs: number,
): void {
  const last = tellings.at(-1)
  if (!last || start - last[1] >= NEAR_BYTES)
    return void tellings.push([start, dataStart, receivedMs])
  last[1] = dataStart
  last[2] = Math.max(last[2], receivedMs)
}

/** Where the event log may lack something after a crash. */
function extentsOf(tellings: readonly Telling[]): Extent[] {
  const lastMs = tellings.reduce((ms, [, , at]) => (at === Infinity ? ms : Math.max(ms, at)), 0)
  return tellings.flatMap(([start, end, ms]) => (ms >= lastMs - RECENT_MS ? [[start, end]] : []))
}

/** How many sequence numbers it takes. */
export const INDEX_RECORDS = 2

/** An index and what leads to it, to stand at `start` and to end with that sequence. */
export function indexRecords(
  segment: SegmentIdentity,
  index: string,
  start: number,
  lastSequence: number,
): Buffer[] {
  const trailer = String(start).padStart(TRAILER_DIGITS, '0')
  const records = [startRecord('index', index), startRecord('trailer', trailer)]
  records.forEach((record, i) => sealRecord(record, segment, lastSequence + 1 - INDEX_RECORDS + i))
  return records
}

/** Undefined: there is none, or it cannot be read. */
export async function readIndex(
  files: FileSystem,
  path: string,
  sizeBytes: number,
  segment: SegmentIdentity & { readonly name: string },
  interner: Interner,
): Promise<Indexed | undefined> {
  const at = sizeBytes - TRAILER_BYTES
  if (at < 0) return undefined
  const trailer = metaOf(await readRange(files, path, at, sizeBytes), segment, 'trailer')
  const start = Number(trailer?.toString('latin1'))
  if (!trailer || !Number.isInteger(start) || start < 0 || start > at) return undefined
  const meta = metaOf(await readRange(files, path, start, at), segment, 'index')
  if (!meta) return undefined
  const packed: PackedIndex = JSON.parse(meta.toString())
  return { ...unpackIndex(packed, segment, interner), endBytes: start }
}

/** Of the record that these octets are. */
function metaOf(
  bytes: Buffer,
  segment: SegmentIdentity,
  type: 'index' | 'trailer',
): Buffer | undefined {
  const header = readRecordHeader(bytes, 0, segment)
  const meta = bytes.subarray(RECORD_HEADER_BYTES)
  const isWhole = header?.type === type && header.metaBytes === meta.length
  return isWhole && isIntact(meta, header.metaCrc) ? meta : undefined
}

function packIndex(
  lastSequence: number,
  entries: ReadonlyMap<number, Placed>,
  changes: readonly Change[],
  events: readonly Extent[],
): string {
  const ways: PackedWay[] = []
  const known = new Map<Way, number>()
  const numberOf = (way: Way): number => {
    const present = known.get(way)
    if (present !== undefined) return present
    known.set(way, ways.length)
    return ways.push(packWay(way)) - 1
  }
  const packed: PackedIndex = {
    lastSequence,
    entries: [...entries].map(([sequence, stored]) => {
      const { location, receivedMs, groups } = stored
      const { start, dataStart, dataBytes, dataCrc } = location
      const metaBytes = dataStart - start - RECORD_HEADER_BYTES
      const [first, ...others] = stored.ways.map(numberOf)
      const numbers = first !== undefined && others.length === 0 ? first : [first ?? 0, ...others]
      const place = [sequence, start, metaBytes, dataBytes, dataCrc, receivedMs, numbers] as const
      return groups ? [...place, groups] : place
    }),
    ways,
    changes: changes.map(packChange),
    events,
  }
  return JSON.stringify(packed)
}

function unpackIndex(
  { lastSequence, ways, entries, changes, events }: PackedIndex,
  segment: SegmentIdentity & { readonly name: string },
  interner: Interner,
): Omit<Indexed, 'endBytes'> {
  const known = ways.map(([domain, group, binding, priority]) =>
    interner.way(domain, group && binding ? { group, binding } : undefined, priority),
  )
  const wayOf = (number: number): Way => {
    const way = known[number]
    if (!way) throw new Error('an index names a way that it does not have')
    return way
  }
  return {
    lastSequence,
    entries: entries.map(
      ([sequence, start, metaBytes, dataBytes, dataCrc, receivedMs, numbers, groups]) => ({
        location: {
          segment: segment.number,
          file: segment.name,
          sequence,
          start,
          dataStart: start + RECORD_HEADER_BYTES + metaBytes,
          dataBytes,
          dataCrc,
        },
        outline: {
          receivedMs,
          ways: typeof numbers === 'number' ? interner.alone(wayOf(numbers)) : numbers.map(wayOf),
          groups,
        },
      }),
    ),
    changes: changes.map(unpackChange),
    events,
  }
}

function packWay({ routingDomain, egress, priority }: Way): PackedWay {
  if (!egress && !priority) return [routingDomain]
  const { group = '', binding = '' } = egress ?? {}
  return priority ? [routingDomain, group, binding, priority] : [routingDomain, group, binding]
}
