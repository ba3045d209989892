// The end of a file of lines that several processes may append to.
import type { FileHandle } from 'node:fs/promises'

const CHUNK_BYTES = 1024 * 1024
/** As far back as own lines are looked for among those of others. */
const SEARCH_BYTES = 32 * CHUNK_BYTES
const SETTLE_MS = 20
const NEWLINE = Buffer.from('\n')

/**
 * How many of these lines, which were appended in this order, the file has; and what is missing to make its
 * last line a whole one.
 */
export async function compare(
  file: FileHandle,
  lines: readonly Buffer[],
): Promise<{ readonly taken: number; readonly missing: Buffer | undefined }> {
  const taken = await countTaken(file, lines)
  const torn = await tornLine(file)
  if (torn.length === 0) return { taken, missing: undefined }
  const begun = lines[taken]
  if (!begun?.subarray(0, torn.length).equals(torn)) return { taken, missing: NEWLINE }
  return { taken: taken + 1, missing: Buffer.concat([begun.subarray(torn.length), NEWLINE]) }
}

export async function endsALine(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat()
  if (size === 0) return true
  return (await readAt(file, size - 1, 1)).equals(NEWLINE)
}

/** Resolves when nobody is in the middle of writing a line, or has left one there. */
export async function settled(file: FileHandle): Promise<void> {
  for (let before = -1; !(await endsALine(file));) {
    const { size } = await file.stat()
    if (size === before) return
    before = size
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
  }
}

/** From the end backwards: the last of them tells. */
async function countTaken(file: FileHandle, lines: readonly Buffer[]): Promise<number> {
  const places = new Map(lines.map((line, i) => [line.toString('latin1'), i + 1]))
  const { size } = await file.stat()
  const limit = Math.max(0, size - SEARCH_BYTES)
  /** The line that the chunk behind began in the middle of. */
  let rest = Buffer.alloc(0)
  for (let end = size; end > limit && places.size > 0;) {
    const start = Math.max(limit, end - CHUNK_BYTES)
    const bytes = Buffer.concat([await readAt(file, start, end - start), rest])
    const first = start > 0 ? bytes.indexOf(NEWLINE) + 1 : 0
    const whole = bytes.toString('latin1', first, bytes.lastIndexOf(NEWLINE) + 1).split('\n')
    const found = whole.findLast((line) => places.has(line))
    if (found !== undefined) return places.get(found) ?? 0
    rest = bytes.subarray(0, first)
    end = start
  }
  return 0
}

/** What follows the last whole line. */
async function tornLine(file: FileHandle): Promise<Buffer> {
  const { size } = await file.stat()
  const length = Math.min(size, CHUNK_BYTES)
  const bytes = await readAt(file, size - length, length)
  return bytes.subarray(bytes.lastIndexOf(NEWLINE) + 1)
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position)
  return buffer.subarray(0, bytesRead)
}
