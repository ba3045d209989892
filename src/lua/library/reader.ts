// Reads an open file in pieces of 64 KiB, as C's stdio does for io.open: lines, numbers, counts of
// octets, all. Reading is synchronous; every octet is charged to the budget of the running call, so a
// large or slow file ends with its `cpuMs`. Values are byte strings; undefined is the end of the file.

import { closeSync, fstatSync, readSync } from 'node:fs'
import { charge, longestString } from '../budget.ts'
import { LuaCallError } from '../error.ts'

export interface Reader {
  /** The next line without its line feed. */
  readonly line: () => string | undefined
  /** As many octets as there are, `count` at most. */
  readonly octets: (count: number) => string | undefined
  readonly all: () => string
  /** C's scanf("%lf"): blanks before it are skipped. */
  readonly number: () => number | undefined
  readonly isAtEnd: () => boolean
  /** The new position; undefined when it would be before the beginning. */
  readonly seek: (from: 'set' | 'cur' | 'end', offset: number) => number | undefined
  readonly close: () => void
}

const PIECE = 64 * 1024
const LINE_FEED = 10
// More than any number in C's notation needs.
const NUMBER_WIDTH = 256
const NUMBER = /^[+-]?(?:0[xX][\da-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf(?:inity)?|nan)/i

export function openReader(fd: number, sizeBytes: number): Reader {
  const pieces = openPieces(fd, sizeBytes)
  const rest = (): number => Math.max(0, fstatSync(fd).size - pieces.position())
  const bounded = (size: number): number => {
    if (size > longestString()) throw new LuaCallError('resulting string too large')
    return size
  }
  const collect = (count: number): string => {
    const parts: string[] = []
    for (let left = bounded(count); left > 0 && pieces.isAvailable();) {
      const part = pieces.take(left)
      parts.push(part)
      left -= part.length
    }
    return parts.join('')
  }
  return {
    line: () => readLine(pieces, bounded),
    octets: (count) => collect(Math.min(count, rest())) || undefined,
    all: () => collect(rest()),
    number: () => readNumber(pieces),
    isAtEnd: () => !pieces.isAvailable(),
    seek(from, offset) {
      const start = { set: 0, cur: pieces.position(), end: from === 'end' ? fstatSync(fd).size : 0 }
      const target = start[from] + offset
      if (target < 0) return undefined
      pieces.moveTo(target)
      return target
    },
    close: () => closeSync(fd),
  }
}

/** The piece of the file that is in memory, and where in it reading goes on. */
interface Pieces {
  /** Octets from here to the next `octet`, or undefined when this piece does not have it. */
  readonly distanceTo: (octet: number) => number | undefined
  /** Whether there is more; reads the next piece when this one is used up. */
  readonly isAvailable: () => boolean
  /** Uses up to `count` octets of this piece. */
  readonly take: (count: number) => string
  /** The next octets, which are not used up: `count` of them unless the file ends. */
  readonly peek: (count: number) => string
  readonly position: () => number
  readonly moveTo: (position: number) => void
}

function openPieces(fd: number, sizeBytes: number): Pieces {
  const buffer = Buffer.allocUnsafe(Math.min(PIECE, sizeBytes + NUMBER_WIDTH))
  let base = 0
  let length = 0
  let used = 0
  const load = (): boolean => {
    base += used
    used = 0
    length = readSync(fd, buffer, 0, buffer.length, base)
    charge(0, length)
    return length > 0
  }
  return {
    distanceTo(octet) {
      const found = buffer.subarray(used, length).indexOf(octet)
      return found < 0 ? undefined : found
    },
    isAvailable: () => used < length || load(),
    take(count) {
      const end = Math.min(length, used + count)
      const text = buffer.toString('latin1', used, end)
      charge(end - used)
      used = end
      return text
    },
    peek(count) {
      if (length - used < count) load()
      return buffer.toString('latin1', used, Math.min(length, used + count))
    },
    position: () => base + used,
    moveTo(position) {
      base = position
      used = 0
      length = 0
    },
  }
}

function readLine(pieces: Pieces, bounded: (size: number) => number): string | undefined {
  if (!pieces.isAvailable()) return undefined
  let text = ''
  do {
    const end = pieces.distanceTo(LINE_FEED)
    text += pieces.take(end ?? Infinity)
    bounded(text.length)
    if (end !== undefined) {
      pieces.take(1)
      return text
    }
  } while (pieces.isAvailable())
  return text
}

function readNumber(pieces: Pieces): number | undefined {
  while (pieces.isAvailable() && /\s/.test(pieces.peek(1))) pieces.take(1)
  const [text] = NUMBER.exec(pieces.peek(NUMBER_WIDTH)) ?? []
  if (text === undefined) return undefined
  pieces.take(text.length)
  return valueOf(text)
}

function valueOf(text: string): number {
  const [, sign, word = ''] = /^([+-]?)(.*)$/s.exec(text) ?? []
  const size = /^inf/i.test(word) ? Infinity : /^nan/i.test(word) ? NaN : Number(word)
  return sign === '-' ? -size : size
}
