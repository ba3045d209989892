// A link as the scanners find it, and the rules that hold for every target: http and https only, kept
// verbatim (parsing is a syntax gate, its result is thrown away), at most 4,096 octets of UTF-8.
import { fromText } from '../mail/bytes.ts'
import { expandMacros } from './braces.ts'
import { UNREADABLE } from './charset.ts'
import { isSublink } from './path.ts'
import { locationOf } from './redirect.ts'

/** Why a link stays as its author wrote it. */
export type Refusal =
  /** Not http or https, or no absolute URL at all. */
  | 'scheme'
  | 'malformed'
  | 'too-long'
  /** data-msys-clicktrack="0" */
  | 'opted-out'
  /** Octets that no character is known for: nobody can say where it leads. */
  | 'unreadable'
  /** text/plain: the host is no name with a dot, no `localhost` and no address. */
  | 'host'
  /** text/plain: the URL goes on after a line break, so its end cannot be known. */
  | 'wrapped'
  /** text/plain: a letter beyond ASCII follows; where the URL ends cannot be known. */
  | 'not-ascii'

export interface FoundLink {
  /** Octets of the decoded part that hold the URL. */
  readonly start: number
  readonly end: number
  /** Text, with character references decoded. */
  readonly target: string
  /** At most 63 octets of UTF-8; `''` for none. */
  readonly name: string
  readonly kind: 'click' | 'unsubscribe'
  /** `''` for none. */
  readonly sublink: string
  readonly refusal?: Refusal
  /** Another system's attribute says not to track it. */
  readonly isForeignOptOut?: true
}

/** Octets of the decoded part that go away, or give way to ASCII `text`. */
export interface Cut {
  readonly start: number
  readonly end: number
  readonly text?: string
  /** Another system's attribute: it goes away where those are heeded. */
  readonly isForeign?: true
}

export interface Findings {
  /** In order, not overlapping each other. */
  readonly links: readonly FoundLink[]
  readonly cuts: readonly Cut[]
  /** Where the open pixel goes; only text/html has one. */
  readonly pixelAt?: number | undefined
  /** Behind the start tag of the body, in a page that has one. */
  readonly initialPixelAt?: number | undefined
}

/** The per-link controls (`data-msys-…`), by what follows that prefix. */
export interface Controls {
  readonly linkname?: string
  readonly clicktrack?: string
  readonly unsubscribe?: string
  readonly sublink?: string
}

export const CONTROL_PREFIX = 'data-msys-'

/**
 * How links opt out of tracking elsewhere, by attribute: SendGrid, Mailchimp, Amazon SES, Postmark.
 * Lower case; `''` stands for any value.
 */
export const FOREIGN_OPT_OUTS: ReadonlyMap<string, string> = new Map([
  ['clicktracking', 'off'],
  ['mc:disable-tracking', ''],
  ['ses:no-track', ''],
  ['data-pm-no-track', ''],
])

const MAX_TARGET_LENGTH = 4096
const MAX_NAME_LENGTH = 63
/** UTF-8, of a UTF-16 code unit. */
const MAX_OCTETS_PER_UNIT = 3

export function makeLink(
  start: number,
  end: number,
  url: string,
  controls: Controls,
  refusal?: Refusal,
): FoundLink {
  const target = expandMacros(url)
  const because = refusal ?? refusalOf(target, controls)
  const sublink = controls.sublink ?? ''
  return {
    start,
    end,
    target,
    name: limitName(controls.linkname ?? ''),
    kind: isOn(controls.unsubscribe) ? 'unsubscribe' : 'click',
    sublink: isSublink(sublink) ? sublink : '',
    ...(because && { refusal: because }),
  }
}

function refusalOf(target: string, controls: Controls): Refusal | undefined {
  if (!/^https?:\/\//i.test(target)) return 'scheme'
  if (target.includes(UNREADABLE)) return 'unreadable'
  if (controls.clicktrack?.trim() === '0' || controls.clicktrack === 'false') return 'opted-out'
  if (fromText(target).length > MAX_TARGET_LENGTH) return 'too-long'
  // What nothing can be redirected to must not become a link of ours.
  return locationOf(target) === undefined ? 'malformed' : undefined
}

function isOn(value: string | undefined): boolean {
  return value?.trim() === '1' || value === 'true'
}

/** Cuts between characters, never inside one. */
function limitName(name: string): string {
  if (name.length * MAX_OCTETS_PER_UNIT <= MAX_NAME_LENGTH) return name
  const octets = Buffer.from(name, 'utf8')
  if (octets.length <= MAX_NAME_LENGTH) return name
  let end = MAX_NAME_LENGTH
  while (((octets[end] ?? 0) & 0xc0) === 0x80) end--
  return octets.toString('utf8', 0, end)
}
