// The file operations that the spool needs, so that a test can make each of them fail. Everything here
// runs on libuv's threads. Positions and lengths are octets.
import { mkdir, open, readdir, rename, stat, statfs, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'

export interface SpoolFile {
  /** Writes all of it, or rejects. */
  writev(buffers: readonly Buffer[], position: number): Promise<void>
  /** Fewer octets than asked for only at the end of the file. */
  read(length: number, position: number): Promise<Buffer>
  truncate(sizeBytes: number): Promise<void>
  datasync(): Promise<void>
  sync(): Promise<void>
  close(): Promise<void>
}

export interface FileSystem {
  /**
   * `create`: for reading and writing, fails with EEXIST when it is there; `write`: the same for one that is
   * there; `read`: also a directory.
   */
  open(path: string, mode: 'create' | 'write' | 'read'): Promise<SpoolFile>
  list(directory: string): Promise<readonly string[]>
  sizeBytes(path: string): Promise<number>
  makeDirectory(path: string): Promise<void>
  remove(path: string): Promise<void>
  /** Within a directory; in place of what has that name. */
  rename(from: string, to: string): Promise<void>
  /** What is left for us of its file system; inodes undefined: it does not count them. */
  free(path: string): Promise<{ readonly bytes: number; readonly inodes: number | undefined }>
}

const FLAGS = { create: 'wx+', write: 'r+', read: 'r' } as const

export const systemFiles: FileSystem = {
  open: async (path, mode) => spoolFile(await open(path, FLAGS[mode], 0o600)),
  list: (directory) => readdir(directory),
  sizeBytes: async (path) => (await stat(path)).size,
  makeDirectory: async (path) => {
    await mkdir(path, { recursive: true, mode: 0o700 })
  },
  remove: unlink,
  rename,
  free: async (path) => {
    const { bavail, bsize, files, ffree } = await statfs(path)
    return { bytes: bavail * bsize, inodes: files > 0 ? ffree : undefined }
  },
}

/** Makes names created or removed in a directory durable. */
export async function syncDirectory(files: FileSystem, directory: string): Promise<void> {
  const handle = await files.open(directory, 'read')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** The octets from `start` to `end` of a file that is not open. */
export async function readRange(
  files: FileSystem,
  path: string,
  start: number,
  end: number,
): Promise<Buffer> {
  const file = await files.open(path, 'read')
  try {
    return await file.read(end - start, start)
  } finally {
    await file.close()
  }
}

function spoolFile(handle: FileHandle): SpoolFile {
  return {
    writev: (buffers, position) => writeAll(handle, buffers, position),
    read: (length, position) => readAll(handle, length, position),
    truncate: (sizeBytes) => handle.truncate(sizeBytes),
    datasync: () => handle.datasync(),
    sync: () => handle.sync(),
    close: () => handle.close(),
  }
}

// The kernel may take less than it is given: always when there are more than IOV_MAX (1,024) buffers.
async function writeAll(
  handle: FileHandle,
  buffers: readonly Buffer[],
  position: number,
): Promise<void> {
  let rest = buffers.filter((buffer) => buffer.length > 0)
  let at = position
  while (rest.length) {
    const { bytesWritten } = await handle.writev(rest, at)
    if (bytesWritten === 0) throw new Error('the file takes no more octets')
    at += bytesWritten
    rest = after(rest, bytesWritten)
  }
}

function after(buffers: readonly Buffer[], octets: number): Buffer[] {
  let skip = octets
  let first = 0
  for (; first < buffers.length; first++) {
    const { length } = buffers[first]!
    if (length > skip) break
    skip -= length
  }
  const rest = buffers.slice(first)
  if (skip && rest[0]) rest[0] = rest[0].subarray(skip)
  return rest
}

async function readAll(handle: FileHandle, length: number, position: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  let at = 0
  while (at < length) {
    const { bytesRead } = await handle.read(bytes, at, length - at, position + at)
    if (bytesRead === 0) break
    at += bytesRead
  }
  return bytes.subarray(0, at)
}
