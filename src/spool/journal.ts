// What the records of the log say, as JSON: an entry (with the copies of an earlier one that it
// finishes, as a DSN does), or progress of entries. Progress may be said again: the later word holds.
// Records of events stand with the progress that they tell of.
import type { ContextChanges } from '../mail/context.ts'
import { checkEntry, type PackedEntry } from './entry.ts'
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
  /** Variables that policy has changed since it was stored, against what its entry says. */
  readonly context?: ContextChanges | undefined
}

/** Stands for the entry of the record that says it. */
export const THIS_ENTRY = 0

/** Copies by index; `entry`: the sequence of its record. */
export type Change =
  | { readonly kind: 'all done'; readonly entry: number }
  | { readonly kind: 'done'; readonly entry: number; readonly copies: readonly number[] }
  | ({ readonly kind: 'deferred'; readonly entry: number; readonly copy: number } & Deferral)
  | {
      readonly kind: 'changed'
      readonly entry: number
      readonly copy: number
      readonly context: ContextChanges
    }

export type Deferral = Omit<CopyState, 'done' | 'context'>

export type PackedChange =
  | readonly [entry: number]
  | readonly [entry: number, copies: readonly number[]]
  | readonly [entry: number, copy: number, context: ContextChanges]
  | readonly [entry: number, copy: number, attempts: number, nextAttemptMs: number, note: string]

interface EntryMeta {
  readonly entry: PackedEntry
  readonly changes?: readonly PackedProgress[]
}

/** A string is the record of an event. */
type PackedProgress = PackedChange | string

export interface Progressed {
  readonly changes: readonly Change[]
  readonly events: readonly string[]
}

export interface Statement extends Progressed {
  readonly entry?: PackedEntry
}

export function entryRecord(packed: PackedEntry, data: Buffer, progressed: Progressed): Buffer {
  const changes = packProgress(progressed)
  const meta: EntryMeta = changes.length ? { entry: packed, changes } : { entry: packed }
  return startRecord('entry', JSON.stringify(meta), data)
}

export function progressRecord(progressed: Progressed): Buffer {
  return startRecord('progress', JSON.stringify(packProgress(progressed)))
}

/** Throws when the record is none that this version writes. */
export function readStatement({ type, meta }: Pick<FoundRecord, 'type' | 'meta'>): Statement {
  if (type === 'index' || type === 'trailer') return NOTHING
  const text = meta.toString()
  if (type === 'progress') {
    const progress: PackedProgress[] = JSON.parse(text)
    return unpackProgress(progress)
  }
  const { entry, changes = [] }: EntryMeta = JSON.parse(text)
  checkEntry(entry)
  return { entry, ...unpackProgress(changes) }
}

const NOTHING: Statement = { changes: [], events: [] }

function packProgress({ changes, events }: Progressed): PackedProgress[] {
  return [...changes.map(packChange), ...events]
}

function unpackProgress(packed: readonly PackedProgress[]): Progressed {
  return {
    changes: packed.flatMap((each) => (typeof each === 'string' ? [] : [unpackChange(each)])),
    events: packed.filter((each) => typeof each === 'string'),
  }
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

export function packChange(change: Change): PackedChange {
  switch (change.kind) {
    case 'all done':
      return [change.entry]
    case 'done':
      return [change.entry, change.copies]
    case 'deferred':
      return [change.entry, change.copy, change.attempts, change.nextAttemptMs, change.note]
    case 'changed':
      return [change.entry, change.copy, change.context]
    default:
      return change satisfies never
  }
}

export function unpackChange(packed: PackedChange): Change {
  if (packed.length === 1) return { kind: 'all done', entry: packed[0] }
  if (packed.length === 2) return { kind: 'done', entry: packed[0], copies: packed[1] }
  if (packed.length === 3) {
    return { kind: 'changed', entry: packed[0], copy: packed[1], context: packed[2] }
  }
  const [entry, copy, attempts, nextAttemptMs, note] = packed
  return { kind: 'deferred', entry, copy, attempts, nextAttemptMs, note }
}
