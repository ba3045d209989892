// Which files scripts may read: regular ones below the configured folders, also after every symbolic
// link. Paths that policy has in it may be mapped to where things are on this machine. Paths are byte
// strings; failures are C's: a text and a number.

import { closeSync, constants, fstatSync, lstatSync, openSync, realpathSync } from 'node:fs'
import { posix } from 'node:path'
import { byteString, octets } from './engine.ts'

export type Opened = { readonly kind: 'opened'; readonly fd: number } | Failure

export interface Failure {
  readonly kind: 'failed'
  /** "No such file or directory" */
  readonly text: string
  /** C's errno. */
  readonly number: number
}

export interface Files {
  /** Opens for reading. The caller closes. */
  readonly open: (path: string) => Opened
  /** Opens for writing, with what else C's `open` takes. The caller closes. */
  readonly openToWrite: (path: string, flags: number, mode: number) => Opened
}

/**
 * Files below `roots`, in which relative paths are looked for. `map` has folders and files as scripts name
 * them, and where they are; what is mapped to is readable like a root.
 */
export function allowFiles(
  roots: readonly string[],
  map: ReadonlyMap<string, string> = new Map(),
): Files {
  const folders = roots.map(bytesOf)
  const mapped = [...map]
    .map(([from, to]) => [posix.normalize(bytesOf(from)).replace(/\/$/, ''), bytesOf(to)] as const)
    .sort(([a], [b]) => b.length - a.length)
  const allowed = [...folders, ...mapped.map(([, to]) => to)]
  const first = (path: string, open: (candidate: string) => Opened): Opened => {
    if (path === '') return failed('ENOENT')
    if (path.includes('\0')) return failed('EINVAL')
    let failure = failed('ENOENT')
    for (const candidate of candidates(path, folders, mapped)) {
      const opened = open(candidate)
      if (opened.kind === 'opened') return opened
      failure = opened
      if (opened.number !== ERRORS.ENOENT?.[0]) break
    }
    return failure
  }
  return {
    open: (path) => first(path, (candidate) => openBelow(allowed, candidate)),
    openToWrite: (path, flags, mode) =>
      first(path, (candidate) => openToWriteBelow(allowed, candidate, flags, mode)),
  }
}

function candidates(
  path: string,
  folders: readonly string[],
  mapped: readonly (readonly [string, string])[],
): string[] {
  if (!path.startsWith('/')) return folders.map((folder) => posix.join(folder, path))
  const whole = posix.normalize(path)
  const found = mapped.find(([from]) => whole === from || whole.startsWith(`${from}/`))
  return [found === undefined ? whole : posix.join(found[1], whole.slice(found[0].length))]
}

// Looked at before it is opened, because opening a FIFO or a device already does something; and again
// when it is open, because it may have been replaced in between.
function openBelow(allowed: readonly string[], path: string): Opened {
  try {
    const real = realPath(path)
    if (!isBelow(allowed, real)) return OUTSIDE
    const name = octets(real) as Buffer
    const seen = lstatSync(name, { bigint: true })
    if (seen.isDirectory()) return failed('EISDIR')
    if (!seen.isFile()) return NOT_REGULAR
    const fd = openSync(name, OPEN_FLAGS)
    const { dev, ino } = fstatSync(fd, { bigint: true })
    if (dev === seen.dev && ino === seen.ino && realPathIfThere(path) === real) {
      return { kind: 'opened', fd }
    }
    closeSync(fd)
    return NOT_REGULAR
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (typeof code !== 'string') throw error
    // What is there elsewhere is nobody's business.
    return isBelow(allowed, path) || isWithin(allowed, path) ? failed(code) : OUTSIDE
  }
}

// What is there is opened where it really is; what is not is made in the folder that is really its own.
function openToWriteBelow(
  allowed: readonly string[],
  path: string,
  flags: number,
  mode: number,
): Opened {
  try {
    const folder = realPath(posix.dirname(path))
    const real = realPathIfThere(posix.join(folder, posix.basename(path)))
    if (!isBelow(allowed, real)) return OUTSIDE
    const fd = openSync(octets(real) as Buffer, flags | WRITE_FLAGS, mode)
    if (fstatSync(fd).isFile() && realPath(posix.dirname(path)) === folder) {
      return { kind: 'opened', fd }
    }
    closeSync(fd)
    return NOT_REGULAR
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (typeof code !== 'string') throw error
    return isBelow(allowed, path) || isWithin(allowed, path) ? failed(code) : OUTSIDE
  }
}

// Not blocking: a FIFO without a reader is an error then, instead of a wait.
const WRITE_FLAGS = constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY

// Not followed: the path has no symbolic link any more. Not blocking: a FIFO would wait for a writer.
const OPEN_FLAGS =
  constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY

function isBelow(allowed: readonly string[], real: string): boolean {
  if (/^\/(?:proc|sys|dev)(?:\/|$)/.test(real)) return false
  return isWithin(allowed.map(realPathIfThere), real)
}

function isWithin(folders: readonly string[], path: string): boolean {
  return folders.some(
    (folder) => folder === '/' || path === folder || path.startsWith(`${folder}/`),
  )
}

function realPathIfThere(path: string): string {
  try {
    return realPath(path)
  } catch {
    // What is not there has no other name, and nothing below it.
    return path
  }
}

function realPath(path: string): string {
  return byteString(realpathSync(octets(path) as Buffer, 'buffer'))
}

const OUTSIDE: Failure = {
  kind: 'failed',
  text: 'Permission denied (not below the folders that scripts may read)',
  number: 13,
}
const NOT_REGULAR: Failure = {
  kind: 'failed',
  text: 'Permission denied (not a regular file)',
  number: 13,
}

const ERRORS: Readonly<Record<string, readonly [number, string]>> = {
  EPERM: [1, 'Operation not permitted'],
  ENOENT: [2, 'No such file or directory'],
  EIO: [5, 'Input/output error'],
  EACCES: [13, 'Permission denied'],
  EROFS: [30, 'Read-only file system'],
  ENXIO: [6, 'No such device or address'],
  ENOSPC: [28, 'No space left on device'],
  ENOTDIR: [20, 'Not a directory'],
  EISDIR: [21, 'Is a directory'],
  EINVAL: [22, 'Invalid argument'],
  ENFILE: [23, 'Too many open files in system'],
  EMFILE: [24, 'Too many open files'],
  EFBIG: [27, 'File too large'],
  ENAMETOOLONG: [36, 'File name too long'],
  ELOOP: [40, 'Too many levels of symbolic links'],
}

/** The failure of a code of Node's. */
export function failed(code: string): Failure {
  const [number, text] = ERRORS[code] ?? [5, code]
  return { kind: 'failed', text, number }
}

function bytesOf(text: string): string {
  return byteString(Buffer.from(text, 'utf8'))
}
