// The pieces of a rendition as text: apart by blanks, numbers in base 36. A range is its distance from the
// end of the range before, then its length, as in `0.nm -2.1c`; a hole is `~` with its four numbers. Pure.
import type { Piece } from '../mail/rendition.ts'

export function packPieces(pieces: readonly Piece[]): string {
  let last = 0
  return pieces
    .map((piece) => {
      if (piece.length === 4) return `~${piece.map((number) => number.toString(36)).join('.')}`
      const [start, end] = piece
      const text = `${(start - last).toString(36)}.${(end - start).toString(36)}`
      last = end
      return text
    })
    .join(' ')
}

/** Throws when it is not what `packPieces` gives. */
export function unpackPieces(text: string): Piece[] {
  if (text === '') return []
  let last = 0
  return text.split(' ').map((word): Piece => {
    const isHole = word.startsWith('~')
    const [a, b, c, d] = (isHole ? word.slice(1) : word)
      .split('.')
      .map((part) => parseInt(part, 36))
    if (isHole) return [known(a), known(b), known(c), d === 1 ? 1 : 0]
    const start = last + known(a)
    last = start + known(b)
    return [start, last]
  })
}

function known(number: number | undefined): number {
  if (number === undefined || Number.isNaN(number)) throw new Error('not a list of pieces')
  return number
}
