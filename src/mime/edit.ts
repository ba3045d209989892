// Edits: ranges of octets to be replaced. They are the only way in which mail is changed, so that what
// lies outside them stays as it came.

export interface Edit {
  readonly start: number
  readonly end: number
  /** What stands there afterwards. */
  readonly bytes: Buffer
}

/**
 * The bytes with `edits` applied; the very same buffer when there are none. Edits are ascending and do
 * not overlap; two at the same empty place stand in their order. Anything else is a bug and throws.
 */
export function applyEdits(bytes: Buffer, edits: readonly Edit[]): Buffer {
  if (edits.length === 0) return bytes
  const pieces: Buffer[] = []
  let at = 0
  for (const { start, end, bytes: replacement } of edits) {
    if (!(at <= start && start <= end && end <= bytes.length)) {
      throw new RangeError(
        `edit ${start}-${end} overlaps or is out of range (${at}-${bytes.length})`,
      )
    }
    pieces.push(bytes.subarray(at, start), replacement)
    at = end
  }
  pieces.push(bytes.subarray(at))
  return Buffer.concat(pieces)
}
