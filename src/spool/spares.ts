// Files of segments that nobody needs any more, kept to be the next segments: where octets have been written
// before, a sync has none of the file system's own records to write, which costs it two thirds of its time.
// They keep what they held: a segment says in its header that behind its records there may be anything.
import { join } from 'node:path'
import type { FileSystem } from './files.ts'

export interface Spares {
  /** Takes a segment's file out of the log, to be used again or not at all. Rejects when it stays. */
  give(path: string): Promise<void>
  /** One that can hold so many octets. Whoever takes it renames or removes it. */
  take(sizeBytes: number): { readonly path: string; readonly sizeBytes: number } | undefined
  /** Gives their room back; false: there was none. */
  drop(): Promise<boolean>
}

/** More than are filled before one is free again; with segments of 64 MB a quarter of a gigabyte. */
const MAX_SPARES = 4
/** Files that differ more from the size of a segment are of no use. */
const SLACK = 0.1

export async function openSpares(
  files: FileSystem,
  directory: string,
  segmentBytes: number,
): Promise<Spares> {
  const spares: { readonly path: string; readonly sizeBytes: number }[] = []
  const fits = (sizeBytes: number): boolean =>
    Math.abs(sizeBytes - segmentBytes) <= segmentBytes * SLACK
  const keep = async (path: string): Promise<boolean> => {
    const sizeBytes = spares.length < MAX_SPARES ? await files.sizeBytes(path) : 0
    if (!fits(sizeBytes) || spares.length >= MAX_SPARES) return false
    const spare = path.replace(/\.(?:log|spare)$/, '.spare')
    if (path !== spare) await files.rename(path, spare)
    spares.push({ path: spare, sizeBytes })
    return true
  }
  for (const name of await files.list(directory)) {
    if (!name.endsWith('.spare')) continue
    const path = join(directory, name)
    // Those of another size, and one too many.
    if (!(await keep(path).catch(() => false))) await files.remove(path).catch(() => undefined)
  }
  return {
    async give(path) {
      if (!(await keep(path).catch(() => false))) await files.remove(path)
    },
    take: (sizeBytes) => (sizeBytes > segmentBytes ? undefined : spares.shift()),
    async drop() {
      const all = spares.splice(0)
      for (const { path } of all) await files.remove(path).catch(() => undefined)
      return all.length > 0
    },
  }
}
