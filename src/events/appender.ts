// Appends batches of lines to a file, each by one write where there is room. What had no room goes on where it
// stopped, so that no line is cut, unless other processes have written since: then with that line anew.
import { type FileHandle, open } from 'node:fs/promises'
import { endsALine } from './filetail.ts'

export interface Appender {
  readonly file: FileHandle
  /** The file has part of a batch: the next one is the same. */
  readonly isMidway: boolean
  /** Resolves when the file has all of it. `isShared`: other processes append, too. */
  append(lines: Buffer, isShared: boolean): Promise<void>
  /** In the file that has the name now. Rejects, and stays, when it cannot be opened. */
  goOn(): Promise<void>
}

const NEWLINE = Buffer.from('\n')

export async function openAppender(path: string, mode: number): Promise<Appender> {
  // Its end is read, too.
  let file = await open(path, 'a+', mode)
  /** Octets of the batch that the file has. */
  let done = 0
  let sizeThen = 0

  const begin = async (lines: Buffer): Promise<void> => {
    const isUntouched = done > 0 && (await file.stat()).size === sizeThen
    if (isUntouched) return
    if (done > 0) done = lines.lastIndexOf(NEWLINE, done - 1) + 1
    // Whoever wrote the last octets may have been killed before the end of its line.
    if (!(await endsALine(file))) await file.write(NEWLINE)
  }

  return {
    get file() {
      return file
    },
    get isMidway() {
      return done > 0
    },
    async append(lines, isShared) {
      if (isShared) await begin(lines)
      while (done < lines.length) {
        const { bytesWritten } = await file.write(lines, done)
        if (bytesWritten === 0) throw new Error(`${path} takes no more octets`)
        done += bytesWritten
        if (isShared && done < lines.length) sizeThen = (await file.stat()).size
      }
      done = 0
    },
    async goOn() {
      const next = await open(path, 'a+', mode)
      await file.close()
      file = next
    },
  }
}
