// A message as it travels after DATA (RFC 5321 §4.5.2): a dot before each line that begins with one,
// and the line with a single dot at the end.
import type { Rendered } from '../mail/rendition.ts'
import { lineDots } from '../mime/line.ts'

const DOT = Buffer.from('.')
const CODE_DOT = 0x2e
const CODE_CR = 0x0d
/** Beyond this many dots one copy costs less than a chunk for each. */
const MAX_CHUNKED_DOTS = 64

/**
 * Chunks that make up the stuffed message and its final dot; views of `message` where few dots are
 * added. `undefined`: a CR or LF stands alone. One linear pass.
 */
export function stuff({ bytes: message, dots: known }: Rendered): Buffer[] | undefined {
  if (!known && !hasWholeLineEnds(message)) return undefined
  const dots = known ?? lineDots(message)
  const end = Buffer.from(isLineEnd(message, message.length) ? '.\r\n' : '\r\n.\r\n')
  if (dots.length > MAX_CHUNKED_DOTS) return [copyStuffed(message, dots), end]
  const chunks: Buffer[] = []
  let from = 0
  for (const dot of dots) {
    if (dot > from) chunks.push(message.subarray(from, dot))
    chunks.push(DOT)
    from = dot
  }
  if (from < message.length) chunks.push(message.subarray(from))
  chunks.push(end)
  return chunks
}

export function hasWholeLineEnds(message: Buffer): boolean {
  // indexOf on a string runs three times as fast as on a Buffer for lines of usual length.
  const text = message.toString('latin1')
  for (let line = 0; ;) {
    const cr = text.indexOf('\r', line)
    const lf = text.indexOf('\n', line)
    if (cr < 0 && lf < 0) return true
    if (lf !== cr + 1 || cr < 0) return false
    line = lf + 1
  }
}

function copyStuffed(message: Buffer, dots: readonly number[]): Buffer {
  const out = Buffer.allocUnsafe(message.length + dots.length)
  let from = 0
  let at = 0
  for (const dot of dots) {
    at += message.copy(out, at, from, dot)
    out[at++] = CODE_DOT
    from = dot
  }
  message.copy(out, at, from)
  return out
}

export function isLineEnd(message: Buffer, at: number): boolean {
  return at === 0 || message[at - 2] === CODE_CR
}
