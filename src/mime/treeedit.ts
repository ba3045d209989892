// Edits of a tree of parts. Each changes what it names: the octets of other parts, and those of delimiter
// lines that stay, remain as they are.
import { trimBlanks } from './blank.ts'
import { holdsDelimiter } from './boundary.ts'
import type { Leaf } from './content.ts'
import { formatValue } from './contenttype.ts'
import { type Field, makeField } from './field.ts'
import { placeField } from './header.ts'
import { describeFields } from './part.ts'
import {
  CRLF,
  makeNode,
  NONE,
  partsOf,
  type PartNode,
  renderBody,
  renderPart,
  replaceBody,
  replacePart,
} from './tree.ts'

/** Gives a boundary that nothing in the message has. */
export type FreshBoundary = () => string

/** An empty container. `type`: `multipart/…`, with or without parameters. */
export function makeContainer(type: string, boundary: string): PartNode {
  const node = makeNode([containerType(type, boundary)], NONE)
  node.container = { boundary, preamble: NONE, children: [], tail: closing(boundary) }
  return node
}

/** Puts `child` before the part at `index`; it must be linked nowhere. False: this is no container. */
export function insertChild(
  parent: PartNode,
  index: number,
  child: PartNode,
  fresh: FreshBoundary,
): boolean {
  const { container } = parent
  if (!container) return false
  const { children, boundary } = container
  const next = children[index]
  const made = Buffer.from(`\r\n--${boundary}\r\n`, 'latin1')
  if (index === 0 && next) {
    child.lead = next.lead
    next.lead = made
  } else {
    child.lead = index === 0 && container.preamble.length === 0 ? made.subarray(2) : made
  }
  if (!next && container.tail.length === 0) container.tail = closing(boundary)
  children.splice(index, 0, child)
  child.parent = parent
  keepApart(child, fresh)
  return true
}

/** Takes a part out of its container, with what is below it. */
export function unlinkNode(node: PartNode): void {
  const children = node.parent?.container?.children
  if (!children) return
  const index = children.indexOf(node)
  const next = children[index + 1]
  if (index === 0 && next) next.lead = node.lead
  children.splice(index, 1)
  node.parent = undefined
  node.lead = NONE
}

/** Gives the part the content that `bytes` hold under its present header. */
export function setContent(node: PartNode, bytes: Buffer, fresh: FreshBoundary): void {
  replaceBody(node, bytes)
  keepApart(node, fresh)
}

/** Makes a leaf of the part, with this header and content. */
export function setLeaf(node: PartNode, { fields, content }: Leaf, fresh: FreshBoundary): void {
  for (const child of node.container?.children ?? []) child.parent = undefined
  node.container = undefined
  node.fields = fields
  node.content = content
  keepApart(node, fresh)
}

/** Makes the part what `bytes` say, header and content. */
export function setPart(node: PartNode, bytes: Buffer, fresh: FreshBoundary): void {
  replacePart(node, bytes)
  keepApart(node, fresh)
}

/** Whether `node` is `other` or stands below it. */
export function isWithin(node: PartNode, other: PartNode): boolean {
  for (let at: PartNode | undefined = node; at; at = at.parent) if (at === other) return true
  return false
}

/** Gives the part another header. A container follows its Content-Type, or is a leaf from then on. */
export function setFields(node: PartNode, fields: readonly Field[], fresh: FreshBoundary): void {
  node.fields = fields
  const { container } = node
  if (!container) return
  const { type } = describeFields(fields).type
  if (!type.startsWith('multipart/')) {
    node.content = renderBody(node)
    node.container = undefined
    for (const child of container.children) child.parent = undefined
    return
  }
  const boundary = trimBlanks(describeFields(fields).type.parameters.get('boundary') ?? '')
  if (boundary === container.boundary) return
  const isTaken = boundary !== '' && holdsDelimiter(renderBody(node), boundary)
  if (boundary) relineContainer(node, isTaken ? fresh() : boundary)
  if (isTaken || !boundary) labelBoundary(node)
}

/**
 * Gives the containers around a part that is new or changed other boundaries, where a line in it would
 * pass for one of their delimiters.
 */
export function keepApart(node: PartNode, fresh: FreshBoundary): void {
  if (!node.parent) return
  const content = renderPart(node)
  const inner = [...partsOf(node)].flatMap(({ container }) => container?.boundary ?? [])
  for (let at: PartNode | undefined = node.parent; at; at = at.parent) {
    const { boundary = '' } = at.container ?? {}
    const isAmbiguous = inner.some((begin) => boundary.startsWith(begin))
    if (!isAmbiguous && !holdsDelimiter(content, boundary)) continue
    relineContainer(at, fresh())
    labelBoundary(at)
  }
}

function containerType(type: string, boundary: string): Field {
  const described = describeFields([makeField('Content-Type', type)])
  const parameters = new Map(described.type.parameters).set('boundary', boundary)
  return makeField('Content-Type', formatValue(described.type.type, parameters))
}

function closing(boundary: string): Buffer {
  return Buffer.from(`\r\n--${boundary}--\r\n`, 'latin1')
}

/** Writes the boundary of a container into its Content-Type. */
function labelBoundary(node: PartNode): void {
  const { type } = describeFields(node.fields)
  const { boundary = '' } = node.container ?? {}
  const parameters = new Map(type.parameters).set('boundary', boundary)
  const field = makeField('Content-Type', formatValue(type.type, parameters))
  node.fields = placeField(node.fields, field)
}

/** Makes all delimiter lines of a container anew. */
function relineContainer({ container }: PartNode, boundary: string): void {
  if (!container) return
  const { boundary: old, children } = container
  const reline = (line: Buffer): Buffer => {
    const start = line[0] === CRLF[0] ? 2 : line[0] === CRLF[1] ? 1 : 0
    const rest = line.subarray(start + 2 + old.length)
    return Buffer.concat([line.subarray(0, start), Buffer.from(`--${boundary}`, 'latin1'), rest])
  }
  for (const child of children) child.lead = reline(child.lead)
  if (container.tail.length > 0) container.tail = reline(container.tail)
  container.boundary = boundary
}
