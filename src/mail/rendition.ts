// The bytes of a copy as it will be sent, without building them: ranges over the data of its message,
// and holes that each recipient fills. This is what the spool stores and what the relay renders, so a
// retry, a restart or an upgrade sends the same bytes. Pure.

import { isCanonical, lineDots } from '../mime/line.ts'

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
  /** The range of a literal, a byte string. */
  literal(octets: string): Range
  sizeBytes(): number
  /** Everything, as the spool stores it. */
  bytes(): Buffer
}

export function messageData(original: Buffer): MessageData {
  /** In the order of their ranges. */
  const literals = new Map<string, Range>()
  let end = original.length

  const literal = (octets: string): Range => {
    const present = literals.get(octets)
    if (present) return present
    const range: Range = [end, end + octets.length]
    end += octets.length
    literals.set(octets, range)
    return range
  }

  return {
    original,
    range(bytes) {
      const start = bytes.byteOffset - original.byteOffset
      const isView =
        bytes.buffer === original.buffer && start >= 0 && start + bytes.length <= original.length
      return isView ? [start, start + bytes.length] : literal(bytes.toString('latin1'))
    },
    literal,
    sizeBytes: () => end,
    bytes() {
      if (literals.size === 0) return original
      const all = Buffer.allocUnsafe(end)
      all.set(original)
      for (const [octets, [at]] of literals) all.write(octets, at, 'latin1')
      return all
    },
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

/** Where the octets of a copy go: `Buffer.allocUnsafe`, or what one has. */
export type Allocate = (octets: number) => Buffer

/** The copy as it is sent, before dot-stuffing. */
export function render(data: Buffer, { pieces, holes }: Rendition, allocate?: Allocate): Buffer {
  const { bytes, places } = layOut(data, pieces, allocate)
  fillHoles(bytes, places, holes)
  return bytes
}

/** A copy as it is sent, before dot-stuffing. */
export interface Rendered {
  readonly bytes: Buffer
  /** Where a dot begins a line, of octets of which every CR and every LF is part of a CRLF; undefined: not known. */
  readonly dots?: readonly number[] | undefined
}

/** Renders copies of one message, of which many have the same list of pieces. */
export type Renderer = (rendition: Rendition, allocate?: Allocate) => Rendered

export function openRenderer(data: Buffer): Renderer {
  const forms = new Map<readonly Piece[], Form>()
  let lastPieces: readonly Piece[] | undefined
  return ({ pieces, holes }, allocate = Buffer.allocUnsafe) => {
    const known = forms.get(pieces)
    const isFirst = lastPieces !== pieces
    lastPieces = pieces
    if (!known && isFirst)
      return { bytes: render(data, { pieces, holes }, allocate), dots: undefined }
    const form = known ?? formOf(data, { pieces, holes })
    if (form.bytes.length > MAX_FORM_BYTES) return { bytes: form.bytes, dots: undefined }
    if (!known && forms.size < MAX_FORMS) forms.set(pieces, form)
    const bytes = allocate(form.bytes.length)
    bytes.set(form.bytes)
    fillHoles(bytes, form.places, holes)
    return { bytes, dots: dotsOf(form, bytes, holes) }
  }
}

/** What all copies of a list of pieces have, and for each hole: place, index and encoding, from, to. */
interface Form {
  readonly bytes: Buffer
  readonly places: readonly number[]
  /** Of its first copy. Others differ in holes only, which are as long: theirs are, if the text in the holes is. */
  readonly isCanonical: boolean
  /** Some text of a hole begins a line. */
  readonly beginsLine: boolean
  /** Dots that begin a line whatever the holes hold. */
  readonly dots: readonly number[]
}

/** Beyond, copying takes all the time. */
const MAX_FORM_BYTES = 256 * 1024
const MAX_FORMS = 4
const NOTHING = Buffer.alloc(0)
const LF = 10
const DOT = 46
/** Below this, a loop is faster than a call of the runtime: a template has a hundred short pieces. */
const SHORT = 64

/** With the holes of one copy filled. */
function formOf(data: Buffer, { pieces, holes }: Rendition): Form {
  const { bytes, places } = layOut(data, pieces)
  fillHoles(bytes, places, holes)
  const dots = new Set(lineDots(bytes))
  let beginsLine = false
  forEachPlace(places, (_, at, end) => {
    beginsLine ||= isLineStart(bytes, at)
    for (let i = at; i <= end; i++) dots.delete(i)
  })
  return {
    bytes,
    places,
    beginsLine,
    isCanonical: holes.every(isCanonicalText) && isCanonical(bytes),
    dots: [...dots],
  }
}

/** As in `Rendered`: the form's, and those that the copy's own text brings. */
function dotsOf(
  { isCanonical: isSound, beginsLine, places, dots }: Form,
  bytes: Buffer,
  holes: readonly string[],
): readonly number[] | undefined {
  if (!isSound || !holes.every(isCanonicalText)) return undefined
  const hasLines = holes.map(hasLineEnd)
  if (!beginsLine && !hasLines.includes(true)) return dots
  const own = new Set<number>()
  forEachPlace(places, (hole, at, end) => {
    const last = hasLines[hole] ? end : at
    for (let i = at; i <= last; i++) if (bytes[i] === DOT && isLineStart(bytes, i)) own.add(i)
  })
  return own.size > 0 ? [...dots, ...own].sort((a, b) => a - b) : dots
}

/** Octets `at` to `end` of a copy are of this hole, as they are: base64 has neither dots nor line ends. */
function forEachPlace(
  places: readonly number[],
  task: (hole: number, at: number, end: number) => void,
): void {
  for (let i = 0; i < places.length; i += 4) {
    const at = places[i] ?? 0
    const which = places[i + 1] ?? 0
    if (which % 2 === 0) task(which >> 1, at, at + (places[i + 3] ?? 0) - (places[i + 2] ?? 0))
  }
}

function isLineStart(bytes: Buffer, at: number): boolean {
  return at === 0 || bytes[at - 1] === LF
}

function isCanonicalText(text: string): boolean {
  return !hasLineEnd(text) || isCanonical(Buffer.from(text, 'latin1'))
}

function hasLineEnd(text: string): boolean {
  return text.includes('\n') || text.includes('\r')
}

/** In octets of the encoded hole; its index and encoding are one number. */
function layOut(
  data: Buffer,
  pieces: readonly Piece[],
  allocate: Allocate = Buffer.allocUnsafe,
): Pick<Form, 'bytes' | 'places'> {
  const bytes = allocate(renderedLength({ pieces, holes: [] }))
  const places: number[] = []
  let at = 0
  for (const piece of pieces) {
    if (piece.length === 2) {
      copyOctets(bytes, at, data, piece[0], piece[1])
    } else {
      const [hole, from, to, encoding] = piece
      if (encoding === 0) places.push(at, hole * 2, from, to)
      else places.push(at, hole * 2 + 1, (from / 3) * 4, Math.ceil(to / 3) * 4)
    }
    at += pieceLength(piece)
  }
  return { bytes, places }
}

/** Each hole is encoded once; its pieces begin at multiples of 3 characters, so they can be cut out. */
function fillHoles(bytes: Buffer, places: readonly number[], holes: readonly string[]): void {
  const texts: Buffer[] = []
  for (let i = 0; i < places.length; i += 4) {
    const which = places[i + 1] ?? 0
    const text = (texts[which] ??= encodedHole(holes[which >> 1], which % 2))
    copyOctets(bytes, places[i] ?? 0, text, places[i + 2] ?? 0, places[i + 3] ?? 0)
  }
}

function encodedHole(text: string | undefined, encoding: number): Buffer {
  if (text === undefined) return NOTHING
  const octets = Buffer.from(text, 'latin1')
  return encoding === 0 ? octets : Buffer.from(octets.toString('base64'), 'latin1')
}

function copyOctets(out: Buffer, at: number, source: Buffer, from: number, to: number): void {
  if (to - from > SHORT) source.copy(out, at, from, to)
  else for (let i = from; i < to; i++) out[at++] = source[i] ?? 0
}

function pieceLength(piece: Piece): number {
  if (piece.length === 2) return piece[1] - piece[0]
  const characters = piece[2] - piece[1]
  return piece[3] === 1 ? Math.ceil(characters / 3) * 4 : characters
}
