// The files that policy may read and write: regular ones below the folders that the configuration names.
// What is written to has no descriptor for long: policy keeps its handles for ever and closes few.
import { close, constants, fstatSync, readFile, write } from 'node:fs'
import { promisify } from 'node:util'
import type { Files } from '../lua/files.ts'
import { fromBytes, toBytes } from '../mail/bytes.ts'
import type { FileStore, WritableFile, WriteOptions } from './outside.ts'

const MAX_DESCRIPTORS = 64
const IDLE_MS = 2_000

const readAll = promisify(readFile)
const writeAt = promisify(write)
const closeNow = promisify(close)

/** What is opened now, the longest unused first, and how each is closed. */
type Descriptors = Set<() => Promise<void>>

export function localFiles(files: Files): FileStore {
  const descriptors: Descriptors = new Set()
  return {
    async read(path, maxBytes) {
      const opened = files.open(path)
      if (opened.kind === 'failed') return failure(opened.text)
      const { fd } = opened
      try {
        if (fstatSync(fd).size > maxBytes) return failure('File too large')
        return { kind: 'read', octets: fromBytes(await readAll(fd)) }
      } catch (error) {
        return failure(error instanceof Error ? error.message : String(error))
      } finally {
        await closeNow(fd)
      }
    },
    async openToWrite(path, options) {
      const file = writable(files, path, options, descriptors)
      // Now, so that what is wrong with it is told now.
      const wrong = file.open()
      return wrong === undefined ? file : failure(wrong)
    },
  }
}

interface Reopened extends WritableFile {
  /** What is wrong; undefined when it is open. */
  open(): string | undefined
}

function writable(
  files: Files,
  path: string,
  { create, mode, append }: WriteOptions,
  descriptors: Descriptors,
): Reopened {
  const flags =
    constants.O_WRONLY | (create ? constants.O_CREAT : 0) | (append ? constants.O_APPEND : 0)
  let fd: number | undefined
  let position = 0
  let work: Promise<void> = Promise.resolve()
  let idle: NodeJS.Timeout | undefined
  const inTurn = (step: () => Promise<void>): Promise<void> => {
    const done = work.then(step)
    // The one who asked is told; the next one may fare better.
    work = done.catch(() => {})
    return done
  }
  const put = async (): Promise<void> => {
    clearTimeout(idle)
    descriptors.delete(release)
    const closing = fd
    fd = undefined
    if (closing !== undefined) await closeNow(closing)
  }
  const release = (): Promise<void> => inTurn(put)
  const open = (): string | undefined => {
    if (fd === undefined) {
      const opened = files.openToWrite(path, flags, mode)
      if (opened.kind === 'failed') return opened.text
      fd = opened.fd
    }
    touch(descriptors, release)
    clearTimeout(idle)
    idle = setTimeout(() => void release(), IDLE_MS).unref()
    return undefined
  }
  const writeAll = async (octets: Buffer): Promise<void> => {
    const wrong = open()
    if (fd === undefined) throw new Error(wrong)
    for (let at = 0; at < octets.length;) {
      const length = octets.length - at
      const { bytesWritten } = await writeAt(fd, octets, at, length, append ? null : position)
      position += bytesWritten
      at += bytesWritten
    }
  }
  return {
    kind: 'opened',
    open,
    write: (octets) => inTurn(() => writeAll(toBytes(octets))),
    close: release,
  }
}

/** Makes it the last used one; what is one too many is closed when its turn comes. */
function touch(descriptors: Descriptors, release: () => Promise<void>): void {
  descriptors.delete(release)
  descriptors.add(release)
  if (descriptors.size <= MAX_DESCRIPTORS) return
  const [longest] = descriptors
  if (longest) void longest()
}

function failure(text: string): { readonly kind: 'failed'; readonly text: string } {
  return { kind: 'failed', text }
}
