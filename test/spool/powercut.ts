// A disk whose power can be cut: it remembers what was synced, and what was only written. After a cut
// the synced octets are there, each later write wholly, in part or not at all, and a new name only if
// its directory was synced.
import { mkdirSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type FileSystem, type SpoolFile, systemFiles } from '../../src/spool/files.ts'

interface DiskFile {
  synced: Buffer
  later: Change[]
  isNameSynced: boolean
  /** It was renamed, and still may be called so. */
  oldPath: string | undefined
  isRemoved: boolean
}

type Change = { readonly position: number; readonly bytes: Buffer } | { readonly sizeBytes: number }

export interface Disk {
  readonly files: FileSystem
  /** What would be there if the power went now, written to a directory. */
  cut(random: () => number, directory: string): void
}

const SECTOR_BYTES = 512

export type When = 'before' | 'after'

/** The system's, without waiting for its disk: what is synced here is what the disk remembers as synced. */
export const hastyFiles: FileSystem = {
  ...systemFiles,
  async open(path, mode) {
    const atOnce = (): Promise<void> => Promise.resolve()
    return { ...(await systemFiles.open(path, mode)), sync: atOnce, datasync: atOnce }
  },
}

/** `around` runs before and after every operation on a file that changes something. */
export function makeDisk(around: (operation: string, when: When) => void): Disk {
  const disk = new Map<string, DiskFile>()
  const run = async <T>(operation: string, work: () => Promise<T>): Promise<T> => {
    around(operation, 'before')
    const result = await work()
    around(operation, 'after')
    return result
  }
  const wrap = (path: string, file: SpoolFile): SpoolFile => {
    const state = disk.get(path)
    if (!state) {
      const sync = (): Promise<void> => run('directory fsync', () => syncNames(disk, path, file))
      return { ...file, sync }
    }
    const sync = (flush: () => Promise<void>): Promise<void> =>
      run('fsync', async () => {
        const covered = state.later.length
        await flush()
        for (const change of state.later.splice(0, covered)) apply(state, change, change)
      })
    return {
      ...file,
      writev: (buffers, position) =>
        run('write', async () => {
          state.later.push({ position, bytes: Buffer.concat(buffers) })
          await file.writev(buffers, position)
        }),
      truncate: (sizeBytes) =>
        run('truncate', async () => {
          state.later.push({ sizeBytes })
          await file.truncate(sizeBytes)
        }),
      datasync: () => sync(() => file.datasync()),
      sync: () => sync(() => file.sync()),
    }
  }
  const files: FileSystem = {
    ...hastyFiles,
    async open(path, mode) {
      if (mode !== 'create') return wrap(path, await hastyFiles.open(path, mode))
      return run('create', async () => {
        const file = await hastyFiles.open(path, mode)
        disk.set(path, {
          synced: Buffer.alloc(0),
          later: [],
          isNameSynced: false,
          oldPath: undefined,
          isRemoved: false,
        })
        return wrap(path, file)
      })
    },
    rename: (from, to) =>
      run('rename', async () => {
        const state = disk.get(from)
        disk.delete(from)
        if (state) {
          state.oldPath ??= from
          disk.set(to, state)
        }
        await hastyFiles.rename(from, to)
      }),
    remove: (path) =>
      run('remove', async () => {
        const state = disk.get(path)
        if (state) state.isRemoved = true
        await hastyFiles.remove(path)
      }),
  }
  return { files, cut: (random, directory) => cut(disk, random, directory) }
}

async function syncNames(
  disk: ReadonlyMap<string, DiskFile>,
  directory: string,
  file: SpoolFile,
): Promise<void> {
  const covered = [...disk].filter(([path]) => dirname(path) === directory)
  await file.sync()
  for (const [, state] of covered) Object.assign(state, { isNameSynced: true, oldPath: undefined })
}

function cut(disk: ReadonlyMap<string, DiskFile>, random: () => number, directory: string): void {
  mkdirSync(directory, { recursive: true })
  for (const [path, file] of disk) {
    if (!file.isNameSynced && random() < 0.5) continue
    if (file.isRemoved && random() < 0.5) continue
    const state = { ...file, synced: Buffer.from(file.synced) }
    for (const change of file.later) {
      const fate = random()
      if (fate < 0.3) continue
      apply(state, change, fate < 0.6 ? part(change, random) : change)
    }
    const name = file.oldPath !== undefined && random() < 0.5 ? file.oldPath : path
    writeFileSync(join(directory, basename(name)), state.synced)
  }
}

/** Some sectors at the start of a write. */
function part(change: Change, random: () => number): Change {
  if ('sizeBytes' in change) return change
  const sectors = Math.floor((random() * change.bytes.length) / SECTOR_BYTES)
  return { ...change, bytes: change.bytes.subarray(0, sectors * SECTOR_BYTES) }
}

/** The size may grow with the whole change although only a part of its octets came. */
function apply(file: DiskFile, whole: Change, written: Change): void {
  const sizeBytes = 'sizeBytes' in whole ? whole.sizeBytes : whole.position + whole.bytes.length
  const isCut = 'sizeBytes' in whole && sizeBytes < file.synced.length
  if (isCut) file.synced = Buffer.from(file.synced.subarray(0, sizeBytes))
  else if (sizeBytes > file.synced.length) {
    file.synced = Buffer.concat([file.synced, Buffer.alloc(sizeBytes - file.synced.length)])
  }
  if ('bytes' in written) written.bytes.copy(file.synced, written.position)
}
