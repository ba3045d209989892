// The macro letters of SPF (RFC 7208 §7), as `%{i}` or `%{spfv1:i}`: a letter, how many labels to keep from
// the right, `r` to reverse them, and what separates them. An upper case letter escapes the value for URLs.
import { isIPv6 } from 'node:net'
import { lookUp } from '../mail/context.ts'
import type { MacroFacts } from './messagemacro.ts'

const FORM = /^([slodiphcrtv])(\d*)(r?)([.\-+,/_=]*)$/i

/** Whether a text asks for the client's validated name, which must be looked up before. */
export function asksForName(text: string): boolean {
  return /%\{(?:spfv1:)?p/i.test(text)
}

/** Undefined for what is no SPF macro. `p` is "unknown" where nobody looked or nothing leads back. */
export function spfMacro(body: string, facts: MacroFacts): string | undefined {
  const [, letter, digits, reverse, delimiters] = FORM.exec(body) ?? []
  if (letter === undefined) return undefined
  const value = letterValue(letter.toLowerCase(), facts)
  const isPlain = digits === '' && reverse === '' && delimiters === ''
  const shaped = isPlain ? value : shape(value, Number(digits), reverse !== '', delimiters || '.')
  return letter === letter.toLowerCase() ? shaped : escapeOctets(shaped)
}

function letterValue(letter: string, facts: MacroFacts): string {
  const { context, remoteAddress = '', nowMs } = facts
  const helo = context.connection.get('ehlo_domain') ?? ''
  // The null sender is postmaster at the name of EHLO (RFC 7208 §2.4).
  const localpart = lookUp(context, 'mailfrom_localpart') || 'postmaster'
  const domain = lookUp(context, 'mailfrom_domain') || helo
  switch (letter) {
    case 's':
      return `${localpart}@${domain}`
    case 'l':
      return localpart
    case 'o':
    case 'd':
      return domain
    case 'h':
      return helo
    case 'i':
      return isIPv6(remoteAddress) ? nibbles(remoteAddress) : remoteAddress
    case 'c':
      return remoteAddress
    case 'v':
      return isIPv6(remoteAddress) ? 'ip6' : 'in-addr'
    case 't':
      return String(Math.floor(nowMs / 1000))
    case 'p':
      return facts.validatedName ?? 'unknown'
    case 'r':
      return facts.hostname ?? 'unknown'
    default:
      return 'unknown'
  }
}

function shape(value: string, keep: number, isReversed: boolean, delimiters: string): string {
  const labels = value.split(new RegExp(`[${delimiters.replace(/[-\]\\^]/g, '\\$&')}]`))
  const ordered = isReversed ? labels.toReversed() : labels
  return (keep > 0 ? ordered.slice(-keep) : ordered).join('.')
}

/** Thirty-two hexadecimal digits, separated by dots. */
export function nibbles(address: string): string {
  const [head = '', tail] = address.replace(/%.*$/, '').split('::')
  const groups = (side: string): string[] =>
    side === '' ? [] : side.split(':').flatMap((group) => quadGroups(group))
  const left = groups(head)
  const right = groups(tail ?? '')
  const gap = tail === undefined ? 0 : 8 - left.length - right.length
  const all = [...left, ...Array<string>(Math.max(gap, 0)).fill('0'), ...right]
  const digits = all.map((group) => group.padStart(4, '0')).join('')
  return digits.replace(/.(?=.)/g, '$&.')
}

/** The two groups of a dotted quad at the end of an IPv6 address, or the group itself. */
function quadGroups(group: string): string[] {
  if (!group.includes('.')) return [group.toLowerCase()]
  const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
  return [a * 256 + b, c * 256 + d].map((value) => value.toString(16))
}

function escapeOctets(text: string): string {
  return text.replace(
    /[^A-Za-z0-9\-._~]/g,
    (octet) => `%${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}
