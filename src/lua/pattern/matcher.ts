// Matching of Lua patterns on byte strings: backtracking over the items of a pattern as the reference
// implementation does, every step counted on the budget.

import { host } from '../engine.ts'
import {
  ANY,
  BACK,
  BALANCED,
  CLOSE,
  DONE,
  END,
  FEWEST,
  FRONTIER,
  NO_SET,
  OPEN,
  OPTIONAL,
  POSITION,
  SINGLE,
  SOME,
  type Pattern,
} from './pattern.ts'

export class PatternError extends Error {
  override name = 'PatternError'
}

const MAX_CAPTURES = 32
const MAX_DEPTH = 200

// Lengths of captures that have none.
const UNFINISHED = -1
const PLACE = -2

const { tick } = host

/** Matches one pattern against one subject; holds the captures of the last match. */
export class Matcher {
  readonly subject: string
  readonly pattern: Pattern
  /** Where the last match began and ended. */
  start = 0
  end = 0
  private level = 0
  private depth = 0
  private readonly starts: number[] = []
  private readonly lengths: number[] = []

  constructor(subject: string, pattern: Pattern) {
    this.subject = subject
    this.pattern = pattern
  }

  /** Looks for a match that begins at `from` (from 0) or later. */
  search(from: number): boolean {
    const { subject, pattern } = this
    const { items, prefix } = pattern
    if (pattern.isAnchored) return this.matchAt(from)
    const first = items[0]
    for (let at = from; at <= subject.length; at++) {
      if (prefix !== '') {
        const found = subject.indexOf(prefix, at)
        tick.n -= ((found < 0 ? subject.length : found) - at) >> 5
        if (found < 0) return false
        at = found
      } else if (first !== undefined && (first.kind === SINGLE || first.kind === SOME)) {
        const skipped = at
        while (at < subject.length && first.set[subject.charCodeAt(at)] === 0) at++
        tick.n -= (at - skipped) >> 3
        if (at === subject.length) return false
      }
      if (this.matchAt(at)) return true
    }
    return false
  }

  /** Whether a match begins just here. */
  matchAt(at: number): boolean {
    this.level = 0
    this.depth = 0
    this.start = at
    this.end = this.match(at, 0)
    return this.end >= 0
  }

  /** How many captures the last match had. */
  get count(): number {
    return this.level
  }

  /** A capture of the last match (from 0): text or position; capture 0 of none is the whole match. */
  capture(index: number): string | number {
    if (index >= this.level) {
      if (index === 0) return this.slice(this.start, this.end)
      throw new PatternError('invalid capture index')
    }
    const start = this.starts[index] ?? 0
    const length = this.lengths[index] ?? 0
    if (length === UNFINISHED) throw new PatternError('unfinished capture')
    return length === PLACE ? start + 1 : this.slice(start, start + length)
  }

  /** A part of the subject. A short one does not keep a long subject in memory. */
  slice(from: number, to: number): string {
    const part = this.subject.slice(from, to)
    if (this.subject.length < 65_536 || part.length > 1024 || part.length < 13) return part
    return Buffer.from(part, 'latin1').toString('latin1')
  }

  // Matches the items from `index` on at `at`: where the match ends, or -1.
  private match(at: number, index: number): number {
    if (this.depth++ === MAX_DEPTH) throw new PatternError('pattern too complex')
    const end = this.run(at, index)
    this.depth--
    return end
  }

  private run(from: number, first: number): number {
    const { subject } = this
    const { items } = this.pattern
    const { length } = subject
    let at = from
    for (let index = first; ; index++) {
      if (--tick.n < 0) host.over()
      const item = items[index]
      if (item === undefined) return at
      const { set } = item
      switch (item.kind) {
        case SINGLE:
          if (at >= length || set[subject.charCodeAt(at)] === 0) return -1
          at++
          break
        case ANY:
          return this.most(at, at, index)
        case SOME:
          return this.most(at, at + 1, index)
        case FEWEST:
          return this.fewest(at, index)
        case OPTIONAL:
          if (at < length && set[subject.charCodeAt(at)] === 1) {
            const end = this.match(at + 1, index + 1)
            if (end >= 0) return end
          }
          break
        case DONE:
          return at
        case OPEN:
          return this.open(at, index, UNFINISHED)
        case POSITION:
          return this.open(at, index, PLACE)
        case CLOSE:
          return this.close(at, index)
        case END:
          return at === length ? at : -1
        case BALANCED:
          at = this.balanced(at, item.detail)
          if (at < 0) return -1
          break
        case FRONTIER: {
          const before = at === 0 ? 0 : subject.charCodeAt(at - 1)
          const here = at === length ? 0 : subject.charCodeAt(at)
          if (set[before] === 1 || set[here] === 0) return -1
          break
        }
        case BACK:
          at = this.repeated(at, Number(item.detail) - 1)
          if (at < 0) return -1
          break
        default:
          throw new PatternError(item.detail)
      }
    }
  }

  // As many octets as the item takes, then fewer down to `least`.
  private most(at: number, least: number, index: number): number {
    const { subject } = this
    const { items } = this.pattern
    const set = items[index]?.set ?? NO_SET
    const next = items[index + 1]
    let to = at
    while (to < subject.length && set[subject.charCodeAt(to)] === 1) to++
    tick.n -= (to - at) >> 3
    if (next === undefined || next.kind === DONE) return to >= least ? to : -1
    const needed = next.kind === SINGLE ? next.set : undefined
    for (; to >= least; to--) {
      if (--tick.n < 0) host.over()
      if (needed !== undefined && !(to < subject.length && needed[subject.charCodeAt(to)] === 1))
        continue
      const end = this.match(to, index + 1)
      if (end >= 0) return end
    }
    return -1
  }

  // As few octets as possible.
  private fewest(at: number, index: number): number {
    const { subject } = this
    const { items } = this.pattern
    const set = items[index]?.set ?? NO_SET
    const next = items[index + 1]
    const needed = next?.kind === SINGLE ? next.set : undefined
    for (let to = at; ; to++) {
      if (--tick.n < 0) host.over()
      if (needed === undefined || (to < subject.length && needed[subject.charCodeAt(to)] === 1)) {
        const end = this.match(to, index + 1)
        if (end >= 0) return end
      }
      if (to >= subject.length || set[subject.charCodeAt(to)] === 0) return -1
    }
  }

  private open(at: number, index: number, length: number): number {
    const { level } = this
    if (level >= MAX_CAPTURES) throw new PatternError('too many captures')
    this.starts[level] = at
    this.lengths[level] = length
    this.level = level + 1
    const end = this.match(at, index + 1)
    if (end < 0) this.level--
    return end
  }

  private close(at: number, index: number): number {
    let level = this.level - 1
    while (level >= 0 && this.lengths[level] !== UNFINISHED) level--
    if (level < 0) throw new PatternError('invalid pattern capture')
    this.lengths[level] = at - (this.starts[level] ?? 0)
    const end = this.match(at, index + 1)
    if (end < 0) this.lengths[level] = UNFINISHED
    return end
  }

  private balanced(at: number, brackets: string): number {
    const { subject } = this
    const [open, close] = [brackets.charCodeAt(0), brackets.charCodeAt(1)]
    if (at >= subject.length || subject.charCodeAt(at) !== open) return -1
    tick.n -= (subject.length - at) >> 5
    let depth = 1
    for (let to = at + 1; to < subject.length; to++) {
      const code = subject.charCodeAt(to)
      if (code === close) {
        if (--depth === 0) return to + 1
      } else if (code === open) depth++
    }
    return -1
  }

  // The text of an earlier capture once more.
  private repeated(at: number, capture: number): number {
    const length = this.lengths[capture] ?? UNFINISHED
    if (capture < 0 || capture >= this.level || length === UNFINISHED)
      throw new PatternError('invalid capture index')
    const start = this.starts[capture] ?? 0
    const text = this.subject.slice(start, start + length)
    tick.n -= 4 + (text.length >> 5)
    return length >= 0 && this.subject.startsWith(text, at) ? at + length : -1
  }
}
