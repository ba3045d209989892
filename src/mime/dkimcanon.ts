// Canonical forms of what a DKIM signature covers (RFC 6376 §3.4): `simple` leaves nearly everything as it
// is, `relaxed` survives changes of blanks and of the case of field names. Linear; lines end with CRLF.
import { trimBlanks } from './blank.ts'
import { type Field, rawValue } from './field.ts'

export type Canonicalization = 'simple' | 'relaxed'

const TAB = 9
const LF = 10
const CR = 13
const SPACE = 32
const CRLF = Buffer.from('\r\n')

/** With its CRLF. Byte string. */
export function canonicalField(field: Field, form: Canonicalization): string {
  if (form === 'relaxed') {
    const value = rawValue(field)
      .replaceAll('\r\n', '')
      .replace(/[ \t]+/g, ' ')
    return `${field.key}:${trimBlanks(value)}\r\n`
  }
  const text = field.bytes.toString('latin1')
  return text.endsWith('\r\n') ? text : `${text}\r\n`
}

/** Octets whose end is the end of the body, without its empty last lines. */
export function canonicalBody(body: Buffer, form: Canonicalization): Buffer {
  return endOnce(form === 'simple' ? body : relaxedLines(body), form)
}

function endOnce(lines: Buffer, form: Canonicalization): Buffer {
  let end = lines.length
  while (endsLine(lines, end)) end -= 2
  if (end === 0 && form === 'relaxed') return lines.subarray(0, 0)
  return endsLine(lines, end + 2)
    ? lines.subarray(0, end + 2)
    : Buffer.concat([lines.subarray(0, end), CRLF])
}

function endsLine(lines: Buffer, end: number): boolean {
  return end >= 2 && end <= lines.length && lines[end - 1] === LF && lines[end - 2] === CR
}

/** Runs of blanks become one space, and none at the end of a line. */
function relaxedLines(body: Buffer): Buffer {
  const out = Buffer.allocUnsafe(body.length)
  let to = 0
  let hasBlank = false
  for (let at = 0; at < body.length; at++) {
    const octet = body[at] ?? 0
    if (octet === SPACE || octet === TAB) {
      hasBlank = true
      continue
    }
    const isLineEnd = octet === CR && body[at + 1] === LF
    if (hasBlank && !isLineEnd) out[to++] = SPACE
    hasBlank = false
    out[to++] = octet
  }
  return out.subarray(0, to)
}
