// What a start finds: the unfinished entries with their progress, and the damage. Segments are read in
// order of their numbers, one in memory at a time. Nothing is written but copies of damaged octets.
import { join } from 'node:path'
import type { Entry } from './entry.ts'
import { SpoolError } from './error.ts'
import { type FileSystem, readRange } from './files.ts'
import { THIS_ENTRY, type Statement, describeMeta, readStatement } from './journal.ts'
import type { Ledger, Progress } from './ledger.ts'
import type { Location } from './log.ts'
import type { Quarantine } from './quarantine.ts'
import type { SegmentIdentity } from './record.ts'
import {
  type Damage,
  FORMAT_VERSION,
  type FoundRecord,
  formatVersion,
  parseSegmentName,
  scanSegment,
} from './segment.ts'

export interface RecoveredEntry {
  readonly entry: Entry
  readonly location: Location
  readonly progress: Progress
}

export interface Recovery {
  readonly entries: readonly RecoveredEntry[]
  /** Stored with outcomes, the latest. */
  readonly events: readonly string[]
  /** File of each segment by its number. */
  readonly segments: ReadonlyMap<number, string>
  readonly nextSegment: number
  readonly nextSequence: number
}

export interface RecoveryOptions {
  readonly directory: string
  readonly files: FileSystem
  readonly ledger: Ledger
  readonly quarantine: Quarantine
  readonly report: (text: string) => void
}

/** What was taken in of the segments so far. */
interface Taken {
  readonly entries: Map<number, RecoveredEntry>
  readonly events: ReturnType<typeof makeTail>
}

interface SegmentFile extends SegmentIdentity {
  readonly name: string
}

const EVENTS_CHARACTERS = 4 * 1024 * 1024

/** Rejects, before anything is touched, when a segment has a format that this version does not know. */
export async function recover(options: RecoveryOptions): Promise<Recovery> {
  const { directory, files } = options
  const found = (await files.list(directory)).flatMap((name): SegmentFile[] => {
    const identity = parseSegmentName(name)
    return identity ? [{ ...identity, name }] : []
  })
  found.sort((a, b) => a.number - b.number)
  for (const segment of found) await checkFormat(segment, options)

  const taken: Taken = { entries: new Map(), events: makeTail() }
  let lastSequence = 0
  for (const segment of found) {
    options.ledger.addSegment(segment.number)
    lastSequence = Math.max(lastSequence, await readSegment(segment, taken, options))
  }
  return {
    entries: [...taken.entries.values()].filter(({ progress }) => !progress.isFinished),
    events: taken.events.lines(),
    segments: new Map(found.map(({ number, name }) => [number, name])),
    nextSegment: (found.at(-1)?.number ?? 0) + 1,
    nextSequence: lastSequence + 1,
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
async function readSegment(
  segment: SegmentFile,
  taken: Taken,
  options: RecoveryOptions,
): Promise<number> {
  const { directory, files, ledger, report } = options
  const path = join(directory, segment.name)
  let bytes: Buffer
  try {
    bytes = await readRange(files, path, 0, await files.sizeBytes(path))
  } catch (error) {
    ledger.pin(segment.number)
    report(`cannot read ${path}, it is left as it is: ${String(error)}`)
    return 0
  }
  if (bytes.length === 0) report(`${path} is empty`)
  const { records, damages, lastSequence } = scanSegment(bytes, segment)
  for (const record of records) {
    const statement = statementOf(record)
    if (statement) takeIn(statement, record, segment, taken, ledger)
    else await keepDamage({ ...record, kind: 'gap' }, bytes, segment, options)
  }
  for (const damage of damages) await keepDamage(damage, bytes, segment, options)
  return lastSequence
}

function takeIn(
  { entry, changes, events }: Statement,
  record: FoundRecord,
  segment: SegmentFile,
  { entries, events: tail }: Taken,
  ledger: Ledger,
): void {
  events.forEach(tail.add)
  if (entry) {
    const { sequence, start, dataStart, dataBytes, dataCrc } = record
    const place = { segment: segment.number, file: segment.name, sequence, start }
    const location: Location = { ...place, dataStart, dataBytes, dataCrc }
    const sizeBytes = record.end - start
    const progress = ledger.addEntry(sequence, segment.number, entry.copies.length, sizeBytes)
    entries.set(sequence, { entry, location, progress })
  }
  ledger.grow(segment.number, record.end)
  for (const said of changes) {
    const change = said.entry === THIS_ENTRY ? { ...said, entry: record.sequence } : said
    ledger.apply(change)
    ledger.recorded(change, segment.number)
    if (entries.get(change.entry)?.progress.isFinished) entries.delete(change.entry)
  }
}

/** The last lines that have room together. */
function makeTail() {
  let lines: string[] = []
  let first = 0
  let characters = 0
  return {
    add(line: string): void {
      lines.push(line)
      characters += line.length
      while (characters > EVENTS_CHARACTERS) characters -= lines[first++]?.length ?? 0
      if (first * 2 < lines.length) return
      lines = lines.slice(first)
      first = 0
    },
    lines: (): readonly string[] => lines.slice(first),
  }
}

function statementOf(record: FoundRecord): Statement | undefined {
  try {
    return readStatement(record)
  } catch {
    // Sound octets that say nothing we know: kept like damage, with the same report.
    return undefined
  }
}

async function keepDamage(
  { start, end, kind, meta }: Damage,
  bytes: Buffer,
  segment: SegmentFile,
  { directory, quarantine, ledger, report }: RecoveryOptions,
): Promise<void> {
  const what = kind === 'torn' ? 'a write cut short' : 'damage'
  const where = `octets ${start} to ${end} of ${join(directory, segment.name)}`
  try {
    if (!(await quarantine.keep(segment.name, start, bytes.subarray(start, end)))) return
    const kept = quarantine.path(segment.name, start)
    report(`${what} in ${where}${describeMeta(meta)}: kept in ${kept}`)
  } catch (error) {
    ledger.pin(segment.number)
    report(`${what} in ${where}${describeMeta(meta)}: left there, ${String(error)}`)
  }
}
