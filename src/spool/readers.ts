// Segments that are read from: the handles of the last few stay open. A queue that drains reads one message
// after the other from the same files.
import { join } from 'node:path'
import type { FileSystem, SpoolFile } from './files.ts'

export interface Readers {
  /** Octets `start` to `end` of a file. */
  read(name: string, start: number, end: number): Promise<Buffer>
  /** The file goes: its room is given back only when nobody has it open. */
  forget(name: string): void
  close(): Promise<void>
}

interface Reader {
  readonly file: Promise<SpoolFile>
  reading: number
  /** Closed when nobody reads. */
  isOver: boolean
}

const MAX_OPEN = 16

export function makeReaders(files: FileSystem, directory: string): Readers {
  const open = new Map<string, Reader>()
  const closings = new Set<Promise<void>>()

  const closeIdle = (reader: Reader): void => {
    if (!reader.isOver || reader.reading > 0) return
    const closing = reader.file
      .then((file) => file.close())
      .catch(() => undefined)
      .finally(() => closings.delete(closing))
    closings.add(closing)
  }
  const forget = (name: string): void => {
    const reader = open.get(name)
    if (!reader) return
    open.delete(name)
    reader.isOver = true
    closeIdle(reader)
  }
  const readerOf = (name: string): Reader => {
    const present = open.get(name)
    // Out and in again: a Map keeps the order in which its keys came.
    open.delete(name)
    const file = present?.file ?? files.open(join(directory, name), 'read')
    const reader = present ?? { file, reading: 0, isOver: false }
    open.set(name, reader)
    const [oldest] = open.keys()
    if (open.size > MAX_OPEN && oldest !== undefined) forget(oldest)
    return reader
  }
  return {
    async read(name, start, end) {
      const reader = readerOf(name)
      reader.reading++
      try {
        return await (await reader.file).read(end - start, start)
      } catch (error) {
        forget(name)
        throw error
      } finally {
        reader.reading--
        closeIdle(reader)
      }
    },
    forget,
    async close() {
      for (const name of open.keys()) forget(name)
      await Promise.all(closings)
    },
  }
}
