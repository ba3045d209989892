// `xml` in Lua: documents and nodes. Momentum manual pages "lua.ref.xml.parsexml" … "lua.ref.xml.node_unlink".
import { chargeTicks } from '../../lua/budget.ts'
import { LuaCallError } from '../../lua/error.ts'
import { type LuaValue, multiple } from '../../lua/value.ts'
import { fromText, toText } from '../../mail/bytes.ts'
import { declare } from '../declaration.ts'
import {
  any,
  asObject,
  asString,
  number,
  object,
  optional,
  string,
  typeName,
} from '../parameter.ts'
import type { Runtime } from '../runtime.ts'
import type { ClassShape } from '../shape.ts'
import { type Element, emptyDocument, type Node, selectNodes, XmlError } from './dom.ts'
import {
  handleOf,
  iterator,
  printed,
  readDocument,
  wrapNode,
  type XmlDocument,
  type XmlNode,
} from './handle.ts'
import { childrenOf } from './print.ts'

const fn = declare<undefined>()
const docMethod = declare<XmlDocument>()
const nodeMethod = declare<XmlNode>()

const ELEMENT = 1
const NODE_NAMES: Readonly<Record<string, string>> = { '#text': 'text', '#comment': 'comment' }
const NAME = /^[A-Za-z_:\u0080-\uffff][-\w.:\u0080-\uffff]*$/

export const XML_FUNCTIONS = [
  fn(
    'xml.parsexml',
    [string('text'), optional(number('keep_blanks'), 0)],
    {
      result: 'doc | nil, error',
      tier: 2,
      doc: 'reads XML; blanks between elements are dropped unless `keep_blanks` is 1',
      differs: 'entities cannot be declared; at most 1 MB and 256 levels',
    },
    (_, [text, keepBlanks], { wrap }) => {
      return attempt(() => wrap(handleOf(readDocument(text, keepBlanks !== 0), 'xml_document')))
    },
  ),
  fn(
    'xml.newnode',
    [string('name')],
    { result: 'node', tier: 2, doc: 'a node that belongs to no document yet' },
    (_, [name], runtime) => {
      const element = emptyDocument().createElement(nameOf('xml.newnode', name))
      return wrapNode(element, runtime)
    },
  ),
]

export const XML_DOCUMENT: ClassShape<XmlDocument> = {
  kind: 'xml_document',
  className: 'libxml2:xmlDocPtr',
  prefix: 'doc',
  methods: [
    docMethod(
      'doc:root',
      [],
      { result: 'node', tier: 2, doc: 'the root node' },
      (self, _, runtime) => wrapNode(self.document.documentElement, runtime),
    ),
    docMethod(
      'doc:tostring',
      [],
      { result: 'string', tier: 2, doc: 'the document as text' },
      ({ document }) => printed(document),
    ),
    docMethod(
      'doc:xpath',
      [string('query'), optional(object<XmlNode>('context', 'xml_node'))],
      { result: 'iterator', tier: 2, doc: 'the nodes that a query finds' },
      ({ document }, [query, context], runtime) => {
        try {
          const found = selectNodes(toText(query), context?.node ?? document)
          chargeTicks(found.length)
          return iterator('doc:xpath', found.values(), runtime)
        } catch (error) {
          if (error instanceof XmlError) throw new LuaCallError(`doc:xpath: ${error.message}`)
          throw error
        }
      },
    ),
  ],
  fields: [],
  text: ({ document }) => printed(document),
}

export const XML_NODE: ClassShape<XmlNode> = {
  kind: 'xml_node',
  className: 'libxml2:xmlNodePtr',
  prefix: 'node',
  methods: [
    ...(['node:attribute', 'node:attr'] as const).map((name) =>
      nodeMethod(
        name,
        [string('name'), any('value')],
        {
          result: 'string | nil',
          tier: 2,
          doc: 'an attribute; with a value sets it, with nil removes it',
        },
        (self, [key, value], _, count) => {
          const element = elementOf(name, self)
          const attribute = nameOf(name, key)
          if (count < 2) {
            const found = element.getAttribute(attribute)
            return found === null ? undefined : fromText(found)
          }
          if (value === undefined) element.removeAttribute(attribute)
          else element.setAttribute(attribute, toText(valueOf(name, value)))
          return undefined
        },
      ),
    ),
    nodeMethod(
      'node:addchild',
      [any('child')],
      { result: 'node', tier: 2, doc: 'adds a node, or a new one of that name' },
      (self, [child], runtime) => addChild(elementOf('node:addchild', self), child, runtime),
    ),
    nodeMethod(
      'node:children',
      [],
      { result: 'iterator', tier: 2, doc: 'the children, texts among them' },
      ({ node }, _, runtime) => iterator('node:children', childrenOf(node).values(), runtime),
    ),
    nodeMethod(
      'node:contents',
      [optional(string('text'))],
      { result: 'string', tier: 2, doc: 'the text; sets it' },
      ({ node }, [text]) => {
        if (text === undefined) return fromText(node.textContent ?? '')
        node.textContent = toText(text)
        return undefined
      },
    ),
    nodeMethod(
      'node:copy',
      [],
      { result: 'node', tier: 2, doc: 'a copy with all below it' },
      ({ node }, _, runtime) => wrapNode(node.cloneNode(true), runtime),
    ),
    nodeMethod(
      'node:doc',
      [],
      { result: 'doc', tier: 2, doc: 'its document' },
      ({ node }, _, { wrap }) => {
        const document = node.ownerDocument
        return document === null ? undefined : wrap(handleOf(document, 'xml_document'))
      },
    ),
    nodeMethod(
      'node:name',
      [],
      { result: 'string', tier: 2, doc: 'its name; `text` for text' },
      ({ node }) => fromText(NODE_NAMES[node.nodeName] ?? node.nodeName),
    ),
    nodeMethod(
      'node:tostring',
      [],
      { result: 'string', tier: 2, doc: 'the node as text' },
      ({ node }) => printed(node),
    ),
    nodeMethod(
      'node:unlink',
      [],
      { result: 'node', tier: 2, doc: 'takes the node out of its document' },
      ({ node }, _, runtime) => {
        node.parentNode?.removeChild(node)
        return wrapNode(node, runtime)
      },
    ),
  ],
  fields: [],
  text: ({ node }) => printed(node),
}

function addChild(parent: Element, child: LuaValue, runtime: Runtime): LuaValue {
  const name = asString(child)
  const given = asObject<XmlNode>(child, 'xml_node')?.node
  if (name === undefined && given === undefined) {
    throw new LuaCallError(
      `node:addchild: bad argument #1 (string or node expected, got ${typeName(child)}): child`,
    )
  }
  const document = parent.ownerDocument
  const node =
    given ?? document?.createElementNS(parent.namespaceURI, nameOf('node:addchild', name ?? ''))
  if (node === undefined) return undefined
  for (let above: Node | null = parent; above !== null; above = above.parentNode) {
    if (above === node) throw new LuaCallError('node:addchild: a node cannot be put into itself')
  }
  node.parentNode?.removeChild(node)
  parent.appendChild(node)
  return wrapNode(node, runtime)
}

function elementOf(name: string, { node }: XmlNode): Element {
  if (node.nodeType === ELEMENT) return node as Element
  throw new LuaCallError(`${name}: the node is no element`)
}

function nameOf(caller: string, name: string): string {
  const text = toText(name)
  if (!NAME.test(text)) throw new LuaCallError(`${caller}: bad argument #1 (not a name)`)
  return text
}

function valueOf(caller: string, value: LuaValue): string {
  const text = asString(value)
  if (text !== undefined) return text
  throw new LuaCallError(
    `${caller}: bad argument #2 (string expected, got ${typeName(value)}): value`,
  )
}

function attempt(run: () => LuaValue) {
  try {
    return run()
  } catch (error) {
    if (error instanceof XmlError) return multiple(undefined, error.message)
    throw error
  }
}
