// A file that lines are appended to: buffered, flushed within FLUSH_MS, reopened for rotation. Writing
// never blocks and never fails the caller: when the disk is full, lines beyond MAX_BUFFERED octets are
// dropped and counted, and a line says so as soon as writing works again.
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'

export interface LogFile {
  readonly path: string
  /** Appends a line; its line end is added. Octets of a byte string, or text with encoding `utf8`. */
  write(line: string, encoding?: 'latin1' | 'utf8'): void
  flush(): Promise<void>
  /** Goes on in a new file of the same name, for log rotation. */
  reopen(): Promise<void>
  close(): Promise<void>
}

const FLUSH_MS = 250
const MAX_BUFFERED = 16 * 1024 * 1024

export async function openLogFile(path: string, mode = 0o644): Promise<LogFile> {
  await mkdir(dirname(path), { recursive: true })
  const openFile = (): Promise<FileHandle> => open(path, 'a', mode)
  let file = await openFile()
  let buffered: Buffer[] = []
  let bufferedBytes = 0
  let dropped = 0
  let timer: NodeJS.Timeout | undefined
  let work: Promise<void> = Promise.resolve()

  const writeOut = async (): Promise<void> => {
    if (buffered.length === 0) return
    const taken = Buffer.concat(buffered)
    const lost = dropped
    buffered = []
    bufferedBytes = 0
    dropped = 0
    try {
      const notice = lost ? `# ${lost} lines were lost: this file could not be written\n` : ''
      await file.appendFile(Buffer.concat([Buffer.from(notice), taken]))
    } catch {
      // The log is the only place to say it; the next write that works does.
      dropped += lost + countLines(taken)
    }
  }
  const flush = (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    work = work.then(writeOut)
    return work
  }

  return {
    path,
    write(line, encoding = 'latin1') {
      if (bufferedBytes > MAX_BUFFERED) {
        dropped++
        return
      }
      const bytes = Buffer.from(`${line}\n`, encoding)
      buffered.push(bytes)
      bufferedBytes += bytes.length
      timer ??= setTimeout(() => void flush(), FLUSH_MS)
    },
    flush,
    async reopen() {
      await flush()
      const before = file
      file = await openFile()
      await before.close()
    },
    async close() {
      await flush()
      await file.close()
    },
  }
}

function countLines(bytes: Buffer): number {
  let lines = 0
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines++
  return lines
}
