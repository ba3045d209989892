// What a start finds: the unfinished entries with their progress, and the damage. Segments are taken in
// order of their numbers: of those with an index that alone is read, of the others all, one in memory at a
// time. Nothing is written but copies of damaged octets.
import { join } from 'node:path'
import { SpoolError } from './error.ts'
import { type FileSystem, readRange } from './files.ts'
import { type Change, THIS_ENTRY, type Statement, describeMeta, readStatement } from './journal.ts'
import type { Ledger, Progress } from './ledger.ts'
import type { Location } from './batch.ts'
import type { Quarantine } from './quarantine.ts'
import { type EventSources, makeEventSources, type Told } from './recoveredevents.ts'
import type { SegmentIdentity } from './record.ts'
import {
  type Damage,
  FORMAT_VERSION,
  type FoundRecord,
  formatVersion,
  parseSegmentName,
  scanSegment,
  SEGMENT_HEADER_BYTES,
} from './segment.ts'
import {
  INDEX_RECORDS,
  type Indexed,
  makeRecorder,
  readIndex,
  type Recorder,
} from './segmentindex.ts'
import { type Interner, type Outline, outlineOf } from './stored.ts'

export interface RecoveredEntry {
  readonly outline: Outline
  readonly location: Location
  readonly progress: Progress
}

export interface Recovery {
  readonly entries: readonly RecoveredEntry[]
  /** What the event log was told, the latest. */
  readonly told: readonly Told[]
  /** File of each segment by its number. */
  readonly segments: ReadonlyMap<number, string>
  readonly nextSegment: number
  readonly nextSequence: number
  readonly unindexed: readonly Unindexed[]
}

/** A segment that was read as a whole: where its records end, and what an index would say of it. */
export interface Unindexed extends SegmentIdentity {
  readonly name: string
  readonly end: number
  /** Of the last that it would have. */
  readonly lastSequence: number
  readonly index: string | undefined
}

export interface RecoveryOptions {
  readonly directory: string
  readonly files: FileSystem
  readonly ledger: Ledger
  readonly quarantine: Quarantine
  readonly interner: Interner
  readonly report: (text: string) => void
}

/** What was taken in of the segments so far. */
interface Taken {
  readonly entries: Map<number, RecoveredEntry>
  readonly events: EventSources
  readonly unindexed: Unindexed[]
}

interface SegmentFile extends SegmentIdentity {
  readonly name: string
}

/** Rejects, before anything is touched, when a segment has a format that this version does not know. */
export async function recover(options: RecoveryOptions): Promise<Recovery> {
  const { directory, files } = options
  const found = (await files.list(directory)).flatMap((name): SegmentFile[] => {
    const identity = parseSegmentName(name)
    return identity ? [{ ...identity, name }] : []
  })
  found.sort((a, b) => a.number - b.number)
  for (const segment of found) await checkFormat(segment, options)

  const taken: Taken = { entries: new Map(), events: makeEventSources(files), unindexed: [] }
  let lastSequence = 0
  for (const segment of found) {
    options.ledger.addSegment(segment.number)
    lastSequence = Math.max(lastSequence, await takeSegment(segment, taken, options))
  }
  return {
    entries: [...taken.entries.values()].filter(({ progress }) => !progress.isFinished),
    told: await taken.events.latest(),
    segments: new Map(found.map(({ number, name }) => [number, name])),
    nextSegment: (found.at(-1)?.number ?? 0) + 1,
    nextSequence: lastSequence + 1,
    unindexed: taken.unindexed,
  }
}

async function checkFormat({ name }: SegmentFile, options: RecoveryOptions): Promise<void> {
  const { directory, files } = options
  // What cannot be read here is reported when the segment is read.
  const start = await readRange(files, join(directory, name), 0, 16).catch(() => undefined)
  const version = start && formatVersion(start)
  if (version === undefined || version <= FORMAT_VERSION) return
  throw new SpoolError(
    'newer format',
    `${join(directory, name)} has format ${version}, this version knows formats up to ` +
      `${FORMAT_VERSION}: it was written by a newer version and is left as it is`,
  )
}

/** Takes in what a segment says; gives its last sequence. */
async function takeSegment(
  segment: SegmentFile,
  taken: Taken,
  options: RecoveryOptions,
): Promise<number> {
  const { directory, files, ledger, interner, report } = options
  const path = join(directory, segment.name)
  try {
    const sizeBytes = await files.sizeBytes(path)
    // An index that cannot be read is none.
    const index = await readIndex(files, path, sizeBytes, segment, interner).catch(() => undefined)
    if (index) {
      takeIndex(index, segment, taken, options)
      return index.lastSequence
    }
    return await readSegment(await readRange(files, path, 0, sizeBytes), segment, taken, options)
  } catch (error) {
    ledger.pin(segment.number)
    report(`cannot read ${path}, it is left as it is: ${String(error)}`)
    return 0
  }
}

function takeIndex(
  { entries, changes, events, endBytes }: Indexed,
  segment: SegmentFile,
  taken: Taken,
  options: RecoveryOptions,
): void {
  const { directory, ledger } = options
  for (const { location, outline } of entries) {
    const sizeBytes = location.dataStart + location.dataBytes - location.start
    enter({ location, outline }, sizeBytes, taken, ledger)
  }
  ledger.grow(segment.number, endBytes)
  for (const change of changes) apply(change, segment.number, taken, ledger)
  taken.events.stored(join(directory, segment.name), segment, events)
}

async function readSegment(
  bytes: Buffer,
  segment: SegmentFile,
  taken: Taken,
  options: RecoveryOptions,
): Promise<number> {
  const { directory, report } = options
  if (bytes.length === 0) report(`${join(directory, segment.name)} is empty`)
  const { records, lastSequence, ...found } = scanSegment(bytes, segment)
  const damages: Damage[] = [...found.damages]
  const recorder = makeRecorder()
  const whole = { ...taken, recorder }
  let isSound = formatVersion(bytes) === FORMAT_VERSION
  for (const record of records) {
    const statement = statementOf(record)
    if (statement) takeRecord(statement, record, segment, whole, options)
    else damages.push({ ...record, kind: 'gap' })
  }
  for (const damage of damages) {
    const isKept = await keepDamage(damage, bytes, segment, options)
    isSound &&= isKept && damage.kind === 'torn'
  }
  const end = records.at(-1)?.end ?? SEGMENT_HEADER_BYTES
  const last = lastSequence + INDEX_RECORDS
  const index = recorder.take(last, end)
  if (isSound) taken.unindexed.push({ ...segment, end, lastSequence: last, index })
  return isSound ? last : lastSequence
}

function takeRecord(
  statement: Statement,
  record: FoundRecord,
  segment: SegmentFile,
  taken: Taken & { readonly recorder: Recorder },
  { ledger, interner }: RecoveryOptions,
): void {
  const { sequence, start, end, dataStart, dataBytes, dataCrc } = record
  const { entry, events } = statement
  const changes = statement.changes.map((change) =>
    change.entry === THIS_ENTRY ? { ...change, entry: sequence } : change,
  )
  taken.events.said(statement)
  if (entry) {
    const place = { segment: segment.number, file: segment.name, sequence, start }
    const location: Location = { ...place, dataStart, dataBytes, dataCrc }
    const outline = outlineOf(entry, interner)
    enter({ location, outline }, end - start, taken, ledger)
    taken.recorder.entry(sequence, { location, ...outline })
  }
  taken.recorder.said(changes)
  if (events.length > 0) taken.recorder.events(record)
  ledger.grow(segment.number, end)
  for (const change of changes) apply(change, segment.number, taken, ledger)
}

function enter(
  { location, outline }: Omit<RecoveredEntry, 'progress'>,
  sizeBytes: number,
  { entries }: Taken,
  ledger: Ledger,
): void {
  const { sequence, segment } = location
  const progress = ledger.addEntry(sequence, segment, outline.ways.length, sizeBytes)
  entries.set(sequence, { outline, location, progress })
}

function apply(change: Change, segment: number, { entries }: Taken, ledger: Ledger): void {
  ledger.apply(change)
  ledger.recorded(change, segment)
  if (entries.get(change.entry)?.progress.isFinished) entries.delete(change.entry)
}

function statementOf(record: FoundRecord): Statement | undefined {
  try {
    return readStatement(record)
  } catch {
    // Sound octets that say nothing we know: kept like damage, with the same report.
    return undefined
  }
}

/** How what is said of an unfinished write begins. */
export const CUT_SHORT = 'a write cut short'

/** False: what is damaged has no other place yet. */
async function keepDamage(
  { start, end, kind, meta }: Damage,
  bytes: Buffer,
  segment: SegmentFile,
  { directory, quarantine, ledger, report }: RecoveryOptions,
): Promise<boolean> {
  const what = kind === 'torn' ? CUT_SHORT : 'damage'
  const where = `octets ${start} to ${end} of ${join(directory, segment.name)}`
  try {
    if (!(await quarantine.keep(segment.name, start, bytes.subarray(start, end)))) return true
    const kept = quarantine.path(segment.name, start)
    report(`${what} in ${where}${describeMeta(meta)}: kept in ${kept}`)
    return true
  } catch (error) {
    ledger.pin(segment.number)
    report(`${what} in ${where}${describeMeta(meta)}: left there, ${String(error)}`)
    return false
  }
}
