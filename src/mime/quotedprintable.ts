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
  const { length } = bytes
  const out = room && room.length >= length ? room : Buffer.allocUnsafe(length)
  const copying = { bytes, words: viewOf(bytes), out, outWords: viewOf(out) }
  const step = Math.floor(length / MOST_LINES)
  let to = 0
  let noted = 0
  // Blanks before this place were escaped, or belong to the line before: they stay.
  let kept = 0
  for (let at = 0; at < length;) {
    const special = copyPlain(copying, at, to)
    to += special - at
    at = special
    if (at === length) break
    const isLineEnd = bytes[at] === LF
    const escaped = isLineEnd ? -1 : escapedOctet(bytes, at)
    const softBreakEnd = isLineEnd || escaped >= 0 ? -1 : afterSoftBreak(bytes, at)
    if (!isLineEnd && softBreakEnd < 0) {
      out[to++] = escaped < 0 ? EQUALS : escaped
      at += escaped < 0 ? 1 : 3
      kept = to
      continue
    }
    if (isLineEnd) to = endLine(out, kept, to, at > 0 && bytes[at - 1] === CR)
    at = isLineEnd ? at + 1 : softBreakEnd
    kept = to
    if (!lines || at - noted < step) continue
    lines.push(to, at)
    noted = at
  }
  return out.subarray(0, to)
}

interface Copying {
  readonly bytes: Buffer
  readonly words: DataView
  readonly out: Buffer
  readonly outWords: DataView
}

function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length)
}

/** Octets from `from` to `to` that stand for themselves; the answer is where they end: at a `=` or LF, or the end. */
function copyPlain({ bytes, words, out, outWords }: Copying, from: number, to: number): number {
  const { length } = bytes
  let at = from
  let target = to
  // To access four octets costs as much as to access one.
  while (at <= length - 4) {
    const word = words.getInt32(at, true)
    if (hasSpecial(word)) break
    outWords.setInt32(target, word, true)
    at = (at + 4) | 0
    target = (target + 4) | 0
  }
  while (at < length) {
    const octet = bytes[at] ?? 0
    if (octet === EQUALS || octet === LF) break
    out[target] = octet
    at = (at + 1) | 0
    target = (target + 1) | 0
  }
  return at
}

/** Of four octets: whether one is `=` or LF. */
function hasSpecial(word: number): boolean {
  const equals = word ^ 0x3d3d3d3d
  const lineEnds = word ^ 0x0a0a0a0a
  const zeros = ((equals - 0x01010101) & ~equals) | ((lineEnds - 0x01010101) & ~lineEnds)
  return (zeros & 0x80808080) !== 0
}

/** Puts a line end behind the octets from `kept` to `to`, without the blanks there. Where it ends then. */
function endLine(out: Buffer, kept: number, to: number, hasCr: boolean): number {
  let end = hasCr ? to - 1 : to
  while (end > kept && isBlank(out[end - 1])) end--
  if (hasCr) out[end++] = CR
  out[end++] = LF
  return end
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
