// Layout of quoted-printable parts (RFC 2045 §6.7): only what an edit adds is encoded; all other octets,
// soft line breaks included, stay as they were. What is added is folded by soft line breaks so that no
// line is longer than 76; our URLs hold no `=`, so a hole may be cut anywhere.
import type { Edit, HoleLengths, Segment, Slot } from './edit.ts'

/** `offsets`: start and end of each edit in `raw`, two per edit. */
export function layoutQuotedPrintable(
  raw: Buffer,
  edits: readonly Edit[],
  offsets: readonly number[],
  lengths: HoleLengths,
): Segment[] {
  const writer = foldingWriter(lengths)
  let at = 0
  for (let i = 0; i <= edits.length; i++) {
    const edit = edits[i]
    const to = edit ? (offsets[2 * i] ?? raw.length) : raw.length
    writer.copy(raw.subarray(at, to), i > 0, edit !== undefined)
    // A `=` at the very end vanishes: so that it still does, it becomes a soft line break.
    if (edit && to === raw.length && /=[ \t]*$/.test(raw.toString('latin1', at))) writer.endLine()
    for (const slot of edit?.slots ?? []) writer.add(slot)
    at = offsets[2 * i + 1] ?? raw.length
  }
  return writer.segments
}

/** The last place not behind `at` that is not inside an escape; `text` has no other `=`. */
function cutBefore(text: string, at: number): number {
  if (at >= text.length) return text.length
  const escape = text.lastIndexOf('=', at - 1)
  return escape >= 0 && at - escape < 3 ? escape : at
}

const MAX_LINE = 76
const SOFT_BREAK = '=\r\n'
const LF = 0x0a
const EQUALS = 0x3d

function foldingWriter(lengths: HoleLengths) {
  const segments: Segment[] = []
  let column = 0

  const breakLine = (): void => {
    segments.push(SOFT_BREAK)
    column = 0
  }
  /** Room on this line when a soft line break may have to follow. */
  const room = (): number => MAX_LINE - 1 - column

  const addText = (text: string): void => {
    const encoded = text.replaceAll('=', '=3D')
    for (let at = 0; at < encoded.length;) {
      const end = cutBefore(encoded, at + Math.max(room(), 0))
      if (end > at) segments.push(encoded.slice(at, end))
      column += Math.max(end - at, 0)
      at = Math.max(end, at)
      if (at < encoded.length) breakLine()
    }
  }

  return {
    segments,

    /** The line break behind a `=` that stands there. */
    endLine(): void {
      segments.push('\r\n')
      column = 0
    },

    /** Octets as they were; a line that an edit began is broken where they would not fit. */
    copy(octets: Buffer, isEditedLine: boolean, isEditedNext: boolean): void {
      const first = octets.indexOf(LF)
      const isWhole = first >= 0 || !isEditedNext
      const head = first < 0 ? octets.length : first - 1
      if (isEditedLine && head > 0 && head > (isWhole ? MAX_LINE - column : room())) breakLine()
      column = first < 0 ? column + octets.length : octets.length - octets.lastIndexOf(LF) - 1
      if (!isEditedNext || room() >= 0) return void segments.push(octets)
      // A full line has no room for the `=` of a soft line break: its last character moves down.
      const last = octets.at(-3) === EQUALS ? 3 : 1
      segments.push(octets.subarray(0, -last))
      breakLine()
      segments.push(octets.subarray(-last))
      column = last
    },

    add(slot: Slot): void {
      if ('text' in slot) return addText(slot.text)
      const length = lengths[slot.role]
      for (let from = 0; from < length;) {
        if (room() <= 0) breakLine()
        const to = Math.min(length, from + room())
        segments.push({ role: slot.role, from, to, encoding: 0 })
        column += to - from
        from = to
      }
    },
  }
}
