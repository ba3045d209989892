// A message as it travels: behind DATA, with dots and an end, or as one chunk that says its size (RFC 3030), as it is.
// Messages are CRLF-canonical when they get here; one with a CR or LF that stands alone is refused, because peers
// disagree about where its lines end.
import type { Rendered } from '../mail/rendition.ts'
import { hasWholeLineEnds, isLineEnd, stuff } from './dotstuffing.ts'

export interface Body {
  readonly command: string
  readonly pieces: readonly Buffer[]
  /** The pieces follow the command without waiting for its reply. */
  readonly isChunk: boolean
}

const CRLF = Buffer.from('\r\n')

/** Undefined: a CR or LF stands alone. */
export function bodyOf(rendered: Rendered, isChunk: boolean): Body | undefined {
  if (isChunk) return chunkOf(rendered)
  const pieces = stuff(rendered)
  return pieces && { command: 'DATA\r\n', pieces, isChunk }
}

function chunkOf({ bytes, dots }: Rendered): Body | undefined {
  if (!dots && !hasWholeLineEnds(bytes)) return undefined
  // Servers are known that wait for more after a last line without an end.
  const pieces = isLineEnd(bytes, bytes.length) ? [bytes] : [bytes, CRLF]
  const size = pieces.reduce((sum, { length }) => sum + length, 0)
  return { command: `BDAT ${size} LAST\r\n`, pieces, isChunk: true }
}
