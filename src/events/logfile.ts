// A file that lines are appended to: buffered, flushed within FLUSH_MS, reopened for rotation. Writing
// never blocks and never fails the caller. What a full disk does not take is kept, up to MAX_BUFFERED
// octets, and written from exactly where it stopped, so that every line is whole; where another process has
// appended meanwhile, with that line anew. Each flush is one write. Lines beyond that are
// dropped, and `onLost` is told how many as soon as writing works again.
import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { makeLineBuffer } from './linebuffer.ts'
import { makeTurns } from './turns.ts'

export interface LogFile {
  readonly path: string
  /** Appends a line, a byte string; its line end is added. */
  write(line: string): void
  flush(): Promise<void>
  /** Goes on in a new file of the same name, for log rotation. Rejects, and keeps the old one. */
  reopen(): Promise<void>
  close(): Promise<void>
}

export interface LogFileOptions {
  readonly path: string
  readonly mode: number
  /** So many lines were dropped. */
  readonly onLost: (lines: number) => void
}

/** What a file that was opened for appending can do. */
export interface Appendable {
  write(bytes: Buffer, offset: number): Promise<{ readonly bytesWritten: number }>
  /** Not there: nobody else writes to it. */
  stat?(): Promise<{ readonly size: number }>
  close(): Promise<void>
}

const FLUSH_MS = 250
const MAX_BUFFERED = 16 * 1024 * 1024

export async function openLogFile(
  { path, mode, onLost }: LogFileOptions,
  openToAppend: (path: string, mode: number) => Promise<Appendable> = append,
): Promise<LogFile> {
  let file = await openToAppend(path, mode)
  const buffer = makeLineBuffer('latin1')
  let dropped = 0
  const torn = makeTornLine()
  let timer: NodeJS.Timeout | undefined
  let isClosed = false
  const inTurn = makeTurns()

  const writeOut = async (): Promise<void> => {
    if (buffer.octets === 0) return
    const again = await torn.again(file)
    const fresh = buffer.take()
    const taken = again.length > 0 ? Buffer.concat([again, fresh]) : fresh
    const written = await writeTo(file, taken)
    buffer.wrote(Math.max(0, written - again.length))
    await torn.wrote(file, taken.subarray(0, written))
    if (written < taken.length) {
      buffer.putBack(taken.subarray(written))
      flushLater()
    } else if (dropped > 0) {
      onLost(dropped)
      dropped = 0
    }
  }
  const flush = (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    return inTurn(writeOut)
  }
  const flushLater = (): void => {
    if (!isClosed) timer ??= setTimeout(() => void flush(), FLUSH_MS)
  }

  return {
    path,
    write(line) {
      // A callout that outlives its configuration may still have something to say.
      if (isClosed) return
      if (buffer.octets > MAX_BUFFERED) return void dropped++
      buffer.add(line)
      flushLater()
    },
    flush,
    reopen: () =>
      inTurn(async () => {
        await writeOut()
        const next = await openToAppend(path, mode)
        await file.close()
        file = next
      }),
    async close() {
      await flush()
      isClosed = true
      clearTimeout(timer)
      await file.close()
    },
  }
}

const NEWLINE = Buffer.from('\n')
const NOTHING = Buffer.alloc(0)

/** The part of a line that a full disk took. */
function makeTornLine() {
  let begun = NOTHING
  let size = 0
  return {
    /** What must be written before the rest of it: nothing, unless somebody else has written meanwhile. */
    async again(file: Appendable): Promise<Buffer> {
      if (begun.length === 0 || (await sizeOf(file)) === size) return NOTHING
      const line = Buffer.concat([NEWLINE, begun])
      begun = NOTHING
      return line
    },
    async wrote(file: Appendable, written: Buffer): Promise<void> {
      const end = written.lastIndexOf(NEWLINE)
      begun = end < 0 ? Buffer.concat([begun, written]) : Buffer.from(written.subarray(end + 1))
      if (begun.length > 0) size = await sizeOf(file)
    },
  }
}

async function sizeOf(file: Appendable): Promise<number> {
  return (await file.stat?.())?.size ?? 0
}

async function append(path: string, mode: number): Promise<Appendable> {
  await mkdir(dirname(path), { recursive: true })
  return open(path, 'a', mode)
}

/** How much of it the file took: less than all when the disk is full or fails. */
async function writeTo(file: Appendable, bytes: Buffer): Promise<number> {
  let written = 0
  try {
    while (written < bytes.length) {
      const { bytesWritten } = await file.write(bytes, written)
      if (bytesWritten === 0) break
      written += bytesWritten
    }
  } catch {
    // The log is the only place to say it; what is left stays buffered.
  }
  return written
}
