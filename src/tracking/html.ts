// Links and the place of the pixel in text/html, located on a byte string, so offsets are octets and nothing
// is ever re-serialised. Links are `<a href>` and `<area href>`; comments, raw text and all other attributes
// are never touched. Linear on any input.
import { decodeHTMLAttribute } from 'entities'
import {
  CONTROL_PREFIX,
  FOREIGN_OPT_OUTS,
  type Controls,
  type Cut,
  type Findings,
  type FoundLink,
  makeLink,
} from './link.ts'
import { readAttributes, scanTags } from './tags.ts'

interface Attribute {
  readonly name: string
  readonly start: number
  /** Of the whole attribute, with its closing quote. */
  readonly end: number
  /** The value's octets, between the quotes where there are any. */
  readonly from: number
  readonly to: number
  /** With character references decoded. */
  readonly value: string
}

/**
 * `text`: the decoded part as a byte string; `masked`: the same with every octet that is no ASCII
 * character hidden; `decode` makes text of a slice of `text`.
 */
export function findInHtml(
  text: string,
  masked: string,
  decode: (byteString: string) => string,
): Findings {
  const links: FoundLink[] = []
  const cuts: Cut[] = []
  let isPage = false
  let initialPixelAt = -1
  let bodyEnd = -1
  let htmlEnd = -1

  const complete = scanTags(masked, {
    startTag(nameStart, nameEnd, end) {
      const length = nameEnd - nameStart
      if (length !== 1 && length !== 4) return
      const name = masked.slice(nameStart, nameEnd).toLowerCase()
      if (name === 'html') isPage = true
      if (name === 'body' && isPage && initialPixelAt < 0) initialPixelAt = end
      if (!LINK_TAGS.has(name)) return
      const attributes = attributesOf(text, masked, nameEnd, decode)
      const href = attributes.find((each) => each.name === 'href')
      if (href) links.push(linkOf(href, attributes))
      for (const each of attributes) {
        if (each.name.startsWith(CONTROL_PREFIX)) cuts.push(cutOf(each, masked))
        else if (isForeignOptOut(each)) cuts.push({ ...cutOf(each, masked), isForeign: true })
      }
    },
    endTag(nameStart, nameEnd) {
      if (nameEnd - nameStart !== 4) return
      const name = masked.slice(nameStart, nameEnd).toLowerCase()
      if (name === 'body') bodyEnd = nameStart - 2
      if (name === 'html') htmlEnd = nameStart - 2
    },
  })
  return {
    links,
    cuts,
    pixelAt: pixelPlace(masked, bodyEnd, htmlEnd, complete),
    ...(initialPixelAt >= 0 && { initialPixelAt }),
  }
}

const LINK_TAGS: ReadonlySet<string> = new Set(['a', 'area'])

/** Those that matter; others are not kept: a tag may have a million of them. */
function attributesOf(
  text: string,
  masked: string,
  at: number,
  decode: (byteString: string) => string,
): Attribute[] {
  const attributes: Attribute[] = []
  readAttributes(masked, at, (start, nameEnd, from, to, end) => {
    const name = masked.slice(start, nameEnd).toLowerCase()
    if (name !== 'href' && !name.startsWith(CONTROL_PREFIX) && !FOREIGN_OPT_OUTS.has(name)) return
    const written = decode(text.slice(from, to))
    const value = written.includes('&') ? decodeHTMLAttribute(written) : written
    attributes.push({ name, start, end, from, to, value })
  })
  return attributes
}

/**
 * Before the last `</body>`, else before the last `</html>`, else at the end (before a final CRLF), but never inside
 * a construct that the end of the part leaves open.
 */
function pixelPlace(text: string, bodyEnd: number, htmlEnd: number, complete: number): number {
  if (bodyEnd >= 0) return bodyEnd
  if (htmlEnd >= 0) return htmlEnd
  return complete === text.length && text.endsWith('\r\n') ? complete - 2 : complete
}

function linkOf(href: Attribute, attributes: readonly Attribute[]): FoundLink {
  // What browsers strip before they parse a URL (URL Standard §4.4).
  // eslint-disable-next-line no-control-regex
  const target = href.value.replace(/^[\0-\x20]+/, '').replace(/[\t\n\r]/g, '')
  const link = makeLink(href.from, href.to, trimControls(target), controlsOf(attributes))
  return attributes.some(isForeignOptOut) ? { ...link, isForeignOptOut: true } : link
}

function isForeignOptOut({ name, value }: Attribute): boolean {
  const wanted = FOREIGN_OPT_OUTS.get(name)
  return wanted !== undefined && (wanted === '' || wanted === value.trim().toLowerCase())
}

/** Without a regular expression, which would be quadratic on long runs of blanks. */
function trimControls(target: string): string {
  let end = target.length
  while (end > 0 && target.charCodeAt(end - 1) <= 0x20) end--
  return target.slice(0, end)
}

function controlsOf(attributes: readonly Attribute[]): Controls {
  if (attributes.length === 1) return NO_CONTROLS
  const controls = new Map<string, string>()
  for (const { name, value } of attributes) {
    const control = name.startsWith(CONTROL_PREFIX) ? name.slice(CONTROL_PREFIX.length) : ''
    if (control && !controls.has(control)) controls.set(control, value)
  }
  return Object.fromEntries(controls)
}

const NO_CONTROLS: Controls = {}

/** With the blanks before it, unless what follows (a `/`, say) would then belong to what precedes. */
function cutOf(attribute: Attribute, text: string): Cut {
  let start = attribute.start
  const next = text[attribute.end]
  if (next === '>' || isBlank(text, attribute.end)) {
    while (start > 0 && isBlank(text, start - 1)) start--
  }
  return { start, end: attribute.end }
}

function isBlank(text: string, at: number): boolean {
  const c = text[at]
  return c === ' ' || c === '\t' || c === '\n' || c === '\r' || c === '\f'
}
