// The tags of an HTML text by their offsets, found as a browser's tokenizer finds them (HTML Standard §13.2.5), in one
// pass that looks at tags only: text between them is skipped. Linear on any input.

/** All offsets are of the text. `end`: behind the `>`. */
export interface TagWatcher {
  startTag(nameStart: number, nameEnd: number, end: number): void
  endTag(nameStart: number, nameEnd: number, end: number): void
}

/** `from` and `to`: the value, without quotes; `end`: behind the whole attribute. */
export type AttributeWatcher = (
  start: number,
  nameEnd: number,
  from: number,
  to: number,
  end: number,
) => void

const TAB = 0x09
const LF = 0x0a
const FF = 0x0c
const CR = 0x0d
const SPACE = 0x20
const BANG = 0x21
const QUOTE = 0x22
const APOSTROPHE = 0x27
const DASH = 0x2d
const SLASH = 0x2f
const EQUALS = 0x3d
const GREATER = 0x3e
const QUESTION = 0x3f

/** Elements whose content has no tags but the one that ends it. */
const RAW_TEXT_TAGS = 'style title textarea xmp noembed noframes iframe'.split(' ')
const RAW_TEXT_ENDS: ReadonlyMap<string, RegExp> = new Map(
  RAW_TEXT_TAGS.map((name) => [name, new RegExp(`</${name}(?=[\\t\\n\\f\\r />])`, 'gi')]),
)
const SCRIPT_MARKS = /<!--|-->|<\/?script(?=[\t\n\f\r />])/gi

/**
 * Tells of every complete tag, in order. The answer is where a construct begins that the end of the text leaves
 * open, be it a tag, a comment or an element of raw text; the length of the text when nothing is open.
 */
export function scanTags(text: string, watcher: TagWatcher): number {
  let at = 0
  for (;;) {
    const start = text.indexOf('<', at)
    if (start < 0) return text.length
    const code = text.charCodeAt(start + 1)
    if (isLetter(code)) {
      const nameEnd = endOfName(text, start + 1)
      const close = readAttributes(text, nameEnd)
      if (close < 0) return start
      at = close + 1
      watcher.startTag(start + 1, nameEnd, at)
      at = behindRawText(text, start + 1, nameEnd, at)
      if (at < 0) return start
    } else if (code === SLASH && isLetter(text.charCodeAt(start + 2))) {
      const nameEnd = endOfName(text, start + 2)
      const close = readAttributes(text, nameEnd)
      if (close < 0) return start
      at = close + 1
      watcher.endTag(start + 2, nameEnd, at)
    } else if (code === SLASH || code === BANG || code === QUESTION) {
      at = behindComment(text, start)
      if (at < 0) return start
    } else {
      at = start + 1
    }
  }
}

/**
 * Where the `>` of the tag is whose name ends at `at`; -1 when there is none. Attributes are told as they
 * come, those of a tag without end too.
 */
export function readAttributes(text: string, at: number, watcher?: AttributeWatcher): number {
  const length = text.length
  for (;;) {
    while (isBlank(text.charCodeAt(at)) || text.charCodeAt(at) === SLASH) at++
    if (at >= length) return -1
    if (text.charCodeAt(at) === GREATER) return at
    const start = at++
    while (at < length && !endsAttributeName(text.charCodeAt(at))) at++
    const nameEnd = at
    at = behindBlanks(text, at)
    if (text.charCodeAt(at) !== EQUALS) {
      watcher?.(start, nameEnd, nameEnd, nameEnd, nameEnd)
      continue
    }
    at = behindBlanks(text, at + 1)
    const quote = text.charCodeAt(at)
    const isQuoted = quote === QUOTE || quote === APOSTROPHE
    const from = isQuoted ? at + 1 : at
    const to = isQuoted ? text.indexOf(quote === QUOTE ? '"' : "'", from) : endOfValue(text, from)
    if (to < 0) return -1
    at = isQuoted ? to + 1 : to
    watcher?.(start, nameEnd, from, to, at)
  }
}

function endOfName(text: string, at: number): number {
  for (;;) {
    const code = text.charCodeAt(at)
    if (isBlank(code) || code === SLASH || code === GREATER || Number.isNaN(code)) return at
    at++
  }
}

function endOfValue(text: string, at: number): number {
  while (at < text.length && !isBlank(text.charCodeAt(at)) && text.charCodeAt(at) !== GREATER) at++
  return at
}

function behindBlanks(text: string, at: number): number {
  while (isBlank(text.charCodeAt(at))) at++
  return at
}

/** Also of a declaration, and of whatever else browsers read as a comment; -1 when it does not end. */
function behindComment(text: string, start: number): number {
  if (!text.startsWith('<!--', start)) return text.indexOf('>', start + 2) + 1 || -1
  // The dashes that open it may close it too (`<!-->`), but not before a `!`.
  for (let at = start + 2; ; at++) {
    at = text.indexOf('--', at)
    if (at < 0) return -1
    const next = text.charCodeAt(at + 2)
    if (next === GREATER) return at + 3
    if (next === BANG && text.charCodeAt(at + 3) === GREATER && at >= start + 4) return at + 4
    if (next !== DASH) at++
  }
}

/** From behind a start tag: where tags are tags again; -1 for never. */
function behindRawText(text: string, nameStart: number, nameEnd: number, at: number): number {
  // Most tags are told by their length.
  if (nameEnd - nameStart < 3 || nameEnd - nameStart > 9) return at
  const name = text.slice(nameStart, nameEnd).toLowerCase()
  if (name === 'script') return endOfScript(text, at)
  if (name === 'plaintext') return -1
  const end = RAW_TEXT_ENDS.get(name)
  if (!end) return at
  end.lastIndex = at
  return end.exec(text)?.index ?? -1
}

/** HTML Standard §13.2.5.15 to .31: in a comment `<script>` begins a script whose end does not count. */
function endOfScript(text: string, at: number): number {
  let state: 'script' | 'comment' | 'script in comment' = 'script'
  SCRIPT_MARKS.lastIndex = at
  for (;;) {
    const mark = SCRIPT_MARKS.exec(text)
    if (!mark) return -1
    const isEnd = mark[0].startsWith('</')
    if (mark[0] === '-->') {
      state = 'script'
    } else if (mark[0] === '<!--') {
      // Its dashes may be those that close it.
      if (state === 'script') SCRIPT_MARKS.lastIndex = mark.index + 2
      if (state === 'script') state = 'comment'
    } else if (isEnd && state !== 'script in comment') {
      return mark.index
    } else if (state !== 'script') {
      state = isEnd ? 'comment' : 'script in comment'
    }
  }
}

function isLetter(code: number): boolean {
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x7a
}

function isBlank(code: number): boolean {
  return code === SPACE || code === LF || code === CR || code === TAB || code === FF
}

function endsAttributeName(code: number): boolean {
  return code === EQUALS || code === GREATER || code === SLASH || isBlank(code)
}
