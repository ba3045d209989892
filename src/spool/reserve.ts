// Some octets of disk that are given up when there is no other room left, so that a start on a full disk
// gets its lock and a segment: without them nothing could be delivered, and so nothing made room again.
import { join } from 'node:path'
import { SpoolError, errorCode } from './error.ts'
import { type FileSystem } from './files.ts'

export interface Reserve {
  /** Runs it; once more without the reserve when there was no room. */
  spend<T>(task: () => Promise<T>): Promise<T>
  /** Puts the reserve (back) in its place, where there is room for it. */
  restore(): Promise<void>
}

const RESERVE_BYTES = 128 * 1024

export function openReserve(files: FileSystem, directory: string): Reserve {
  const path = join(directory, 'reserve')
  return {
    async spend(task) {
      try {
        return await task()
      } catch (error) {
        if (!isNoRoom(error)) throw error
        await files.remove(path).catch(() => undefined)
        return task()
      }
    },
    async restore() {
      // It is there already, or there is no room for it: neither matters to anybody now.
      const file = await files.open(path, 'create').catch(() => undefined)
      if (!file) return
      const isWritten = await file.writev([Buffer.alloc(RESERVE_BYTES, 0xff)], 0).then(
        () => true,
        () => false,
      )
      await file.close()
      if (!isWritten) await files.remove(path).catch(() => undefined)
    },
  }
}

function isNoRoom(error: unknown): boolean {
  if (error instanceof SpoolError) return error.kind === 'no room'
  return ['ENOSPC', 'EDQUOT'].includes(errorCode(error))
}
