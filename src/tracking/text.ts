// URLs in text/plain. Where a URL ends is a guess, so the rule is: never track a truncated target. One
// ends at the first blank, control, `< > "`, backtick or octet beyond ASCII; sentence punctuation and
// closing brackets without a partner are trimmed. `[[data-msys-…="…"]]` right behind it is its control.
// format=flowed is RFC 3676. Linear: each octet is looked at a bounded number of times.
import { UNREADABLE } from './charset.ts'
import {
  CONTROL_PREFIX,
  type Controls,
  type Cut,
  type Findings,
  type FoundLink,
  makeLink,
  type Refusal,
} from './link.ts'

/** Parameters and offsets as for `findInHtml`; `isDelSp`: format=flowed with DelSp=yes. */
export function findInText(
  text: string,
  masked: string,
  decode: (byteString: string) => string,
  isDelSp: boolean,
): Findings {
  const links: FoundLink[] = []
  const cuts: Cut[] = []
  const scheme = /https?:\/\//gi
  for (let match = scheme.exec(masked); match; match = scheme.exec(masked)) {
    const start = match.index
    const isBracketed = BRACKET.test(masked.slice(Math.max(0, start - 5), start))
    if (!isBracketed && /[a-z0-9+.:-]/i.test(masked[start - 1] ?? '')) continue
    const url = readUrl(masked, start, isBracketed)
    const target = decode(text.slice(start, url.end))
    const refusal = refusalOf(target, url, isBracketed)
    links.push(makeLink(start, url.end, target, url.controls, refusal))
    if (url.isControlled) cuts.push({ start: url.end, end: url.stop })
    scheme.lastIndex = url.stop
  }
  return { links, cuts }

  function refusalOf(target: string, url: Url, isBracketed: boolean): Refusal | undefined {
    if (!hasPlausibleHost(target)) return 'host'
    if (url.isControlled) return undefined
    const rest = masked.slice(url.stop, url.stop + MAX_WRAPPED)
    if (isBracketed && WRAPPED.test(rest)) return 'wrapped'
    if (isDelSp && rest.startsWith(' \r\n')) return 'wrapped'
    const next = characterAt(text, url.stop)
    const character = decode(next)
    const goesOn = /^[a-z0-9/]/i.test(masked.slice(url.stop + next.length))
    const isPart = isLetter(character) || (goesOn && isWithinWords(character))
    return isPart ? 'not-ascii' : undefined
  }
}

/** Cleartext-signed or encrypted text (RFC 9580 §6.2): changing it would break the signature. */
export function isPgpText(text: string): boolean {
  return /^-----BEGIN PGP /m.test(text)
}

interface Url {
  readonly start: number
  readonly end: number
  /** Where scanning goes on: behind the URL's run of characters and its controls. */
  readonly stop: number
  readonly controls: Controls
  readonly isControlled: boolean
}

/** `<` or `<URL:` (RFC 3986 appendix C) at the end. */
const BRACKET = /<(?:URL:)?$/i
/** The rest of a bracketed URL on the next line, behind any quote marks. */
const WRAPPED = /^[ \t]{0,20}\r?\n[> \t]{0,40}[^\s<>"]{1,900}>/
const MAX_WRAPPED = 1000
const CONTROLS_START = `[[${CONTROL_PREFIX}`

function readUrl(text: string, start: number, isBracketed: boolean): Url {
  // eslint-disable-next-line no-control-regex
  const run = /[^\0-\x20<>"`\x7f-\xff]*/y
  run.lastIndex = start
  const body = run.exec(text)?.[0] ?? ''
  const stop = start + body.length
  const marker = body.indexOf(CONTROLS_START)
  if (marker >= 0) {
    const { controls, length } = readControls(text, start + marker)
    const end = start + marker
    return { start, end, stop: length ? end + length : stop, controls, isControlled: length > 0 }
  }
  const end = isBracketed && text[stop] === '>' ? stop : start + trimmedLength(body)
  return { start, end, stop, controls: {}, isControlled: false }
}

/** One or more `[[data-msys-a="1" data-msys-b="2"]]`; length 0 when that is not what stands there. */
function readControls(text: string, at: number): { controls: Controls; length: number } {
  const group =
    /\[\[((?:[ \t]{0,9}data-msys-[a-z]{1,20}[ \t]{0,9}=[ \t]{0,9}"[^"\r\n]{0,256}")+)[ \t]{0,9}\]\]/iy
  const controls = new Map<string, string>()
  let end = at
  group.lastIndex = at
  for (let match = group.exec(text); match; match = group.exec(text)) {
    for (const [, name = '', value = ''] of (match[1] ?? '').matchAll(
      /data-msys-([a-z]+)\s*=\s*"([^"]*)"/gi,
    )) {
      if (!controls.has(name.toLowerCase())) controls.set(name.toLowerCase(), value)
    }
    end = group.lastIndex
  }
  // Link names exist in HTML only.
  controls.delete('linkname')
  return { controls: Object.fromEntries(controls), length: end - at }
}

const PARTNER: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' }

function trimmedLength(url: string): number {
  const balance: Record<string, number> = { '(': 0, '[': 0, '{': 0 }
  for (const c of url) {
    const partner = PARTNER[c]
    if (partner) balance[partner] = (balance[partner] ?? 0) - 1
    else if (c in balance) balance[c] = (balance[c] ?? 0) + 1
  }
  let length = url.length
  for (; length > 0; length--) {
    const c = url[length - 1] ?? ''
    const partner = PARTNER[c]
    if (partner) {
      const open = balance[partner] ?? 0
      if (open >= 0) break
      balance[partner] = open + 1
    } else if (!'.,;:!?\'"*'.includes(c)) break
  }
  return length
}

/** `localhost`, an address, or a name of at least two labels. */
function hasPlausibleHost(url: string): boolean {
  const authority = /^https?:\/\/([^/?#]*)/i.exec(url)?.[1] ?? ''
  const host = authority
    .slice(authority.lastIndexOf('@') + 1)
    .replace(/:\d*$/, '')
    .toLowerCase()
  if (host === 'localhost' || /^\[[\da-f:.]+\]$/.test(host)) return true
  const labels = host.replace(/\.$/, '').split('.')
  return (
    labels.length > 1 &&
    labels.every((label) => /^(?!-)[\w%-]{1,63}$/.test(label) && !label.endsWith('-'))
  )
}

/** The octets of the character at `at`: as UTF-8 if they may be, else a few for a decoder to try. */
function characterAt(text: string, at: number): string {
  const lead = text.charCodeAt(at)
  if (!(lead >= 0x80)) return ''
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2
  const isUtf8 = /^[\x80-\xbf]+$/.test(text.slice(at + 1, at + length))
  return text.slice(at, at + (isUtf8 ? length : 2))
}

/** A dash, an apostrophe, a sign: not what a script without blanks has between a URL and the next text. */
function isWithinWords(character: string): boolean {
  const code = character.codePointAt(0) ?? 0
  return (code >= 0x80 && code < 0x2e80) || code > 0xffff
}

/**
 * A letter of an alphabet, or what may be one; scripts without blanks between words (from U+2E80) follow a URL
 * as text.
 */
function isLetter(character: string): boolean {
  if (character.startsWith(UNREADABLE)) return true
  return /^\p{L}/u.test(character) && (character.codePointAt(0) ?? 0) < 0x2e80
}
