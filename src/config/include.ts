// Reads configuration files and finds the included ones (Momentum manual, "conf.overview"): a relative
// path is looked for beside the including file, then along the search path; a folder stands for its
// files that are not hidden, in byte order, without subfolders. At most 1,000 files in all.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { decode } from './bytes.ts'
import { ConfigError, mismatch, quote, type Place } from './error.ts'
import type { Include, Source } from './parser.ts'

const MAX_FILES = 1000

/** The main file as a byte string. */
export function readSource(file: string): Source {
  try {
    return { file, text: readFileSync(file, 'latin1') }
  } catch (error) {
    const place = { file, line: 1, column: 1 }
    throw unreadable(place, error)
  }
}

/** `folder`: where the main file's relative paths begin. */
export function includeFrom(main: string, folder: string, searchPath: readonly string[]): Include {
  let files = 0
  return (path, from, place) => {
    const beside = from.file === main ? folder : dirname(from.file)
    const name = withoutScheme(decode(path), place)
    const found = [beside, ...searchPath].map((start) => resolve(start, name)).find(exists)
    if (found === undefined) {
      const expected = `a file or folder in ${[beside, ...searchPath].join(', ')}`
      throw new ConfigError(
        place,
        undefined,
        `nothing to include: ${mismatch(expected, quote(path))}`,
      )
    }
    const sources = readPaths(found, place)
    files += sources.length
    if (files > MAX_FILES) {
      const complaint = `too many included files: expected at most ${MAX_FILES}`
      throw new ConfigError(place, undefined, complaint)
    }
    return sources
  }
}

function readPaths(path: string, place: Place): readonly Source[] {
  try {
    const files = statSync(path).isDirectory() ? listFiles(path) : [path]
    return files.map((file) => ({ file, text: readFileSync(file, 'latin1') }))
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
