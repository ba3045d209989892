// The MIME structure of a message as a tree that can be edited. What nobody edits keeps its octets, the
// delimiter lines between parts included: `renderTree` joins views of the message and what is new.
// A limit that the parser knows (mime/part.ts) leaves a container whole: it is a leaf here.
import { trimBlanks } from './blank.ts'
import { type Field, type Split, splitHeader } from './field.ts'
import { defaultTypeIn, type Description, describeFields, type Part, parseParts } from './part.ts'

/** A part. Its place in a container is changed by the functions of mime/treeedit.ts only. */
export interface PartNode {
  fields: readonly Field[]
  /** The empty line after the header; no octets when the part ends with its header. */
  separator: Buffer
  /** Without transfer decoding; no octets in a container. */
  content: Buffer
  container: Container | undefined
  parent: PartNode | undefined
  /** The delimiter line before it, with the line end that belongs to it. */
  lead: Buffer
}

export interface Container {
  boundary: string
  /** What stands before the first delimiter. */
  preamble: Buffer
  readonly children: PartNode[]
  /** The closing delimiter and what follows it; no octets when nothing closes it. */
  tail: Buffer
}

/** The root of a message, or of any other bytes that have a header. */
export function plantTree({ fields, separator, body }: Split): PartNode {
  return nodeOf(parseParts(fields, body), body, separator)
}

/** Header, empty line and body of a message whose root this is. */
export function renderTree(root: PartNode): Split {
  const { fields, separator } = root
  const body = renderBody(root)
  if (separator.length > 0 || body.length === 0) return { fields, separator, body }
  const last = fields.at(-1)
  const isOpen = last !== undefined && last.bytes.at(-1) !== LF
  return { fields, separator: isOpen ? Buffer.concat([CRLF, CRLF]) : CRLF, body }
}

/** Everything after the header of a part and its empty line. */
export function renderBody(node: PartNode): Buffer {
  if (!node.container) return node.content
  const writer = openWriter()
  writeBody(node, writer)
  return writer.bytes()
}

/** Header and content of a part, as it stands between delimiters. */
export function renderPart(node: PartNode): Buffer {
  const writer = openWriter()
  writePart(node, writer)
  return writer.bytes()
}

/** What its header says of its content. */
export function describeNode({ fields, parent }: PartNode): Description {
  const container = parent && describeFields(parent.fields).type.type
  return describeFields(fields, container && defaultTypeIn(container))
}

/** The next part in depth-first order below `root`: children before siblings. */
export function nextInThread(node: PartNode): PartNode | undefined {
  const first = node.container?.children[0]
  if (first) return first
  let at = node
  for (;;) {
    const sibling = nextSibling(at)
    if (sibling) return sibling
    if (!at.parent) return undefined
    at = at.parent
  }
}

export function nextSibling(node: PartNode): PartNode | undefined {
  const siblings = node.parent?.container?.children
  return siblings?.[siblings.indexOf(node) + 1]
}

/** The part and all parts below it, in depth-first order. */
export function* partsOf(root: PartNode): Generator<PartNode> {
  yield root
  for (const child of root.container?.children ?? []) yield* partsOf(child)
}

/** A part of its own: `content` is as it will be sent. */
export function makeNode(fields: readonly Field[], content: Buffer): PartNode {
  return { fields, separator: CRLF, content, container: undefined, parent: undefined, lead: NONE }
}

/** Gives the part the content that `bytes` hold under its present header. */
export function replaceBody(node: PartNode, bytes: Buffer): void {
  const parsed = plantTree({ fields: node.fields, separator: CRLF, body: bytes })
  adopt(node, parsed)
}

/** Makes the part what `bytes` say, header and content. */
export function replacePart(node: PartNode, bytes: Buffer): void {
  const split = splitHeader(bytes)
  adopt(node, plantTree(split))
  node.fields = split.fields
  node.separator = split.separator
}

export const CRLF = Buffer.from('\r\n')
export const NONE = Buffer.alloc(0)

const LF = 10
const CR = 13

function adopt(node: PartNode, { content, container }: PartNode): void {
  for (const child of node.container?.children ?? []) child.parent = undefined
  node.content = content
  node.container = container
  for (const child of container?.children ?? []) child.parent = node
}

function nodeOf(part: Part, body: Buffer, separator: Buffer): PartNode {
  const { fields, start, end, children, type } = part
  const node: PartNode = {
    fields,
    separator,
    content: children.length > 0 ? NONE : body.subarray(start, end),
    container: undefined,
    parent: undefined,
    lead: NONE,
  }
  const [first] = children
  if (!first) return node
  const firstLead = delimiterStart(body, start, first.headerStart)
  const container: Container = {
    boundary: trimBlanks(type.parameters.get('boundary') ?? ''),
    preamble: body.subarray(start, firstLead),
    children: [],
    tail: body.subarray(children.at(-1)?.end, end),
  }
  let at = firstLead
  for (const child of children) {
    const header = child.fields.reduce((sum, { bytes }) => sum + bytes.length, child.headerStart)
    const made = nodeOf(child, body, body.subarray(header, child.start))
    made.parent = node
    made.lead = body.subarray(at, child.headerStart)
    at = child.end
    container.children.push(made)
  }
  node.container = container
  return node
}

/** Where the delimiter line that ends at `end` begins, with the line end before it. */
function delimiterStart(body: Buffer, start: number, end: number): number {
  const lineEnd = body[end - 1] === LF ? end - 2 : end - 1
  const before = lineEnd < start ? -1 : body.lastIndexOf(LF, lineEnd)
  if (before < start) return start
  return before > start && body[before - 1] === CR ? before - 1 : before
}

interface Writer {
  push(bytes: Buffer): void
  /** A delimiter line begins a line of its own. */
  pushDelimiter(bytes: Buffer): void
  endLine(): void
  /** The content of a container begins here. */
  start(): void
  bytes(): Buffer
}

function openWriter(): Writer {
  const pieces: Buffer[] = []
  let last = LF
  // A delimiter at the very end of a message need not end its line; once something follows, it must.
  let isOpen = false
  // Whether a delimiter may stand here: the line end before it is not that of any content.
  let isStart = true
  const add = (bytes: Buffer): void => {
    pieces.push(bytes)
    last = bytes.at(-1) ?? LF
    isOpen = false
    isStart = false
  }
  const endLine = (): void => {
    if (last !== LF) add(CRLF)
  }
  return {
    endLine,
    start: () => void (isStart = true),
    push(bytes) {
      if (bytes.length === 0) return
      if (isOpen) endLine()
      add(bytes)
    },
    pushDelimiter(bytes) {
      if (bytes.length === 0) return
      if (bytes[0] !== CR && bytes[0] !== LF && !isStart) add(CRLF)
      add(bytes)
      isOpen = last !== LF
      isStart = true
    },
    bytes: () => Buffer.concat(pieces),
  }
}

function writePart(node: PartNode, writer: Writer): void {
  for (const { bytes } of node.fields) writer.push(bytes)
  writer.push(node.separator)
  const hasContent = node.container !== undefined || node.content.length > 0
  if (hasContent && node.separator.length === 0) {
    writer.endLine()
    writer.push(CRLF)
  }
  writeBody(node, writer)
}

function writeBody({ content, container }: PartNode, writer: Writer): void {
  writer.push(content)
  if (!container) return
  writer.start()
  writer.push(container.preamble)
  for (const child of container.children) {
    writer.pushDelimiter(child.lead)
    writePart(child, writer)
  }
  writer.pushDelimiter(container.tail)
}
