// How far a sink has come in the event log, kept beside it. The end of a batch is written down before its
// first attempt, so that after a crash it is the same batch with the same id.
import { readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceFile } from './segments.ts'

export interface Cursor {
  /** Everything before this place of the log is done. */
  readonly place: number
  readonly pending?: PendingBatch
}

/** A batch that was tried, from the cursor's place to its end. */
export interface PendingBatch {
  readonly end: number
  /** Milliseconds that have gone into trying: not those of a server that was down, or of a clock that was set. */
  readonly triedMs: number
}

export function cursorPath(directory: string, sink: string): string {
  return join(directory, `${encodeURIComponent(sink)}.cursor`)
}

/** Undefined when there is none, or none that can be read: the sink begins anew. */
export async function readCursor(path: string): Promise<Cursor | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '')
  try {
    const { place, pending }: Partial<Cursor> = JSON.parse(text)
    if (!isPlace(place)) return undefined
    const isSound = isPlace(pending?.end) && pending.end > place && isPlace(pending.triedMs)
    return { place, ...(isSound && pending && { pending }) }
  } catch {
    // Not there, or damaged.
    return undefined
  }
}

export function writeCursor(path: string, cursor: Cursor): Promise<void> {
  return replaceFile(path, `${JSON.stringify(cursor)}\n`)
}

/** Forgets the sink. */
export async function removeCursor(path: string): Promise<void> {
  await unlink(path).catch(() => undefined)
}

function isPlace(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}
