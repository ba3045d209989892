// Layout of parts without transfer encoding (7bit, 8bit, binary): edits in place.
import { type Edit, type HoleLengths, type Segment, slotLength } from './edit.ts'

export function layoutPlain(raw: Buffer, edits: readonly Edit[], lengths: HoleLengths): Segment[] {
  const segments: Segment[] = []
  let at = 0
  for (const edit of edits) {
    segments.push(raw.subarray(at, edit.start))
    for (const slot of edit.slots) {
      if ('text' in slot) segments.push(slot.text)
      else segments.push({ role: slot.role, from: 0, to: lengths[slot.role], encoding: 0 })
    }
    at = edit.end
  }
  segments.push(raw.subarray(at))
  return segments
}

/** The longest line that an edit would leave behind, without its CRLF. One pass. */
export function longestEditedLine(
  raw: Buffer,
  edits: readonly Edit[],
  lengths: HoleLengths,
): number {
  let longest = 0
  let column = 0
  let at = 0
  const walk = (to: number, isEdited: boolean): void => {
    const gap = raw.subarray(at, to)
    const first = gap.indexOf(LF)
    if (isEdited) {
      const rest = first < 0 ? gap.length : first - (gap[first - 1] === CR ? 1 : 0)
      longest = Math.max(longest, column + rest)
    }
    column = first < 0 ? column + gap.length : gap.length - gap.lastIndexOf(LF) - 1
    at = to
  }
  edits.forEach((edit, i) => {
    walk(edit.start, i > 0)
    for (const slot of edit.slots) column += slotLength(slot, lengths)
    at = edit.end
  })
  walk(raw.length, edits.length > 0)
  return longest
}

const LF = 0x0a
const CR = 0x0d
