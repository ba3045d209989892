// The file that the log writes to: one preallocated segment. Preallocation is a sparse file: its size
// need not change with every commit, and it costs no writes of its own.
// Here an error of the system becomes a SpoolError: used-up room is one that passes, anything else is not.
import { join } from 'node:path'
import { SpoolError, errorCode } from './error.ts'
import { type FileSystem, type SpoolFile, syncDirectory } from './files.ts'
import type { SegmentIdentity } from './record.ts'
import { SEGMENT_HEADER_BYTES, segmentHeader, segmentName } from './segment.ts'

export interface SegmentWriter extends SegmentIdentity {
  readonly name: string
  readonly file: SpoolFile
  readonly sizeBytes: number
  /** Where the next record goes. */
  end: number
  /** Something was written after the last sync. */
  isDirty: boolean
}

const NO_ROOM = ['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE']

/** A new segment, itself and its name durable. */
export async function createSegment(
  files: FileSystem,
  directory: string,
  identity: SegmentIdentity,
  sizeBytes: number,
  firstSequence: number,
): Promise<SegmentWriter> {
  const name = segmentName(identity)
  const path = join(directory, name)
  const file = await files.open(path, 'create').catch(failWrite)
  try {
    await file.writev([segmentHeader(identity, firstSequence)], 0).catch(failWrite)
    await file.truncate(sizeBytes).catch(failWrite)
    await file.sync().catch(failSync)
    await syncDirectory(files, directory).catch(failSync)
  } catch (error) {
    await file.close()
    // Nothing is in it yet; if it stays, the next start finds it empty.
    await files.remove(path).catch(() => undefined)
    throw error
  }
  return { ...identity, name, file, sizeBytes, end: SEGMENT_HEADER_BYTES, isDirty: false }
}

/** Writes at the end, which stays where it is until the caller moves it. */
export async function writeRecords(
  segment: SegmentWriter,
  buffers: readonly Buffer[],
): Promise<void> {
  segment.isDirty = true
  try {
    await segment.file.writev(buffers, segment.end)
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
  { file, end }: SegmentWriter,
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
