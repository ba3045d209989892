// The base64 transfer encoding (RFC 2045 §6.8): lenient decoding, and encoding in CRLF lines.

const TAB = 9
const LF = 10
const CR = 13
const SPACE = 32
const PAD = 61

/** Six bits for an octet of the alphabet, -1 for any other. */
const SEXTETS = new Int8Array(256).fill(-1)
for (const [value, octet] of Buffer.from(
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
).entries()) {
  SEXTETS[octet] = value
}

/** Whether there is nothing but the alphabet, blanks and line ends, and padding behind all of it. */
export function isBase64(bytes: Buffer): boolean {
  let at = 0
  while (at < bytes.length && (isOfAlphabet(bytes[at]) || isSpace(bytes[at]))) at++
  while (at < bytes.length && (bytes[at] === PAD || isSpace(bytes[at]))) at++
  return at === bytes.length
}

/** Skips what is not of the alphabet, and takes missing padding. What follows padding is read too. */
export function decodeBase64(bytes: Buffer): Buffer {
  // Node is ten times as fast, but takes the URL-safe alphabet too and stops at the first padding.
  const isNodes = !bytes.includes('-') && !bytes.includes('_') && endsWithPadding(bytes)
  if (!isNodes) return decodeGroups(bytes)
  const out = Buffer.allocUnsafe(Math.ceil(bytes.length / 4) * 3)
  let to = 0
  for (let at = 0; at < bytes.length;) {
    const end = endOfGroups(bytes, at)
    to += out.write(bytes.toString('latin1', at, end), to, 'base64')
    at = end
  }
  return out.subarray(0, to)
}

/** Decoded at once: the text of a large part would be as large once more. */
const CHUNK = 1 << 18

/** Behind whole groups of four, CHUNK octets on or a few more. */
function endOfGroups(bytes: Buffer, start: number): number {
  if (bytes.length - start <= CHUNK) return bytes.length
  let characters = 0
  let at = start
  while (at < bytes.length && (at - start < CHUNK || characters % 4 > 0)) {
    if (isOfAlphabet(bytes[at++])) characters++
  }
  return at
}

function endsWithPadding(bytes: Buffer): boolean {
  let at = bytes.indexOf(PAD)
  while (at >= 0 && at < bytes.length && bytes[at] === PAD) at++
  while (at >= 0 && at < bytes.length && isSpace(bytes[at])) at++
  return at < 0 || at === bytes.length
}

function isOfAlphabet(octet = 0): boolean {
  return (SEXTETS[octet] ?? -1) >= 0
}

function isSpace(octet: number | undefined): boolean {
  return octet === CR || octet === LF || octet === SPACE || octet === TAB
}

/** Lines of `lineLength` characters with CRLF between them, none at the end. */
export function encodeBase64(bytes: Buffer, lineLength = 76): Buffer {
  const text = Buffer.from(bytes.toString('base64'), 'latin1')
  if (text.length <= lineLength) return text
  const breaks = Math.ceil(text.length / lineLength) - 1
  const out = Buffer.allocUnsafe(text.length + 2 * breaks)
  let at = 0
  for (let start = 0; start < text.length; start += lineLength) {
    if (start > 0) {
      out[at++] = CR
      out[at++] = LF
    }
    at += text.copy(out, at, start, start + lineLength)
  }
  return out
}

function decodeGroups(bytes: Buffer): Buffer {
  const out = Buffer.allocUnsafe(bytes.length)
  let to = 0
  let bits = 0
  let count = 0
  for (const octet of bytes) {
    const sextet = SEXTETS[octet] ?? -1
    // Padding ends a group; the next one begins with whole octets again.
    if (octet === PAD) count = 0
    if (sextet < 0) continue
    bits = (bits << 6) | sextet
    count += 6
    if (count >= 8) {
      count -= 8
      out[to++] = bits >> count
    }
  }
  return out.subarray(0, to)
}
