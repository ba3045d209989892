// The quoted-printable transfer encoding (RFC 2045 §6.7). Decoding takes anything: `=` that escapes
// nothing stands for itself, blanks before a line end vanish, and so does `=` with blanks before a line
// end or the end of the data. Where each decoded octet begins in the encoded bytes can be asked, so
// that a change to the text re-encodes nothing else.

const TAB = 9
const LF = 10
const CR = 13
const SPACE = 32
const EQUALS = 61

/** RFC 2045 §6.7 (5): the longest encoded line, without CRLF. */
const LONGEST_LINE = 76

/** Line ends that are remembered. */
const MOST_LINES = 4096

const HEX = Buffer.from('0123456789ABCDEF', 'latin1')

/** The value of a hexadecimal digit; -1 for any other octet. */
const DIGITS = Int8Array.from({ length: 256 }, (_, octet) => {
  const digit = parseInt(String.fromCharCode(octet), 16)
  return Number.isNaN(digit) ? -1 : digit
})

/**
 * With `lines`, two numbers are added for line ends of `bytes`, thousands at most: how many octets are
 * decoded before it, and where it is. `mapQuotedPrintable` is faster with them. The answer is a view of
 * `room`, if that is large enough.
 */
export function decodeQuotedPrintable(bytes: Buffer, lines?: number[], room?: Buffer): Buffer {
  const length = bytes.length
  const out = room && room.length >= length ? room : Buffer.allocUnsafe(length)
  const step = Math.floor(length / MOST_LINES)
  let to = 0
  let noted = 0
  const note = (end: number): void => {
    if (!lines || end - noted < step) return
    lines.push(to, end)
    noted = end
  }
  // Blanks before this place were escaped, or belong to the line before: they stay.
  let kept = 0
  for (let at = 0; at < length; at++) {
    const octet = bytes[at] ?? 0
    if (octet === EQUALS) {
      const next = afterSoftBreak(bytes, at)
      if (next >= 0) {
        at = next - 1
        kept = to
        note(next)
        continue
      }
      const escaped = escapedOctet(bytes, at)
      out[to++] = escaped < 0 ? EQUALS : escaped
      if (escaped >= 0) at += 2
      kept = to
      continue
    }
    if (octet === LF) {
      const hasCr = at > 0 && bytes[at - 1] === CR
      if (hasCr) to--
      while (to > kept && isBlank(out[to - 1])) to--
      if (hasCr) out[to++] = CR
      out[to++] = LF
      kept = to
      note(at + 1)
      continue
    }
    out[to++] = octet
  }
  return out.subarray(0, to)
}

/**
 * Where the decoded octets at `offsets` (ascending) begin in `bytes`. A soft line break belongs to
 * what stands before it, blanks that vanish belong to the line end after them; the decoded length is
 * at `bytes.length`. So the bytes before the answer decode to the octets before the offset, unless
 * they end in an `=` that escapes nothing or within a CRLF.
 */
export function mapQuotedPrintable(
  bytes: Buffer,
  offsets: readonly number[],
  lines: readonly number[] = [],
): number[] {
  const places: number[] = []
  let wanted = offsets[0] ?? -1
  let decoded = 0
  let at = 0
  let blanksEnd = 0
  let line = 0
  while (wanted >= 0 && at < bytes.length) {
    for (; (lines[line] ?? Infinity) <= wanted; line += 2) {
      const end = lines[line + 1] ?? 0
      if (end > at) decoded = lines[line] ?? 0
      at = Math.max(at, end)
    }
    const octet = bytes[at] ?? 0
    const softBreakEnd = octet === EQUALS ? afterSoftBreak(bytes, at) : -1
    if (softBreakEnd >= 0) {
      at = softBreakEnd
      continue
    }
    while (wanted === decoded) {
      places.push(at)
      wanted = offsets[places.length] ?? -1
    }
    decoded++
    if (octet === EQUALS && escapedOctet(bytes, at) >= 0) {
      at += 2
    } else if (isBlank(octet) && at >= blanksEnd) {
      // Looked at once for each run of blanks, so that a long one costs no more than many short ones.
      blanksEnd = skipBlanks(bytes, at)
      if (isCrlf(bytes, blanksEnd) || bytes[blanksEnd] === LF) at = blanksEnd
    }
    at++
  }
  while (places.length < offsets.length) places.push(bytes.length)
  return places
}

/**
 * Lines of at most 76 octets. With `text`, CRLF are line ends and stay; without, they are octets like
 * any others. Blanks at the end of a line are escaped. No line end is added.
 */
export function encodeQuotedPrintable(bytes: Buffer, text = true): Buffer {
  const out = Buffer.allocUnsafe(longestEncoding(bytes))
  let to = 0
  let column = 0
  for (let at = 0; at < bytes.length; at++) {
    if (text && isCrlf(bytes, at)) {
      out[to++] = CR
      out[to++] = LF
      at++
      column = 0
      continue
    }
    const octet = bytes[at] ?? 0
    const endsLine = at + 1 === bytes.length || (text && isCrlf(bytes, at + 1))
    const isPlain = isPlainOctet(octet) && !(endsLine && isBlank(octet))
    const width = isPlain ? 1 : 3
    if (column + width > (endsLine ? LONGEST_LINE : LONGEST_LINE - 1)) {
      out[to++] = EQUALS
      out[to++] = CR
      out[to++] = LF
      column = 0
    }
    column += width
    if (isPlain) {
      out[to++] = octet
    } else {
      out[to++] = EQUALS
      out[to++] = HEX[octet >> 4] ?? 0
      out[to++] = HEX[octet & 15] ?? 0
    }
  }
  return out.subarray(0, to)
}

/** Just after the soft line break that the `=` at `at` begins; -1 when it begins none. */
function afterSoftBreak(bytes: Buffer, at: number): number {
  const end = skipBlanks(bytes, at + 1)
  if (end === bytes.length) return end
  if (isCrlf(bytes, end)) return end + 2
  return bytes[end] === LF ? end + 1 : -1
}

/** The octet that the `=` at `at` escapes; -1 when it escapes none. */
function escapedOctet(bytes: Buffer, at: number): number {
  const high = DIGITS[bytes[at + 1] ?? EQUALS] ?? 0
  const low = DIGITS[bytes[at + 2] ?? EQUALS] ?? 0
  return high < 0 || low < 0 ? -1 : high * 16 + low
}

function skipBlanks(bytes: Buffer, start: number): number {
  let at = start
  while (at < bytes.length && isBlank(bytes[at])) at++
  return at
}

function isBlank(octet: number | undefined): boolean {
  return octet === SPACE || octet === TAB
}

function isCrlf(bytes: Buffer, at: number): boolean {
  return bytes[at] === CR && bytes[at + 1] === LF
}

function isPlainOctet(octet: number): boolean {
  return (octet >= SPACE && octet < 127 && octet !== EQUALS) || octet === TAB
}

function longestEncoding(bytes: Buffer): number {
  let escapes = 0
  for (const octet of bytes) if (!isPlainOctet(octet)) escapes++
  // A blank at each line end may need escaping too, but a line end counts as two escapes already.
  const length = bytes.length + 2 * escapes + 2
  return length + 3 * Math.ceil(length / (LONGEST_LINE - 3))
}
