// The URLs of tracked links, shaped as Momentum's: clicks `/f/<a or sublink>/<link part>/<recipient
// part>`, opens `/q/<link part>/<recipient part>`. They consist of `[A-Za-z0-9._/:-]` (and brackets
// around an IPv6 host), so no quoting style, transfer encoding or charset has to escape them.
import type { Scheme } from './options.ts'

export type LinkKind = 'click' | 'unsubscribe' | 'open' | 'initial_open'
/** What a path says by itself; the kind is inside the token. */
export type Route = 'click' | 'open'

export interface TokenPath {
  readonly route: Route
  /** `''` for none. */
  readonly sublink: string
  readonly linkPart: string
  readonly recipientPart: string
}

export const ROUTE_OF: Readonly<Record<LinkKind, Route>> = {
  click: 'click',
  unsubscribe: 'click',
  open: 'open',
  initial_open: 'open',
}

const MAX_PATH_LENGTH = 16_384

/** Everything of a URL before its recipient part. `sublink` is `''` for none. */
export function trackingPrefix(
  scheme: Scheme,
  domain: string,
  kind: LinkKind,
  sublink: string,
  linkPart: string,
): string {
  const word = ROUTE_OF[kind] === 'click' ? `f/${sublink || NO_SUBLINK}` : 'q'
  return `${scheme}://${domain}/${word}/${linkPart}/`
}

/**
 * The token of a path, whose query is ignored; undefined when the path begins like none of ours. What is
 * wrong behind that shows when the token is opened. Clients may have percent-encoded the unreserved
 * `-`, `_` and `~` (RFC 3986 §6.2.2.2): that is undone once.
 */
export function parsePath(path: string): TokenPath | undefined {
  if (path.length > MAX_PATH_LENGTH) return undefined
  const bare = path.replace(/[?#].*$/s, '').replace(/%(?:2D|5F|7E)/gi, decodeURIComponent)
  const parts = /^\/(?:f\/([^/]*)|q)\/([^/]*)(?:\/(.*))?$/s.exec(bare)
  if (!parts) return undefined
  const [, word, linkPart = '', recipientPart = ''] = parts
  if (word === undefined) return { route: 'open', sublink: '', linkPart, recipientPart }
  return { route: 'click', sublink: word === NO_SUBLINK ? '' : word, linkPart, recipientPart }
}

/** Whether a sublink can stand in a path. */
export function isSublink(word: string): boolean {
  return /^[\w-]{1,64}$/.test(word)
}

const NO_SUBLINK = 'a'
