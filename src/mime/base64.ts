// The base64 transfer encoding (RFC 2045 §6.8): lenient decoding, and encoding in CRLF lines.

const CR = 13
const LF = 10
const PAD = 61

/** Six bits for an octet of the alphabet, -1 for any other. */
const SEXTETS = new Int8Array(256).fill(-1)
for (const [value, octet] of Buffer.from(
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
).entries()) {
  SEXTETS[octet] = value
}

/** Skips what is not of the alphabet, and takes missing padding. What follows padding is read too. */
export function decodeBase64(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1')
  const padding = text.indexOf('=')
  // Node is ten times as fast, but takes the URL-safe alphabet too and stops at the first padding.
  const isNodes =
    !text.includes('-') &&
    !text.includes('_') &&
    (padding < 0 || /^=*[ \t\r\n]*$/.test(text.slice(padding)))
  return isNodes ? Buffer.from(text, 'base64') : decodeGroups(bytes)
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
