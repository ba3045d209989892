// Reads configuration files and finds the included ones (Momentum manual, "conf.overview"): a relative
// path is looked for beside the including file, then along the search path; a folder stands for its
// files that are not hidden, in byte order, without subfolders. At most 1,000 files in all.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { decode } from './bytes.ts'
import { ConfigError, mismatch, quote, type Place } from './error.ts'
import type { Include, Source } from './parser.ts'

const MAX_FILES = 1000

/** Where they are read. */
export interface ConfigFiles {
  exists(path: string): boolean
  /** A file, and no folder. Throws when that is not possible. */
  readMain(path: string): Source
  /** The file itself, or those of a folder. Throws when that is not possible. */
  read(path: string): readonly Source[]
}

/** Files as they were read, by the paths that were asked for. */
export type KeptFiles = ReadonlyMap<string, readonly Source[]>

export const DISK: ConfigFiles = {
  exists,
  readMain: (file) => ({ file, text: readFileSync(file, 'latin1') }),
  read: (path) =>
    (statSync(path).isDirectory() ? listFiles(path) : [path]).map((file) => ({
      file,
      text: readFileSync(file, 'latin1'),
    })),
}

/** As they were, whatever is on disk now. */
export function keptFiles(kept: KeptFiles): ConfigFiles {
  const read = (path: string): readonly Source[] => {
    const sources = kept.get(path)
    if (!sources) throw new Error(`${path} was not read before`)
    return sources
  }
  return {
    exists: (path) => kept.has(path),
    readMain: (path) => read(path)[0] ?? { file: path, text: '' },
    read,
  }
}

/** The same, and what was read is kept. */
export function keeping(files: ConfigFiles, kept: Map<string, readonly Source[]>): ConfigFiles {
  return {
    exists: files.exists,
    readMain(path) {
      const source = files.readMain(path)
      kept.set(path, [source])
      return source
    },
    read(path) {
      const sources = files.read(path)
      kept.set(path, sources)
      return sources
    },
  }
}

/** The main file as a byte string. */
export function readSource(file: string, files: ConfigFiles): Source {
  try {
    return files.readMain(file)
  } catch (error) {
    const place = { file, line: 1, column: 1 }
    throw unreadable(place, error)
  }
}

/** `folder`: where the main file's relative paths begin. */
export function includeFrom(
  main: string,
  folder: string,
  searchPath: readonly string[],
  disk: ConfigFiles = DISK,
): Include {
  let files = 0
  return (path, from, place) => {
    const beside = from.file === main ? folder : dirname(from.file)
    const name = withoutScheme(decode(path), place)
    const found = [beside, ...searchPath].map((start) => resolve(start, name)).find(disk.exists)
    if (found === undefined) {
      const expected = `a file or folder in ${[beside, ...searchPath].join(', ')}`
      throw new ConfigError(
        place,
        undefined,
        `nothing to include: ${mismatch(expected, quote(path))}`,
      )
    }
    const sources = readPaths(found, place, disk)
    files += sources.length
    if (files > MAX_FILES) {
      const complaint = `too many included files: expected at most ${MAX_FILES}`
      throw new ConfigError(place, undefined, complaint)
    }
    return sources
  }
}

function readPaths(path: string, place: Place, files: ConfigFiles): readonly Source[] {
  try {
    return files.read(path)
  } catch (error) {
    throw unreadable(place, error)
  }
}

function listFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => !name.startsWith('.'))
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}

function withoutScheme(path: string, place: Place): string {
  const scheme = /^([a-z]+):\/\//i.exec(path)
  if (!scheme) return path
  if (scheme[1]!.toLowerCase() !== 'file') {
    throw new ConfigError(place, undefined, mismatch('a path or file://', quote(path)))
  }
  return path.slice(scheme[0].length)
}

function exists(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined
  } catch {
    // Unreachable or unreadable: the next folder may have it; if none has, the error names them all.
    return false
  }
}

function unreadable(place: Place, error: unknown): ConfigError {
  const reason = error instanceof Error ? error.message : String(error)
  const complaint = `${reason}: expected a readable file or folder`
  return new ConfigError(place, undefined, complaint, { cause: error })
}
