// A file that lines are appended to: buffered, flushed within FLUSH_MS, reopened for rotation. Writing
// never blocks and never fails the caller. What a full disk does not take is kept, up to MAX_BUFFERED
// octets, and written from exactly where it stopped, so that every line is whole; lines beyond that are
// dropped, and `onLost` is told how many as soon as writing works again.
import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
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
  close(): Promise<void>
}

const FLUSH_MS = 250
const MAX_BUFFERED = 16 * 1024 * 1024

export async function openLogFile(
  { path, mode, onLost }: LogFileOptions,
  openToAppend: (path: string, mode: number) => Promise<Appendable> = append,
): Promise<LogFile> {
  await mkdir(dirname(path), { recursive: true })
  let file = await openToAppend(path, mode)
  let buffered: Buffer[] = []
  let bufferedBytes = 0
  let dropped = 0
  let timer: NodeJS.Timeout | undefined
  let isClosed = false
  const inTurn = makeTurns()

  const writeOut = async (): Promise<void> => {
    if (buffered.length === 0) return
    const taken = Buffer.concat(buffered)
    buffered = []
    const written = await writeTo(file, taken)
    bufferedBytes -= written
    if (written < taken.length) {
      buffered.unshift(taken.subarray(written))
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
      if (bufferedBytes > MAX_BUFFERED) return void dropped++
      const bytes = Buffer.from(`${line}\n`, 'latin1')
      buffered.push(bytes)
      bufferedBytes += bytes.length
      flushLater()
    },
    flush,
    reopen: () =>
      inTurn(async () => {
        await writeOut()
        const before = file
        file = await openToAppend(path, mode)
        await before.close()
      }),
    async close() {
      await flush()
      isClosed = true
      clearTimeout(timer)
      await file.close()
    },
  }
}

function append(path: string, mode: number): Promise<Appendable> {
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
