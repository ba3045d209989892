// XML as libxml2 prints it: elements that hold no text are laid out in lines, two blanks a level.
import type { Element, Node } from './dom.ts'

const ELEMENT = 1
const TEXT = 3
const CDATA = 4
const INSTRUCTION = 7
const COMMENT = 8
const DOCUMENT = 9
const DOCTYPE = 10

export function printXml(node: Node): string {
  if (node.nodeType !== DOCUMENT) return print(node, 0, true)
  const parts = childrenOf(node)
    .filter((child) => !isDeclaration(child))
    .map((child) => `${print(child, 0, true)}\n`)
  return `<?xml version="1.0" encoding="utf-8"?>\n${parts.join('')}`
}

export function childrenOf(node: Node): readonly Node[] {
  const children: Node[] = []
  for (let child = node.firstChild; child !== null; child = child.nextSibling) children.push(child)
  return children
}

function isDeclaration(node: Node): boolean {
  return node.nodeType === INSTRUCTION && node.nodeName === 'xml'
}

function print(node: Node, level: number, isLaidOut: boolean): string {
  const value = node.nodeValue ?? ''
  switch (node.nodeType) {
    case ELEMENT:
      return printElement(node as Element, level, isLaidOut)
    case TEXT:
      return escape(value)
    case CDATA:
      return `<![CDATA[${value.replaceAll(']]>', ']]]]><![CDATA[>')}]]>`
    case COMMENT:
      return `<!--${value}-->`
    case INSTRUCTION:
      return `<?${node.nodeName} ${value}?>`
    case DOCTYPE:
      return `<!DOCTYPE ${node.nodeName}>`
    default:
      return value
  }
}

function printElement(element: Element, level: number, isLaidOut: boolean): string {
  const attributes = Array.from(
    element.attributes,
    ({ name, value }) => ` ${name}="${escapeAttribute(value)}"`,
  )
  const head = `${element.nodeName}${attributes.join('')}`
  const children = childrenOf(element)
  if (children.length === 0) return `<${head}/>`
  const inLines =
    isLaidOut && !children.some(({ nodeType }) => nodeType === TEXT || nodeType === CDATA)
  const inner = children.map((child) => print(child, level + 1, inLines))
  const body = inLines
    ? `${inner.map((text) => `\n${'  '.repeat(level + 1)}${text}`).join('')}\n${'  '.repeat(level)}`
    : inner.join('')
  return `<${head}>${body}</${element.nodeName}>`
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('\r', '&#13;')
}

function escapeAttribute(text: string): string {
  return escape(text).replaceAll('"', '&quot;').replaceAll('\t', '&#9;').replaceAll('\n', '&#10;')
}
