// XML documents over @xmldom/xmldom and xpath. A text is looked over before it is parsed, so that a hostile
// one costs linear time: no more than 1 MB, 256 levels, and no declarations of entities.
import { createRequire } from 'node:module'
import { type Document, DOMParser, type Element, type Node } from '@xmldom/xmldom'

export type { Document, Element, Node }

const require = createRequire(import.meta.url)

// Its types would bring in those of a browser.
interface XPath {
  select(query: string, node: Node): unknown
}
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- typed by hand
const xpath = require('xpath') as XPath

const LONGEST = 2 ** 20
const DEEPEST = 256

/** What is no XML, or more than is taken. */
export class XmlError extends Error {
  override name = 'XmlError'
}

/** Throws XmlError. */
export function parseXml(text: string): Document {
  lookOver(text)
  let problem = ''
  const parser = new DOMParser({
    onError(level, message) {
      if (level === 'warning') return
      problem ||= message
      throw new XmlError(message)
    },
  })
  try {
    return parser.parseFromString(text, 'text/xml')
  } catch (error) {
    throw new XmlError(problem || String(error), { cause: error })
  }
}

/** The nodes that a query finds, in document order; none when its result is a number or text. */
export function selectNodes(query: string, node: Node): readonly Node[] {
  try {
    const found = xpath.select(query, node)
    return Array.isArray(found) ? found : []
  } catch (error) {
    throw new XmlError(error instanceof Error ? error.message : String(error), { cause: error })
  }
}

/** An empty document, for nodes that belong to none yet. */
export function emptyDocument(): Document {
  const document = parseXml('<empty/>')
  document.removeChild(document.documentElement as Node)
  return document
}

const MARKUP =
  /<!--[^]*?-->|<!\[CDATA\[[^]*?\]\]>|<\?[^]*?\?>|<!DOCTYPE[^[<>]*>|<\/[^<>]*>|<[A-Za-z_:\u0080-\uffff](?:[^<>"']|"[^"<]*"|'[^'<]*')*>/y

/** Each `<` begins a piece of markup; the parser takes quadratic time for some that do not. */
function lookOver(text: string): void {
  if (text.length > LONGEST) throw new XmlError('the text is too long')
  let depth = 0
  for (let at = text.indexOf('<'); at >= 0; at = text.indexOf('<', MARKUP.lastIndex)) {
    MARKUP.lastIndex = at
    const [markup] = MARKUP.exec(text) ?? []
    if (markup === undefined) throw new XmlError(`bad markup at offset ${at}`)
    if (markup.startsWith('</')) depth--
    else if (!/^<[!?]|\/>$/.test(markup)) depth++
    if (depth > DEEPEST) throw new XmlError('elements are nested too deeply')
    MARKUP.lastIndex = at + markup.length
  }
}
