// The file that the log writes to: one preallocated segment, which was a segment before or is a sparse file: its
// size need not change with every commit, and it costs no writes of its own.
// Here an error of the system becomes a SpoolError: used-up room is one that passes, anything else is not.
import { join } from 'node:path'
import { SpoolError, errorCode } from './error.ts'
import { type FileSystem, type SpoolFile, syncDirectory } from './files.ts'
import type { SegmentIdentity } from './record.ts'
import { END_BYTES, SEGMENT_HEADER_BYTES, segmentHeader, segmentName } from './segment.ts'

export interface SegmentWriter extends SegmentIdentity {
  readonly name: string
  readonly file: SpoolFile
  readonly sizeBytes: number
  /** Behind its records may be anything: zeros say where they end. */
  readonly isReused: boolean
  /** Where the next record goes. */
  end: number
  /** Something was written after the last sync. */
  isDirty: boolean
}

const END = Buffer.alloc(END_BYTES)
const ZEROS = Buffer.alloc(256 * 1024)
const NO_ROOM = ['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE']

export interface NewSegment extends SegmentIdentity {
  readonly directory: string
  readonly sizeBytes: number
  readonly firstSequence: number
  /** A file to use again. */
  readonly spare: { readonly path: string; readonly sizeBytes: number } | undefined
}

/** A new segment, itself and its name durable. */
export async function createSegment(files: FileSystem, wanted: NewSegment): Promise<SegmentWriter> {
  const { number, salt, directory, spare, firstSequence } = wanted
  const name = segmentName(wanted)
  const path = join(directory, name)
  const isReused = spare !== undefined
  const first = spare?.path ?? path
  const file = await files.open(first, isReused ? 'write' : 'create').catch(failWrite)
  const sizeBytes = Math.max(wanted.sizeBytes, spare?.sizeBytes ?? 0)
  try {
    const header = segmentHeader(wanted, firstSequence, isReused)
    await file.writev(isReused ? [header, END] : [header], 0).catch(failWrite)
    const grow = spare ? fill(file, spare.sizeBytes, sizeBytes) : file.truncate(sizeBytes)
    await grow.catch(failWrite)
    await file.datasync().catch(failSync)
    // It has the name of a segment only when it is one.
    if (isReused) await files.rename(first, path).catch(failWrite)
    await syncDirectory(files, directory).catch(failSync)
  } catch (error) {
    await file.close()
    // Nothing is in it yet; if it stays, the next start finds it empty.
    for (const each of new Set([first, path])) await files.remove(each).catch(() => undefined)
    throw error
  }
  const end = SEGMENT_HEADER_BYTES
  return { number, salt, name, file, sizeBytes, isReused, end, isDirty: false }
}

/**
 * Zeros up to that size, as they would be read anyway: now, and not with the sync of some commit, the file system
 * gives them a place.
 */
async function fill(file: SpoolFile, start: number, end: number): Promise<void> {
  for (let at = start; at < end; at += ZEROS.length) {
    await file.writev([ZEROS.subarray(0, end - at)], at)
  }
}

/** Writes at the end, which stays where it is until the caller moves it. */
export async function writeRecords(
  segment: SegmentWriter,
  buffers: readonly Buffer[],
): Promise<void> {
  segment.isDirty = true
  try {
    await segment.file.writev(segment.isReused ? [...buffers, END] : buffers, segment.end)
  } catch (error) {
    // Nothing of a rejected batch may come back after a restart; where this fails, a duplicate may.
    await segment.file.truncate(segment.end).catch(() => undefined)
    await segment.file.truncate(segment.sizeBytes).catch(() => undefined)
    failWrite(error)
  }
}

/** After a failed sync nobody knows what is on disk, so it is never tried again. */
export async function syncSegment(segment: SegmentWriter): Promise<void> {
  if (!segment.isDirty) return
  await segment.file.datasync().catch(failSync)
  segment.isDirty = false
}

/** Forgets all records. False: they are still there. */
export async function emptySegment(segment: SegmentWriter): Promise<boolean> {
  const { file, sizeBytes } = segment
  const isCut = await file.truncate(SEGMENT_HEADER_BYTES).then(
    () => true,
    () => false,
  )
  if (!isCut) return false
  segment.end = SEGMENT_HEADER_BYTES
  segment.isDirty = true
  // Writing makes it longer as well.
  await file.truncate(sizeBytes).catch(() => undefined)
  return true
}

/**
 * Writes its index and gives back what was preallocated. Readers need neither, so a failure does not matter;
 * nothing is synced.
 */
export async function finishSegment(
  { file, end }: Pick<SegmentWriter, 'file' | 'end'>,
  index: readonly Buffer[],
): Promise<void> {
  const indexBytes = index.reduce((sum, { length }) => sum + length, 0)
  const writing = indexBytes > 0 ? file.writev(index, end) : Promise.resolve()
  const isWritten = await writing.then(
    () => true,
    () => false,
  )
  await file.truncate(isWritten ? end + indexBytes : end).catch(() => undefined)
  await file.close().catch(() => undefined)
}

function failWrite(error: unknown): never {
  const kind = NO_ROOM.includes(errorCode(error)) ? 'no room' : 'broken'
  throw new SpoolError(kind, `cannot write to the spool: ${errorText(error)}`, error)
}

function failSync(error: unknown): never {
  throw new SpoolError('broken', `cannot sync the spool: ${errorText(error)}`, error)
}

function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
