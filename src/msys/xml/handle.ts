// Documents and nodes as Lua holds them, and how they come from and go to octets.
import { chargeTicks } from '../../lua/budget.ts'
import type { LuaValue } from '../../lua/value.ts'
import { fromText, toText } from '../../mail/bytes.ts'
import { toUtf8 } from '../../mime/charset.ts'
import type { ApiObject } from '../handle.ts'
import type { Runtime } from '../runtime.ts'
import { type Document, type Node, parseXml } from './dom.ts'
import { childrenOf, printXml } from './print.ts'

export interface XmlDocument extends ApiObject {
  readonly kind: 'xml_document'
  readonly document: Document
}

export interface XmlNode extends ApiObject {
  readonly kind: 'xml_node'
  readonly node: Node
}

/** Throws XmlError. */
export function readDocument(octets: string, keepsBlanks: boolean): Document {
  // The parser does some ten steps for an octet.
  chargeTicks(octets.length)
  const document = parseXml(textOf(octets))
  if (!keepsBlanks) dropBlanks(document)
  return document
}

/** One handle for a node, so that the same node is the same userdata. */
const handles = new WeakMap<Node, XmlNode | XmlDocument>()

export function handleOf(node: Node, kind: 'xml_node' | 'xml_document'): XmlNode | XmlDocument {
  const known = handles.get(node)
  if (known !== undefined) return known
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a document is asked for by its kind
  const made: XmlNode | XmlDocument =
    kind === 'xml_node' ? { kind, node } : { kind, document: node as Document }
  handles.set(node, made)
  return made
}

export function wrapNode(node: Node | null, { wrap }: Runtime): LuaValue {
  return node === null ? undefined : wrap(handleOf(node, 'xml_node'))
}

export function iterator(name: string, nodes: Iterator<Node>, runtime: Runtime): LuaValue {
  return runtime.newFunction(name, () => {
    const next = nodes.next()
    return next.done ? undefined : wrapNode(next.value, runtime)
  })
}

export function printed(node: Node): string {
  const text = fromText(printXml(node))
  chargeTicks(text.length >> 3)
  return text
}

/** The text of a document, in the charset that it declares. */
function textOf(octets: string): string {
  const label = /^<\?xml[^>]*?encoding\s*=\s*["']([\w.-]+)/.exec(octets.slice(0, 200))?.[1]
  return toText(toUtf8(octets.replace(/^\xef\xbb\xbf/, ''), label ?? 'utf-8'))
}

/** Blanks between elements; those beside text stay. */
function dropBlanks(node: Node): void {
  const children = childrenOf(node)
  const isMixed = children.some(
    (child) => child.nodeName === '#text' && /\S/.test(child.nodeValue ?? ''),
  )
  const hasOthers = children.some(({ nodeName }) => nodeName !== '#text')
  for (const child of children) {
    if (child.nodeName !== '#text') dropBlanks(child)
    else if (!isMixed && hasOthers) node.removeChild(child)
  }
}
