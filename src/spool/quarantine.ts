// Octets of the log that cannot be read are copied to `quarantine/`, named by segment and offset, so
// that the segment can go when its sound entries are finished. Nothing here is ever deleted or read.
import { join } from 'node:path'
import { type FileSystem, syncDirectory } from './files.ts'

export interface Quarantine {
  /** False when it is there already, from an earlier start. Rejects when it cannot be written. */
  keep(segmentFile: string, start: number, bytes: Buffer): Promise<boolean>
  path(segmentFile: string, start: number): string
}

export function openQuarantine(files: FileSystem, spoolDirectory: string): Quarantine {
  const directory = join(spoolDirectory, 'quarantine')
  return {
    path: (segmentFile, start) => join(directory, nameOf(segmentFile, start)),
    async keep(segmentFile, start, bytes) {
      await files.makeDirectory(directory)
      const name = nameOf(segmentFile, start)
      const target = join(directory, name)
      const isThere = (await files.list(directory)).includes(name)
      // A copy that was cut short by a crash is written again.
      if (isThere && (await files.sizeBytes(target)) >= bytes.length) return false
      if (isThere) await files.remove(target)
      const file = await files.open(target, 'create')
      try {
        await file.writev([bytes], 0)
        await file.sync()
      } finally {
        await file.close()
      }
      await syncDirectory(files, directory)
      await syncDirectory(files, spoolDirectory)
      return true
    },
  }
}

function nameOf(segmentFile: string, start: number): string {
  return `${segmentFile.replace(/\.log$/, '')}-${start}.bad`
}
