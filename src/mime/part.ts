// The MIME structure of a message as byte ranges over its body (RFC 2046 §5.1). Nothing is decoded or
// copied. Any bytes give a tree; beyond a limit a container is a leaf, so that nothing in it is touched.
// A delimiter line is `--boundary` or `--boundary--` and blanks, nothing else: with RFC 2046's wish to
// compare only the beginning, a boundary that is the prefix of an inner one would tear that one apart.
import { trimBlanks } from './blank.ts'
import {
  type ContentType,
  type Disposition,
  parseContentType,
  parseDisposition,
} from './contenttype.ts'
import { type Field, fieldValue, splitHeader } from './field.ts'

/** What the header of a part says of its content. */
export interface Description {
  readonly type: ContentType
  /** Content-Transfer-Encoding in lower case; `7bit` when absent. */
  readonly encoding: string
  readonly disposition: Disposition
}

export interface Part extends Description {
  readonly fields: readonly Field[]
  /** Where its header begins in the body; 0 for the root, whose header is elsewhere. */
  readonly headerStart: number
  /** Where its content begins. Equals `end` when it has no empty line, so no place for content. */
  readonly start: number
  /** Where its content ends, before the line end that belongs to the next delimiter. */
  readonly end: number
  readonly children: readonly Part[]
  /** A container that is kept whole because of a limit. */
  readonly isTruncated?: true
}

export interface PartLimits {
  /** Levels below the root. */
  readonly depth: number
  /** Parts in all, the root and containers included. */
  readonly parts: number
}

/** RFC 2046 §5.1.1 allows 70; searching for a very long one costs its length for each octet. */
const MAX_BOUNDARY_OCTETS = 200

export const DEFAULT_PART_LIMITS: PartLimits = { depth: 32, parts: 1000 }

/** What only looked like a delimiter may be this many times as frequent as parts. */
const LOOKALIKES_PER_PART = 100

interface Scan {
  readonly body: Buffer
  readonly limits: PartLimits
  parts: number
  lookalikes: number
}

interface Delimiter {
  /** Where the line end before its line begins. */
  readonly contentEnd: number
  /** Just after its line. */
  readonly end: number
  readonly isClose: boolean
}

const TAB = 9
const LF = 10
const CR = 13
const SPACE = 32
const DASH = 45

/** The root of a message with this header and body. Ranges of children lie within their parent's. */
export function parseParts(
  fields: readonly Field[],
  body: Buffer,
  limits: PartLimits = DEFAULT_PART_LIMITS,
): Part {
  const scan = { body, limits, parts: 1, lookalikes: 0 }
  return partOf(scan, fields, { headerStart: 0, start: 0, end: body.length }, 0, 'text/plain')
}

/** RFC 2046 §5.1.5: the parts of a digest are messages unless they say otherwise. */
export function defaultTypeIn(containerType: string): string {
  return containerType === 'multipart/digest' ? 'message/rfc822' : 'text/plain'
}

/** `defaultType`: what a part without Content-Type is. */
export function describeFields(fields: readonly Field[], defaultType = 'text/plain'): Description {
  return {
    type: parseContentType(valueOf(fields, 'content-type') ?? defaultType),
    encoding: encodingOf(valueOf(fields, 'content-transfer-encoding')),
    disposition: parseDisposition(valueOf(fields, 'content-disposition')),
  }
}

function partOf(
  scan: Scan,
  fields: readonly Field[],
  range: Pick<Part, 'headerStart' | 'start' | 'end'>,
  depth: number,
  defaultType: string,
): Part {
  const leaf = { fields, ...describeFields(fields, defaultType), ...range, children: [] }
  const { type } = leaf
  const boundary = trimBlanks(type.parameters.get('boundary') ?? '')
  if (!boundary || !type.type.startsWith('multipart/')) return leaf
  if (boundary.length > MAX_BOUNDARY_OCTETS) return { ...leaf, isTruncated: true }
  const before = scan.parts
  const children = childrenOf(scan, leaf, boundary, depth + 1)
  if (children) return { ...leaf, children }
  scan.parts = before
  return { ...leaf, isTruncated: true }
}

/** Undefined when a limit is passed. */
function childrenOf(
  scan: Scan,
  parent: Pick<Part, 'start' | 'end' | 'type'>,
  boundary: string,
  depth: number,
): readonly Part[] | undefined {
  const defaultType = defaultTypeIn(parent.type.type)
  const ranges = rangesOf(scan, parent, boundary)
  if (!ranges || (depth > scan.limits.depth && ranges.length > 0)) return undefined
  return ranges.map(({ start, end }) => {
    const { fields, body } = splitHeader(scan.body.subarray(start, end))
    const range = { headerStart: start, start: end - body.length, end }
    return partOf(scan, fields, range, depth, defaultType)
  })
}

/** Header and content of each child, up to the closing delimiter or the end of the parent. */
function rangesOf(
  scan: Scan,
  parent: Pick<Part, 'start' | 'end'>,
  boundary: string,
): readonly { start: number; end: number }[] | undefined {
  const ranges: { start: number; end: number }[] = []
  // Searching stays within the parent: a search to the end of the body, once for each container,
  // would be quadratic.
  const region = scan.body.subarray(parent.start, parent.end)
  const mark = Buffer.from(`--${boundary}`, 'latin1')
  let previous = nextDelimiter(scan, region, mark, 0)
  while (previous && !previous.isClose) {
    if (++scan.parts > scan.limits.parts) return undefined
    const next = nextDelimiter(scan, region, mark, previous.end)
    const end = Math.max(previous.end, next ? next.contentEnd : region.length)
    ranges.push({ start: parent.start + previous.end, end: parent.start + end })
    previous = next
  }
  return scan.lookalikes > scan.limits.parts * LOOKALIKES_PER_PART ? undefined : ranges
}

function nextDelimiter(
  scan: Scan,
  region: Buffer,
  mark: Buffer,
  from: number,
): Delimiter | undefined {
  let start = region.indexOf(mark, from)
  while (start >= 0) {
    const delimiter = delimiterAt(region, mark, start)
    if (delimiter) return delimiter
    if (++scan.lookalikes > scan.limits.parts * LOOKALIKES_PER_PART) return undefined
    const lineEnd = region.indexOf(LF, start)
    if (lineEnd < 0) return undefined
    start = region.indexOf(mark, lineEnd + 1)
  }
  return undefined
}

function delimiterAt(region: Buffer, mark: Buffer, start: number): Delimiter | undefined {
  if (start > 0 && region[start - 1] !== LF) return undefined
  let end = start + mark.length
  const isClose = region[end] === DASH && region[end + 1] === DASH
  if (isClose) end += 2
  while (region[end] === SPACE || region[end] === TAB) end++
  if (region[end] === CR && region[end + 1] === LF) end++
  if (end < region.length && region[end] !== LF) return undefined
  const lineEndBefore = start === 0 ? 0 : region[start - 2] === CR ? 2 : 1
  return {
    contentEnd: start - lineEndBefore,
    end: Math.min(end + 1, region.length),
    isClose,
  }
}

function valueOf(fields: readonly Field[], key: string): string | undefined {
  const field = fields.find((field) => field.key === key)
  return field && fieldValue(field)
}

/** Comments may stand before it (RFC 2045 §6.1); what is there and cannot be read is no encoding that we know. */
function encodingOf(value = ''): string {
  const bare = value.replace(/^(?:\s|\([^()]*\))+/, '')
  const [name] = /^[^\s;()]+/.exec(bare) ?? []
  return name?.toLowerCase() ?? (value.trim() === '' ? '7bit' : 'unreadable')
}
