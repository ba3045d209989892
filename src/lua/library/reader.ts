// Reads an open file in pieces of up to 64 KiB, as C's stdio does for io.open: lines, numbers, counts of
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
// Less at first, for who looks at a few places of a large file.
const FIRST_PIECE = 4 * 1024
// What a string costs beside the piece that it is cut from.
const STRING_OVERHEAD = 32
// More than any number in C's notation needs.
const NUMBER_WIDTH = 256
const NUMBER = /^[+-]?(?:0[xX][\da-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf(?:inity)?|nan)/i

export function openReader(fd: number): Reader {
  const pieces = openPieces(fd)
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
      if (!Number.isSafeInteger(target) || target < 0) return undefined
      pieces.moveTo(target)
      return target
    },
    close: () => closeSync(fd),
  }
}

/** The piece of the file that is in memory, and where in it reading goes on. */
interface Pieces {
  /** Octets from here to the end of the line, or undefined when this piece does not have it. */
  readonly restOfLine: () => number | undefined
  /** Whether there is more; reads the next piece when this one is used up. */
  readonly isAvailable: () => boolean
  /** Uses up to `count` octets of this piece. */
  readonly take: (count: number) => string
  /** The next octets, which are not used up: `count` of them unless the file ends. */
  readonly peek: (count: number) => string
  readonly position: () => number
  readonly moveTo: (position: number) => void
}

// Used between reading and decoding only, so that one is enough for all files.
const buffer = Buffer.allocUnsafeSlow(PIECE)

function openPieces(fd: number): Pieces {
  let base = 0
  let piece = ''
  let used = 0
  let size = FIRST_PIECE
  const load = (): boolean => {
    base += used
    used = 0
    const length = readSync(fd, buffer, 0, size, base)
    size = Math.min(size * 2, PIECE)
    piece = buffer.toString('latin1', 0, length)
    charge(length)
    return length > 0
  }
  return {
    restOfLine() {
      const end = piece.indexOf('\n', used)
      return end < 0 ? undefined : end - used
    },
    isAvailable: () => used < piece.length || load(),
    take(count) {
      const text = piece.slice(used, used + count)
      used += text.length
      charge(STRING_OVERHEAD, text.length)
      return text
    },
    peek(count) {
      if (piece.length - used < count) load()
      return piece.slice(used, used + count)
    },
    position: () => base + used,
    moveTo(position) {
      used = position - base
      if (used >= 0 && used <= piece.length) return
      base = position
      used = 0
      piece = ''
      size = FIRST_PIECE
    },
  }
}

function readLine(pieces: Pieces, bounded: (size: number) => number): string | undefined {
  if (!pieces.isAvailable()) return undefined
  let text = ''
  do {
    const end = pieces.restOfLine()
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
