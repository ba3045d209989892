// A planned body as pieces over the data of its message: ranges of what was received, literals that the
// edits add, and holes. Made once per length of recipient parts; a part whose layout fails stays as it
// was received.
import { fromBytes } from '../mail/bytes.ts'
import { type MessageData, type Piece, pushPiece } from '../mail/rendition.ts'
import { type Field, makeField } from '../mime/field.ts'
import type { Part } from '../mime/part.ts'
import { encodeQuotedPrintable, mapQuotedPrintable } from '../mime/quotedprintable.ts'
import { layoutBase64 } from './base64layout.ts'
import type { HoleLengths, Segment } from './edit.ts'
import type { Plan, PlannedPart } from './plan.ts'
import { layoutPlain, longestEditedLine } from './plainlayout.ts'
import { layoutQuotedPrintable } from './qplayout.ts'

export interface Template {
  /** Of separator and body. */
  readonly pieces: readonly Piece[]
  /** What becomes of the message's own fields, when its root part was changed. */
  readonly root: 'same' | 'changed' | 'quoted-printable'
  readonly failures: readonly string[]
}

/** RFC 5322 §2.1.1, without CRLF. */
const MAX_LINE_LENGTH = 998
const ENCODING_FIELD = 'Content-Transfer-Encoding'
/** These describe the content as it was. */
const STALE_KEYS: ReadonlySet<string> = new Set(['content-md5', 'content-length'])

export function layOutBody(
  plan: Plan,
  copy: { readonly separator: Buffer; readonly body: Buffer },
  data: MessageData,
  lengths: HoleLengths,
): Template {
  const { body } = copy
  const writer = pieceWriter(plan, data)
  const failures: string[] = []
  let root: Template['root'] = 'same'
  let at = 0

  writer.push(copy.separator)
  for (const planned of plan.parts) {
    if (!planned.edits.length) continue
    const { part, isRoot } = planned.part
    const laidOut = tryLayOut(planned, lengths, failures)
    if (!laidOut) continue
    if (isRoot) root = laidOut.isRecoded ? 'quoted-printable' : 'changed'
    for (const splice of isRoot ? [] : headerSplices(part, body, laidOut.isRecoded)) {
      writer.push(body.subarray(at, splice.start))
      writer.push(splice.text)
      at = splice.end
    }
    writer.push(body.subarray(at, part.start))
    laidOut.segments.forEach(writer.push)
    at = part.end
  }
  writer.push(body.subarray(at))
  return { pieces: writer.end(), root, failures }
}

/** The message's fields when its root part was changed as `root` says. */
export function rootFields(fields: readonly Field[], root: Template['root']): readonly Field[] {
  if (root === 'same') return fields
  const kept = fields.filter((field) => !STALE_KEYS.has(field.key))
  if (root === 'changed') return kept.length === fields.length ? fields : kept
  const encoding = makeField(ENCODING_FIELD, 'quoted-printable')
  const at = kept.findIndex((field) => field.key === encoding.key)
  return at < 0 ? [...kept, encoding] : kept.with(at, encoding)
}

interface LaidOut {
  readonly segments: readonly Segment[]
  /** Encoded as quoted-printable now, because a line would have become too long. */
  readonly isRecoded: boolean
}

function tryLayOut(
  planned: PlannedPart,
  lengths: HoleLengths,
  failures: string[],
): LaidOut | undefined {
  try {
    return layOutPart(planned, lengths)
  } catch (error) {
    failures.push(`${planned.part.name}: ${String(error)}`)
    return undefined
  }
}

function layOutPart({ part, edits }: PlannedPart, lengths: HoleLengths): LaidOut {
  const { raw, encoding } = part
  const quoted = (octets: Buffer, lines?: readonly number[]): Segment[] => {
    const wanted = edits.flatMap(({ start, end }) => [start, end])
    const offsets = mapQuotedPrintable(octets, wanted, lines)
    return layoutQuotedPrintable(octets, edits, offsets, lengths)
  }
  if (encoding === 'base64') {
    return { segments: layoutBase64(raw, part.decoded(), edits, lengths), isRecoded: false }
  }
  if (encoding === 'quoted-printable')
    return { segments: quoted(raw, part.lines), isRecoded: false }
  const isRecoded = encoding === 'plain' && longestEditedLine(raw, edits, lengths) > MAX_LINE_LENGTH
  if (isRecoded) return { segments: quoted(encodeQuotedPrintable(raw)), isRecoded }
  return { segments: layoutPlain(raw, edits, lengths), isRecoded }
}

interface Splice {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** What changes in the header of a part inside the body. */
function headerSplices(part: Part, body: Buffer, isRecoded: boolean): Splice[] {
  const encoding = makeField(ENCODING_FIELD, 'quoted-printable')
  const text = fromBytes(encoding.bytes)
  const splices: Splice[] = []
  let end = part.headerStart
  let isWritten = !isRecoded
  for (const { key, bytes } of part.fields) {
    const start = bytes.byteOffset - body.byteOffset
    end = start + bytes.length
    if (STALE_KEYS.has(key)) splices.push({ start, end, text: '' })
    if (key !== encoding.key || isWritten) continue
    splices.push({ start, end, text })
    isWritten = true
  }
  if (!isWritten) splices.push({ start: end, end, text })
  return splices
}

/** Makes pieces of segments; new octets that adjoin become one literal. */
function pieceWriter({ roles }: Plan, data: MessageData) {
  const pieces: Piece[] = []
  let literal = ''

  const flush = (): void => {
    if (literal) pushPiece(pieces, data.literal(literal))
    literal = ''
  }
  return {
    push(this: void, segment: Segment): void {
      if (typeof segment === 'string') {
        literal += segment
        return
      }
      if ('role' in segment) {
        const { role, from, to, encoding } = segment
        flush()
        pieces.push([roles.indexOf(role), from, to, encoding])
      } else if (segment.length) {
        flush()
        pushPiece(pieces, data.range(segment))
      }
    },
    end(): readonly Piece[] {
      flush()
      return pieces
    },
  }
}
