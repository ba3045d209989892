// Events of the log that one sink wants, gathered into a batch.
import type { EventLog } from './eventlog.ts'
import { splitLines } from './segments.ts'
import { type BatchLimits, typeOf } from './sink.ts'

export interface Gathering {
  readonly log: Pick<EventLog, 'read'>
  readonly limits: Pick<BatchLimits, 'events' | 'bytes'>
  wants(type: string): boolean
  report(text: string): void
}

export interface Gathered {
  readonly events: Buffer[]
  bytes: number
  /** Everything before this place of the log has been looked at. */
  end: number
  /** When the first of them was read, on the courier's clock. */
  sinceMs: number
}

const READ_BYTES = 256 * 1024

export function emptyGathered(place: number): Gathered {
  return { events: [], bytes: 0, end: place, sinceMs: 0 }
}

export function isFull({ events, bytes }: Gathered, limits: Gathering['limits']): boolean {
  return events.length >= limits.events || bytes >= limits.bytes
}

/** Reads until the batch is full or the log, or this part of it, ends. */
export async function gatherMore(
  work: Gathering,
  gathered: Gathered,
  nowMs: number,
  upTo = Infinity,
): Promise<void> {
  while (gathered.end < upTo && !isFull(gathered, work.limits)) {
    const most = Math.min(READ_BYTES, upTo - gathered.end)
    const { from, bytes } = await work.log.read(gathered.end, most)
    if (bytes.length === 0) return
    if (from > gathered.end) {
      work.report(`${from - gathered.end} octets of events were dropped before it could take them`)
    }
    gathered.end = from
    const before = gathered.bytes
    const wanted: Buffer[] = []
    for (const line of splitLines(bytes)) {
      if (gathered.events.length + wanted.length >= work.limits.events) break
      if (gathered.bytes >= work.limits.bytes) break
      gathered.end += line.length + 1
      if (!isWanted(work, line)) continue
      wanted.push(line)
      gathered.bytes += line.length
    }
    if (wanted.length === 0) continue
    if (gathered.events.length === 0) gathered.sinceMs = nowMs
    // Few lines that wait must not hold all that was read with them.
    const isMost = (gathered.bytes - before) * 2 > bytes.length
    for (const line of wanted) gathered.events.push(isMost ? line : Buffer.from(line))
  }
}

function isWanted({ wants, report }: Gathering, line: Buffer): boolean {
  const type = typeOf(line)
  if (type === undefined) report('an event of the log is damaged: left out')
  return type !== undefined && wants(type)
}
