// The files of the event log: JSON lines, one event each, in segments of bounded size. A place in the log is
// a number: octets since its beginning. A segment is named by the place of its first octet, so names, sizes
// and places prove each other, and a number says all about a cursor.
import { type FileHandle, mkdir, open, readdir, rename, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export interface Segment {
  readonly path: string
  /** Place of its first octet. */
  readonly start: number
}

const NEWLINE = 0x0a

export function segmentPath(directory: string, start: number): string {
  return join(directory, `${String(start).padStart(16, '0')}.jsonl`)
}

/** In order. */
export async function listSegments(directory: string): Promise<Segment[]> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const names = await readdir(directory)
  return names
    .filter((name) => /^\d{16}\.jsonl$/.test(name))
    .sort()
    .map((name) => ({ path: join(directory, name), start: Number(name.slice(0, 16)) }))
}

/** The file exists, empty, and its name is durable. */
export async function createSegment(path: string): Promise<FileHandle> {
  const file = await open(path, 'wx+', 0o600)
  await syncFolder(dirname(path))
  return file
}

/** Cuts a line that a crash left without its end. Gives the octets that stay and those that went. */
export async function reopenSegment(
  path: string,
): Promise<{ readonly file: FileHandle; readonly sizeBytes: number; readonly tornBytes: number }> {
  const file = await open(path, 'r+')
  try {
    const { size } = await file.stat()
    const sizeBytes = await endOfLastLine(file, size)
    if (sizeBytes < size) await file.truncate(sizeBytes)
    return { file, sizeBytes, tornBytes: size - sizeBytes }
  } catch (error) {
    await file.close()
    throw error
  }
}

export function removeSegment(path: string): Promise<void> {
  return unlink(path)
}

/** Octets from `offset`, fewer than asked for at the end of the file. */
export async function readSegment(path: string, offset: number, length: number): Promise<Buffer> {
  const file = await open(path, 'r')
  try {
    const bytes = Buffer.allocUnsafe(length)
    const { bytesRead } = await file.read(bytes, 0, length, offset)
    return bytes.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

/** All of it or what was there before, also after a power cut. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const file = await open(`${path}.new`, 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.datasync()
  } finally {
    await file.close()
  }
  await rename(`${path}.new`, path)
}

/** The lines of some octets, without line ends; what has no line end is left out. */
export function splitLines(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = []
  let start = 0
  for (let end; (end = bytes.indexOf(NEWLINE, start)) >= 0; start = end + 1) {
    lines.push(bytes.subarray(start, end))
  }
  return lines
}

async function endOfLastLine(file: FileHandle, size: number): Promise<number> {
  const chunk = Buffer.allocUnsafe(64 * 1024)
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - chunk.length)
    const { bytesRead } = await file.read(chunk, 0, end - start, start)
    const at = chunk.subarray(0, bytesRead).lastIndexOf(NEWLINE)
    if (at >= 0) return start + at + 1
    end = start
  }
  return 0
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
