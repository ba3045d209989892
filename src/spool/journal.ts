// What the records of the log say, as JSON: an entry (with the copies of an earlier one that it
// finishes, as a DSN does), or progress of entries. Progress may be said again: the later word holds.
import { type Entry, type PackedEntry, packEntry, unpackEntry } from './entry.ts'
import { startRecord } from './record.ts'
import type { FoundRecord } from './segment.ts'

/** How far one copy is. */
export interface CopyState {
  readonly done: boolean
  readonly attempts: number
  /** 0: at once. */
  readonly nextAttemptMs: number
  /** Why it was deferred last. */
  readonly note: string
}

/** Copies by index; `entry`: the sequence of its record. */
export type Change =
  | { readonly kind: 'all done'; readonly entry: number }
  | { readonly kind: 'done'; readonly entry: number; readonly copies: readonly number[] }
  | ({ readonly kind: 'deferred'; readonly entry: number; readonly copy: number } & Deferral)

export type Deferral = Omit<CopyState, 'done'>

type PackedChange =
  | readonly [entry: number]
  | readonly [entry: number, copies: readonly number[]]
  | readonly [entry: number, copy: number, attempts: number, nextAttemptMs: number, note: string]

interface EntryMeta {
  readonly entry: PackedEntry
  readonly changes?: readonly PackedChange[]
}

export interface Statement {
  readonly entry?: Entry
  readonly changes: readonly Change[]
}

export function entryRecord(entry: Entry, data: Buffer, changes: readonly Change[] = []): Buffer {
  const packed = packEntry(entry)
  const meta: EntryMeta = changes.length
    ? { entry: packed, changes: changes.map(packChange) }
    : { entry: packed }
  return startRecord('entry', JSON.stringify(meta), data)
}

export function progressRecord(changes: readonly Change[]): Buffer {
  return startRecord('progress', JSON.stringify(changes.map(packChange)))
}

/** Throws when the record is none that this version writes. */
export function readStatement({ type, meta }: FoundRecord): Statement {
  const text = meta.toString()
  if (type === 'progress') {
    const changes: PackedChange[] = JSON.parse(text)
    return { changes: changes.map(unpackChange) }
  }
  const { entry, changes = [] }: EntryMeta = JSON.parse(text)
  return { entry: unpackEntry(entry), changes: changes.map(unpackChange) }
}

/** Whose message a damaged record held, as far as it can be told; for reports. */
export function describeMeta(meta: Buffer | undefined): string {
  if (!meta) return ''
  try {
    const { entry }: Partial<EntryMeta> = JSON.parse(meta.toString())
    if (!entry) return ''
    const recipients = entry.copies.map(([, rcptto]) => rcptto)
    const more = recipients.length > 3 ? ` and ${recipients.length - 3} more` : ''
    const { batchId, mailfrom } = entry.common
    return `, message ${batchId} from <${mailfrom}> to ${recipients.slice(0, 3).join(', ')}${more}`
  } catch {
    // A form that this version does not know has no name to give.
    return ''
  }
}

function packChange(change: Change): PackedChange {
  switch (change.kind) {
    case 'all done':
      return [change.entry]
    case 'done':
      return [change.entry, change.copies]
    case 'deferred':
      return [change.entry, change.copy, change.attempts, change.nextAttemptMs, change.note]
    default:
      return change satisfies never
  }
}

function unpackChange(packed: PackedChange): Change {
  if (packed.length === 1) return { kind: 'all done', entry: packed[0] }
  if (packed.length === 2) return { kind: 'done', entry: packed[0], copies: packed[1] }
  const [entry, copy, attempts, nextAttemptMs, note] = packed
  return { kind: 'deferred', entry, copy, attempts, nextAttemptMs, note }
}
