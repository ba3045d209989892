// Command lines (RFC 5321 §2.3.8, §4.5.3.1.4) from chunks of octets. Only CRLF ends a line; a CR or LF
// that stands alone spoils the whole line up to its CRLF, so nothing behind it is ever taken for a
// command. Limits in octets, without the CRLF: 4,096 for MAIL, RCPT, AUTH and the X verbs, 1,000 else.
import type { Command } from './conversation.ts'
import type { Reader } from './scanner.ts'

export type Line =
  | { readonly kind: 'command'; readonly command: Command }
  | { readonly kind: 'too long' }
  /** Comes early when a chunk ends in a lone LF, so that nobody waits; the line stays spoilt. */
  | { readonly kind: 'lone line end' }
  /** No line end within reason: the connection should go. */
  | { readonly kind: 'endless' }

const MAX_LINE = 4_096
const MAX_SHORT_LINE = 1_000
const LONG_VERB = /^(?:MAIL|RCPT|AUTH|X)/i
/** Octets of one line that are read, most of them unkept. */
const MAX_SWALLOWED = 65_536

const LF = 10
const CR = 13
const EMPTY = Buffer.alloc(0)

/** Reads lines, one after the other. `mayBeLong`: the line that is read now is no command. */
export function openLines(mayBeLong: () => boolean = () => false): Reader<{ line: Line }> {
  let kept = ''
  let length = 0
  let endsInCr = false
  let isBroken = false

  const take = (chunk: Buffer, from: number, to: number): void => {
    if (from === to) return
    // One octet above the longest line and its CR is enough to know a long one.
    const room = MAX_LINE + 2 - kept.length
    if (room > 0) kept += chunk.toString('latin1', from, Math.min(to, from + room))
    length += to - from
    endsInCr = chunk[to - 1] === CR
  }

  const finish = (kind: 'line' | 'lone line end' | 'endless', rest: Buffer) => {
    const line: Line = kind === 'line' ? judge(kept, length, mayBeLong()) : { kind }
    kept = ''
    length = 0
    endsInCr = false
    isBroken = false
    return { done: true as const, line, rest }
  }

  const push: Reader<{ line: Line }>['push'] = (chunk) => {
    let at = 0
    while (at < chunk.length) {
      const lf = chunk.indexOf(LF, at)
      take(chunk, at, lf < 0 ? chunk.length : lf)
      if (length > MAX_SWALLOWED) return finish('endless', chunk.subarray(chunk.length))
      if (lf < 0) break
      at = lf + 1
      if (endsInCr) return finish(isBroken ? 'lone line end' : 'line', chunk.subarray(at))
      isBroken = true
      length++
      if (at === chunk.length) return { done: true, line: { kind: 'lone line end' }, rest: EMPTY }
    }
    return { done: false }
  }
  return { push }
}

/** `kept` is the line with its CR, cut if it is longer than any may be. */
function judge(kept: string, length: number, mayBeLong: boolean): Line {
  const most = mayBeLong || LONG_VERB.test(kept) ? MAX_LINE : MAX_SHORT_LINE
  if (length - 1 > most) return { kind: 'too long' }
  if (kept.indexOf('\r') !== length - 1) return { kind: 'lone line end' }
  return { kind: 'command', command: parseCommand(kept.slice(0, -1)) }
}

function parseCommand(line: string): Command {
  const blank = line.search(/[ \t]/)
  const verb = blank < 0 ? line : line.slice(0, blank)
  return { verb: upperCase(verb), argument: trim(line, verb.length), line }
}

// Neither `trim` nor `toUpperCase`: those touch octets above 0x7F.
function trim(line: string, from: number): string {
  let start = from
  let end = line.length
  while (start < end && isBlank(line, start)) start++
  while (end > start && isBlank(line, end - 1)) end--
  return line.slice(start, end)
}

function isBlank(line: string, at: number): boolean {
  return line[at] === ' ' || line[at] === '\t'
}

function upperCase(verb: string): string {
  return /[a-z]/.test(verb) ? verb.replace(/[a-z]+/g, (letters) => letters.toUpperCase()) : verb
}
