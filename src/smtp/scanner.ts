// The octets after 354, up to the final dot (RFC 5321 §4.1.1.4, §4.5.2). Pure and incremental: how
// they were split into chunks never changes what comes out. Only `.` between two CRLFs as they came
// over the wire ends the data (a first line `.` too), and a dot is un-stuffed only after such a CRLF. A
// dot after a CR or LF that stands alone did not begin a line for a conforming sender, so it stays.
import type { DataLimits, Received } from './conversation.ts'

/**
 * Takes chunks until it has one whole item; `rest` is what follows it in the last chunk. Nothing else of a chunk
 * is looked at once `push` has returned, so that its memory may be used for the next one.
 */
export interface Reader<Item> {
  push(
    chunk: Buffer,
  ): { readonly done: false } | ({ readonly done: true; readonly rest: Buffer } & Item)
}

const LF = 10
const CR = 13
const DOT = 46
const EMPTY = Buffer.alloc(0)
/** Octets that are rewritten before native search is tried again. */
const WINDOW = 4_096
/** Octets of a chunk that are looked at together with those held, so that it need not be copied. */
const BRIDGE = 4

/**
 * Reads one message after 354. The bytes end in CRLF; they are empty for an empty message. A message
 * that is refused (`lone line end`, `too large`, `no room`, in this order) is read to its end but not
 * kept.
 */
export function openScanner(limits: DataLimits): Reader<{ received: Received }> {
  const pile = openPile(limits.maxMessageSize, limits.expected ?? 0)
  // The 2 octets at most that end a chunk and may mean nothing without the next: `\r`, `.`, `.\r`.
  let held: Buffer = EMPTY
  let atLineStart = true
  let hasLoneLineEnd = false

  // Where it stops: at the final dot, at the end, or before octets to be held.
  const scan = (chunk: Buffer, from: number): number => {
    let at = from
    while (at < chunk.length) {
      const end = plainEnd(chunk, at, atLineStart)
      pile.add(chunk, at, end)
      if (end > at) atLineStart = chunk[end - 1] === LF
      at = end
      if (chunk.length - at < 3 || (atLineStart && isFinalDot(chunk, at))) break
      const rewritten = rewrite(chunk, at, atLineStart, pile)
      at = rewritten.end
      atLineStart = rewritten.atLineStart
      hasLoneLineEnd ||= rewritten.hasLoneLineEnd
    }
    return at
  }

  const finish = (rest: Buffer): { done: true; received: Received; rest: Buffer } => {
    if (hasLoneLineEnd && limits.loneLineEnds === 'refuse') {
      return { done: true, received: { kind: 'lone line end' }, rest }
    }
    const kept = pile.take()
    const received: Received = Buffer.isBuffer(kept)
      ? { kind: 'message', bytes: kept }
      : { kind: kept }
    return { done: true, received, rest }
  }

  return {
    push(chunk) {
      let from = 0
      if (held.length) {
        const bridge = Buffer.concat([held, chunk.subarray(0, BRIDGE)])
        const at = scan(bridge, 0)
        if (bridge.length - at >= 3) return finish(chunk.subarray(at + 3 - held.length))
        held = bridge.subarray(at)
        if (chunk.length <= BRIDGE) return { done: false }
        from = BRIDGE - held.length
      }
      const at = scan(chunk, from)
      if (limits.hold?.(pile.kept()) === false) pile.drop()
      if (chunk.length - at >= 3) return finish(chunk.subarray(at + 3))
      held = Buffer.from(chunk.subarray(at))
      return { done: false }
    },
  }
}

/** Of a dot that begins a line. */
function isFinalDot(chunk: Buffer, at: number): boolean {
  return chunk[at] === DOT && chunk[at + 1] === CR && chunk[at + 2] === LF
}

/** Where octets stop that go out as they came: at a dot that begins a line, or a CR or LF alone. */
function plainEnd(chunk: Buffer, from: number, atLineStart: boolean): number {
  if (atLineStart && chunk[from] === DOT) return from
  const { length, byteOffset } = chunk
  // The first word begins `skew` octets before the chunk.
  const skew = byteOffset & 3
  const words = new Int32Array(chunk.buffer, byteOffset - skew, (skew + length) >> 2)
  const count = words.length
  let at = from
  while (at < length) {
    const octet = chunk[at]!
    if (octet > CR) {
      at++
      if ((at + skew) & 3) continue
      let index = (at + skew) >> 2
      while (index < count && !hasControl(words[index]!)) index++
      at = (index << 2) - skew
    } else if (octet === CR && chunk[at + 1] === LF) {
      at += 2
      if (chunk[at] === DOT) return at
    } else if (octet === CR || octet === LF) return at
    else at++
  }
  return length
}

/** Of four octets: whether one is CR, LF or below. Only such a one borrows from its highest bit. */
function hasControl(word: number): boolean {
  return ((word - 0x0e0e0e0e) & ~word & 0x80808080) !== 0
}

interface Rewritten {
  readonly end: number
  readonly atLineStart: boolean
  readonly hasLoneLineEnd: boolean
}

/** Up to WINDOW octets, one by one: dots un-stuffed, line ends that stand alone made CRLF. */
function rewrite(chunk: Buffer, from: number, isLineStart: boolean, pile: Pile): Rewritten {
  const last = Math.min(from + WINDOW, chunk.length - 2)
  const { block, used } = pile.room(2 * (last - from))
  let size = used
  let hasLoneLineEnd = false
  let lineStart = -1
  let at = isLineStart && chunk[from] === DOT ? from + 1 : from
  while (at < last) {
    const octet = chunk[at]!
    if (octet !== CR && octet !== LF) {
      block[size++] = octet
      at++
      continue
    }
    block[size++] = CR
    block[size++] = LF
    if (octet === CR && chunk[at + 1] === LF) {
      at += 2
      lineStart = at
      if (chunk[at] === DOT) {
        if (at + 2 >= chunk.length || isFinalDot(chunk, at)) break
        at++
      }
    } else {
      at++
      hasLoneLineEnd = true
    }
  }
  pile.fill(size)
  return { end: at, atLineStart: lineStart === at, hasLoneLineEnd }
}

interface Pile {
  add(bytes: Buffer, from: number, to: number): void
  /** Where the caller may write so many octets itself, from `used` on; `fill` says where they end. */
  room(octets: number): { readonly block: Buffer; readonly used: number }
  fill(used: number): void
  /** Octets in memory. */
  kept(): number
  /** Keeps nothing, now and later. */
  drop(): void
  /** Everything added, in one buffer, or why there is none. */
  take(): Buffer | 'too large' | 'no room'
}

/** A block is as large as what is there already: few blocks, and not much more memory than octets. */
const SMALLEST_BLOCK = 4_096
const LARGEST_BLOCK = 1_048_576
/** A client's word on the size is taken for so many times what has come: one block, and no copy at the end. */
const TRUST = 8
/** Dots that are un-stuffed again, and the last message of a connection was a little shorter. */
const SLACK = 64

function openPile(limit: number, expected: number): Pile {
  const parts: Buffer[] = []
  let size = 0
  // Octets from `sealed` to `used` are not among the parts yet.
  let block: Buffer = EMPTY
  let sealed = 0
  let used = 0
  let isDropped = false

  const isKept = (): boolean => !isDropped && !(limit && size > limit)
  const forget = (): void => {
    parts.length = 0
    block = EMPTY
    sealed = used = 0
  }

  const seal = (): void => {
    if (used > sealed) parts.push(block.subarray(sealed, used))
    sealed = used
  }

  const room: Pile['room'] = (octets) => {
    if (used + octets > block.length) {
      seal()
      const usual = Math.min(Math.max(size, SMALLEST_BLOCK), LARGEST_BLOCK)
      const awaited = Math.min(expected + SLACK - size, TRUST * (size + octets))
      block = Buffer.allocUnsafeSlow(Math.max(octets, usual, awaited))
      sealed = used = 0
    }
    return { block, used }
  }

  const fill: Pile['fill'] = (end) => {
    size += end - used
    used = end
    if (!isKept()) forget()
  }

  const add: Pile['add'] = (bytes, from, to) => {
    const length = to - from
    if (!isKept() || length === 0) size += length
    else fill(room(length).used + bytes.copy(block, used, from, to))
  }

  const take: Pile['take'] = () => {
    seal()
    if (limit && size > limit) return 'too large'
    if (isDropped) return 'no room'
    const [only] = parts
    return only && parts.length === 1 ? detach(only) : Buffer.concat(parts, size)
  }
  const kept = (): number => (isKept() ? size : 0)
  const drop = (): void => {
    isDropped = true
    forget()
  }
  return { add, room, fill, kept, drop, take }
}

/** A copy where a small message would keep much alive that is not its own. */
function detach(bytes: Buffer): Buffer {
  return bytes.length * 2 < bytes.buffer.byteLength ? Buffer.from(bytes) : bytes
}
