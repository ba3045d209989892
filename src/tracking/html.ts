// Links and the place of the pixel in text/html, located by htmlparser2's Tokenizer on a byte string,
// so offsets are octets and nothing is ever re-serialised. Links are `<a href>` and `<area href>`;
// comments, raw text and all other attributes are never touched. Linear on any input.
import { decodeHTMLAttribute } from 'entities'
import { Tokenizer, type TokenizerCallbacks } from 'htmlparser2'
import {
  CONTROL_PREFIX,
  FOREIGN_OPT_OUTS,
  type Controls,
  type Cut,
  type Findings,
  type FoundLink,
  makeLink,
} from './link.ts'

interface Attribute {
  readonly name: string
  readonly start: number
  readonly nameEnd: number
  /** Of the whole attribute, with its closing quote. */
  end: number
  /** With character references decoded. */
  value: string
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
  const page = watchPage(masked)
  let attributes: Attribute[] | undefined
  let attribute: Attribute | undefined

  const closeTag = (): void => {
    if (!attributes) return
    const href = attributes.find((each) => each.name === 'href')
    if (href) links.push(linkOf(href, attributes, masked))
    for (const each of attributes) {
      if (each.name.startsWith(CONTROL_PREFIX)) cuts.push(cutOf(each, masked))
      else if (isForeignOptOut(each)) cuts.push({ ...cutOf(each, masked), isForeign: true })
    }
    attributes = undefined
  }

  scan(masked, {
    ...NO_CALLBACKS,
    ...page.callbacks,
    onopentagname(start, end) {
      page.openTag(start, end)
      attributes = LINK_TAGS.has(masked.slice(start, end).toLowerCase()) ? [] : undefined
    },
    onattribname(start, nameEnd) {
      const name = attributes ? masked.slice(start, nameEnd).toLowerCase() : ''
      // Others are not kept: a tag may have a million of them.
      attribute = matters(name) ? { name, start, nameEnd, end: nameEnd, value: '' } : undefined
    },
    onattribdata(start, end) {
      if (attribute) attribute.value = decodeHTMLAttribute(decode(text.slice(start, end)))
    },
    onattribend(_quote, end) {
      if (!attribute) return
      attribute.end = end
      attributes?.push(attribute)
      attribute = undefined
    },
    onopentagend(end) {
      page.closeTag(end)
      closeTag()
    },
    onselfclosingtag(end) {
      page.closeTag(end)
      closeTag()
    },
  })
  return { links, cuts, ...page.pixels() }
}

const LINK_TAGS: ReadonlySet<string> = new Set(['a', 'area'])
const RAW_TEXT_TAGS: ReadonlySet<string> = new Set(
  'script style title textarea xmp noembed noframes iframe plaintext'.split(' '),
)

function matters(name: string): boolean {
  return name === 'href' || name.startsWith(CONTROL_PREFIX) || FOREIGN_OPT_OUTS.has(name)
}

function ignore(): void {
  // Nothing of this token matters here.
}

const NO_CALLBACKS: TokenizerCallbacks = {
  onattribdata: ignore,
  onattribend: ignore,
  onattribentity: ignore,
  onattribname: ignore,
  oncdata: ignore,
  onclosetag: ignore,
  oncomment: ignore,
  ondeclaration: ignore,
  onend: ignore,
  onopentagend: ignore,
  onopentagname: ignore,
  onprocessinginstruction: ignore,
  onselfclosingtag: ignore,
  ontext: ignore,
  ontextentity: ignore,
}

/**
 * Finds the places of the pixels. The open pixel's: before the last `</body>`, else before the last `</html>`, else at the
 * end (before a final CRLF), but never inside a construct that the end of the part leaves open.
 */
function watchPage(text: string) {
  let body = -1
  let html = -1
  let rawText = -1
  let openName = ''
  let isPage = false
  let bodyStart = -1
  /** Behind the last construct that is complete. */
  let complete = 0

  const comment = (_start: number, end: number): void => {
    if (text[end] === '>') complete = end + 1
  }
  const callbacks: Partial<TokenizerCallbacks> = {
    onclosetag(start, end) {
      const name = text.slice(start, end).toLowerCase()
      if (name === 'body') body = start - 2
      if (name === 'html') html = start - 2
      rawText = -1
      const close = text.indexOf('>', end)
      if (close > end && endsInQuotes(text.slice(end, close))) throw new Error(UNKNOWN_END)
      if (close >= 0) complete = close + 1
    },
    ontext(start, end) {
      if (start >= 0) complete = Math.max(complete, end)
    },
    oncomment: comment,
    ondeclaration: comment,
  }
  return {
    callbacks,
    openTag(start: number, end: number): void {
      openName = text.slice(start, end).toLowerCase()
      if (RAW_TEXT_TAGS.has(openName)) rawText = start - 1
      if (openName === 'html') isPage = true
    },
    closeTag(end: number): void {
      complete = end + 1
      if (openName === 'body' && isPage && bodyStart < 0) bodyStart = complete
    },
    pixels(): Pick<Findings, 'pixelAt' | 'initialPixelAt'> {
      return { pixelAt: pixelAt(), ...(bodyStart >= 0 && { initialPixelAt: bodyStart }) }
    },
  }

  function pixelAt(): number {
    if (body >= 0) return body
    if (html >= 0) return html
    if (rawText >= 0) return rawText
    return complete === text.length && text.endsWith('\r\n') ? complete - 2 : complete
  }
}

const UNKNOWN_END = 'an end tag has an attribute whose value holds ">"'

/**
 * Whether attributes of an end tag (HTML Standard §13.2.5) leave a quote open. The Tokenizer ends an end
 * tag at the first `>`, so what follows would be read out of step.
 */
function endsInQuotes(attributes: string): boolean {
  return /=\s*["']/.test(attributes.replace(/=\s*(?:"[^"]*"|'[^']*')/g, ''))
}

/**
 * Outside foreign content a CDATA section is a bogus comment that ends at the next `>` (HTML Standard
 * §13.2.5.42); the Tokenizer knows that only for other spellings of the word.
 * Character references are left to attributes that matter, which lets the Tokenizer skip over text.
 */
function scan(text: string, callbacks: TokenizerCallbacks): void {
  const tokenizer = new Tokenizer({ decodeEntities: false }, callbacks)
  tokenizer.write(text.includes('<![CDATA[') ? text.replaceAll('<![CDATA[', '<![cdata[') : text)
  tokenizer.end()
}

function linkOf(href: Attribute, attributes: readonly Attribute[], text: string): FoundLink {
  const [start, end] = valueRange(href, text)
  // What browsers strip before they parse a URL (URL Standard §4.4).
  // eslint-disable-next-line no-control-regex
  const target = href.value.replace(/^[\0-\x20]+/, '').replace(/[\t\n\r]/g, '')
  const link = makeLink(start, end, trimControls(target), controlsOf(attributes))
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
  const controls = new Map<string, string>()
  for (const { name, value } of attributes) {
    const control = name.startsWith(CONTROL_PREFIX) ? name.slice(CONTROL_PREFIX.length) : ''
    if (control && !controls.has(control)) controls.set(control, value)
  }
  return Object.fromEntries(controls)
}

/** The value's octets, between the quotes where there are any. */
function valueRange(attribute: Attribute, text: string): readonly [number, number] {
  let start = attribute.nameEnd
  while (start < attribute.end && isBlank(text, start)) start++
  if (text[start] !== '=') return [attribute.end, attribute.end]
  start++
  while (start < attribute.end && isBlank(text, start)) start++
  const quote = text[start]
  if (quote !== '"' && quote !== "'") return [start, attribute.end]
  return [start + 1, attribute.end - 1]
}

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
