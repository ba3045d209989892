// The bytes of a copy as it will be sent, without building them: ranges over the data of its message,
// and holes that each recipient fills. This is what the spool stores and what the relay renders, so a
// retry, a restart or an upgrade sends the same bytes. Pure.

/** Octets `start` to `end` of the message's data. */
export type Range = readonly [start: number, end: number]

/**
 * Characters `from` to `to` of the copy's hole text, written as they are (0) or as base64 (1). As base64
 * `from` is a multiple of 3, and so is `to` unless it is the end.
 */
export type Hole = readonly [hole: number, from: number, to: number, encoding: 0 | 1]

export type Piece = Range | Hole

export interface Rendition {
  readonly pieces: readonly Piece[]
  /** ASCII texts of this recipient; `pieces` refer to them by index. */
  readonly holes: readonly string[]
}

/**
 * The data of one received message: the original octets first, contiguous and as received, then the
 * literal octets that its copies add. Grows while the copies are sealed.
 */
export interface MessageData {
  readonly original: Buffer
  /** The range of a slice: of `original` where it is a view of it, else of a literal (stored once). */
  range(bytes: Buffer): Range
  /** Everything, as the spool stores it. */
  bytes(): Buffer
}

export function messageData(original: Buffer): MessageData {
  const literals: Buffer[] = []
  const known = new Map<string, Range>()
  let end = original.length

  const addLiteral = (bytes: Buffer): Range => {
    const key = bytes.toString('latin1')
    const present = known.get(key)
    if (present) return present
    const range: Range = [end, end + bytes.length]
    literals.push(bytes)
    end += bytes.length
    known.set(key, range)
    return range
  }

  return {
    original,
    range(bytes) {
      const start = bytes.byteOffset - original.byteOffset
      const isView =
        bytes.buffer === original.buffer && start >= 0 && start + bytes.length <= original.length
      return isView ? [start, start + bytes.length] : addLiteral(bytes)
    },
    bytes: () => (literals.length ? Buffer.concat([original, ...literals]) : original),
  }
}

/** Appends a piece; adjoining ranges become one. */
export function pushPiece(pieces: Piece[], piece: Piece): void {
  const last = pieces.at(-1)
  if (piece.length === 2 && last?.length === 2 && last[1] === piece[0]) {
    pieces[pieces.length - 1] = [last[0], piece[1]]
  } else if (piece.length === 4 || piece[0] !== piece[1]) {
    pieces.push(piece)
  }
}

/** Octets that `render` will produce. */
export function renderedLength(rendition: Rendition): number {
  let length = 0
  for (const piece of rendition.pieces) length += pieceLength(piece)
  return length
}

/** The copy as it is sent, before dot-stuffing. */
export function render(data: Buffer, rendition: Rendition): Buffer {
  const out = Buffer.allocUnsafe(renderedLength(rendition))
  // Each hole is encoded once; its pieces begin at multiples of 3 characters, so they can be cut out.
  const plain = rendition.holes.map((text) => Buffer.from(text, 'latin1'))
  const encoded: Buffer[] = []
  let at = 0
  for (const piece of rendition.pieces) {
    if (piece.length === 2) {
      at = copyOctets(out, at, data, piece[0], piece[1])
      continue
    }
    const [hole, from, to, encoding] = piece
    const octets = plain[hole] ?? NOTHING
    if (encoding === 0) {
      at = copyOctets(out, at, octets, from, to)
    } else {
      const whole = (encoded[hole] ??= Buffer.from(octets.toString('base64'), 'latin1'))
      at = copyOctets(out, at, whole, (from / 3) * 4, Math.ceil(to / 3) * 4)
    }
  }
  return out
}

const NOTHING = Buffer.alloc(0)
/** Below this, a loop is faster than a call of the runtime: a template has a hundred short pieces. */
const SHORT = 64

function copyOctets(out: Buffer, at: number, source: Buffer, from: number, to: number): number {
  if (to - from > SHORT) return at + source.copy(out, at, from, to)
  for (let i = from; i < to; i++) out[at++] = source[i] ?? 0
  return at
}

function pieceLength(piece: Piece): number {
  if (piece.length === 2) return piece[1] - piece[0]
  const characters = piece[2] - piece[1]
  return piece[3] === 1 ? Math.ceil(characters / 3) * 4 : characters
}
