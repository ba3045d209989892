// Layout of base64 parts (RFC 2045 §6.8). Holes begin at a multiple of 3 octets and are as long, so each
// recipient's text encodes by itself. Where text moves by multiples of 3, and the plan pads its URLs so
// that it does, what lies between the edits is copied as it was received; else it is encoded anew.
// Lines are at most 76 characters.
import type { Edit, HoleLengths, Segment, Slot } from './edit.ts'

/** Throws if a hole is not aligned. */
export function layoutBase64(
  raw: Buffer,
  decoded: Buffer,
  edits: readonly Edit[],
  lengths: HoleLengths,
): Segment[] {
  const writer = lineWriter(lengths)
  const end = trimmedEnd(raw)
  const lineLength = regularLineLength(raw, end)
  let at = 0
  let shift = 0

  const copy = (to: number): void => {
    const first = Math.ceil(at / 3) * 3
    const last = Math.floor(to / 3) * 3
    if (!lineLength || shift % 3 || last - first < MIN_COPIED) {
      writer.octets(decoded.subarray(at, to))
      return
    }
    writer.octets(decoded.subarray(at, first))
    writer.lines(raw, (first / 3) * 4, (last / 3) * 4, lineLength)
    writer.octets(decoded.subarray(last, to))
  }

  for (const edit of edits) {
    copy(edit.start)
    for (const slot of edit.slots) {
      writer.slot(slot)
      if ('text' in slot) shift += slot.text.length
    }
    shift += edit.start - edit.end
    at = edit.end
  }
  copy(decoded.length)
  return [...writer.end(), raw.subarray(end)]
}

const MAX_LINE = 76
/** Octets between two edits that are worth a piece of their own. */
const MIN_COPIED = 114
const CR = 0x0d
const LF = 0x0a

function lineWriter(lengths: HoleLengths) {
  const segments: Segment[] = []
  let pending: Buffer[] = []
  let column = 0

  const breakLine = (): string => {
    column = 0
    return '\r\n'
  }
  const flush = (): void => {
    const encoded = Buffer.concat(pending).toString('base64')
    pending = []
    let text = ''
    for (let from = 0; from < encoded.length;) {
      if (column >= MAX_LINE) text += breakLine()
      const to = Math.min(encoded.length, from + MAX_LINE - column)
      text += encoded.slice(from, to)
      column += to - from
      from = to
    }
    segments.push(text)
  }
  const align = (): void => {
    if (pending.reduce((sum, each) => sum + each.length, 0) % 3) throw new Error('not aligned')
    flush()
  }

  return {
    octets: (octets: Buffer): void => void pending.push(octets),

    /** Characters `from` to `to` of `raw` with the line breaks between them, which are not counted. */
    lines(raw: Buffer, from: number, to: number, lineLength: number): void {
      align()
      const place = (character: number): number =>
        character + 2 * Math.floor(character / lineLength)
      const head = Math.min(to - from, lineLength - (from % lineLength))
      if (column + head > MAX_LINE) segments.push(breakLine())
      // Without the line break behind a full last line: there may be none, or nothing may follow it.
      segments.push(raw.subarray(place(from), place(to - 1) + 1))
      column = head < to - from ? to % lineLength || lineLength : column + head
    },

    slot(slot: Slot): void {
      if ('text' in slot) return void pending.push(Buffer.from(slot.text, 'latin1'))
      const length = lengths[slot.role]
      if (length % 3) throw new Error('not aligned')
      align()
      for (let from = 0; from < length;) {
        if (column >= MAX_LINE) segments.push(breakLine())
        const to = Math.min(length, from + ((MAX_LINE - column) / 4) * 3)
        segments.push({ role: slot.role, from, to, encoding: 1 })
        column += ((to - from) / 3) * 4
        from = to
      }
    },

    end(): Segment[] {
      flush()
      return segments
    },
  }
}

/** Characters in every line but the last, at most 76; 0 when lines differ or hold anything else. */
function regularLineLength(raw: Buffer, end: number): number {
  const first = raw.indexOf(CR)
  const length = first < 0 || first > end ? MAX_LINE : first
  if (length === 0 || length % 4 || length > MAX_LINE) return 0
  for (let start = 0; start < end; start += length + 2) {
    const lineEnd = Math.min(start + length, end)
    for (let at = start; at < lineEnd; at++) if ((raw[at] ?? 0) <= 0x20) return 0
    if (lineEnd < end && (raw[lineEnd] !== CR || raw[lineEnd + 1] !== LF)) return 0
  }
  return length
}

/** Where the line breaks behind the last character begin. */
function trimmedEnd(raw: Buffer): number {
  let end = raw.length
  while (end > 0 && (raw[end - 1] ?? 0) <= 0x20) end--
  return end
}
