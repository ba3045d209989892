// Lines of a message: canonical line ends (RFC 5321 §2.3.8: CRLF, and neither CR nor LF alone), and
// how long lines are. Lengths are octets without CRLF.

const LF = 10
const CR = 13
const DOT = 46
const LINE_DOT = Buffer.from('\n.')

/** Makes each lone CR and each lone LF a CRLF; the very same buffer when there are none. */
export function canonicalLines(bytes: Buffer): Buffer {
  const first = firstLoneLineEnd(bytes)
  if (first < 0) return bytes
  // At worst every octet from there on is a lone line end.
  const out = Buffer.allocUnsafe(2 * bytes.length - first)
  let to = bytes.copy(out, 0, 0, first)
  for (let at = first; at < bytes.length; at++) {
    const octet = bytes[at] ?? 0
    if (octet !== CR && octet !== LF) {
      out[to++] = octet
      continue
    }
    if (octet === CR && bytes[at + 1] === LF) at++
    out[to++] = CR
    out[to++] = LF
  }
  return out.subarray(0, to)
}

/** Whether every CR and every LF is part of a CRLF. */
export function isCanonical(bytes: Buffer): boolean {
  return firstLoneLineEnd(bytes) < 0
}

/** The longest line between `start` and `end`. */
export function longestLine(bytes: Buffer, start = 0, end = bytes.length): number {
  const region = bytes.subarray(start, end)
  let longest = 0
  let at = 0
  while (at < region.length) {
    const lineEnd = region.indexOf(LF, at)
    const stop = lineEnd < 0 ? region.length : lineEnd
    const length = stop - at - (lineEnd > at && region[lineEnd - 1] === CR ? 1 : 0)
    if (length > longest) longest = length
    at = stop + 1
  }
  return longest
}

/** Offsets of the dots that begin a line, of a canonical message. */
export function lineDots(message: Buffer): number[] {
  const dots = message[0] === DOT ? [0] : []
  for (let at = message.indexOf(LINE_DOT); at >= 0; at = message.indexOf(LINE_DOT, at + 1)) {
    dots.push(at + 1)
  }
  return dots
}

function firstLoneLineEnd(bytes: Buffer): number {
  for (let at = 0; at < bytes.length; at++) {
    const octet = bytes[at] ?? 0
    if (octet === LF) return at
    if (octet === CR) {
      if (bytes[at + 1] !== LF) return at
      at++
    }
  }
  return -1
}
