// What a DKIM-Signature field says (RFC 6376 §3.5), with what is wrong with it in the words of libopendkim.
// Total: every field gives a signature. Pure.
import type { Canonicalization } from './dkimcanon.ts'
import { type Field, rawValue } from './field.ts'

export interface Signature {
  readonly field: Field
  /** Byte strings; empty where the tag is missing. */
  readonly domain: string
  readonly selector: string
  readonly identity: string
  /** Such as `rsa-sha256`, in lower case. */
  readonly algorithm: string
  readonly query: string | undefined
  readonly headerForm: Canonicalization
  readonly bodyForm: Canonicalization
  /** Names of the signed fields, in lower case. */
  readonly headers: readonly string[]
  readonly signature: Buffer
  readonly bodyHash: string
  /** Octets of the body that are signed; all unless given. */
  readonly length: number | undefined
  /** Epoch seconds. */
  readonly signedAt: number | undefined
  readonly expiresAt: number | undefined
  /** Why it need not be looked at. */
  readonly problem: string | undefined
}

const NAME = /^[a-z\d_-]+(?:\.[a-z\d_-]+)*$/i
const BASE64 = /^[a-z\d+/]+={0,2}$/i
const NUMBER = /^\d{1,12}$/

/** The tags of a list (§3.2), blanks around values removed; undefined when it is none. */
export function readTags(text: string): ReadonlyMap<string, string> | undefined {
  const tags = new Map<string, string>()
  for (const piece of text.split(';')) {
    const trimmed = piece.trim()
    if (trimmed === '') continue
    const [, name, value] = /^([a-z]\w*)\s*=\s*([^]*)$/i.exec(trimmed) ?? []
    if (name === undefined || value === undefined || tags.has(name)) return undefined
    tags.set(name, value)
  }
  return tags
}

export function readSignature(field: Field): Signature {
  const tags = readTags(rawValue(field))
  const tag = (name: string): string => (tags?.get(name) ?? '').replace(/\s+/g, '')
  const [headerForm = '', bodyForm = 'simple'] = (tag('c') || 'simple/simple')
    .toLowerCase()
    .split('/')
  const domain = tag('d')
  const found = {
    field,
    domain,
    selector: tag('s'),
    identity: unquoted(tag('i')) || `@${domain}`,
    algorithm: tag('a').toLowerCase(),
    query: tags?.get('q'),
    headerForm: headerForm === 'relaxed' ? 'relaxed' : 'simple',
    bodyForm: bodyForm === 'relaxed' ? 'relaxed' : 'simple',
    headers: tag('h').toLowerCase().split(':'),
    signature: Buffer.from(tag('b'), 'base64'),
    bodyHash: tag('bh'),
    length: numberOf(tag('l')),
    signedAt: numberOf(tag('t')),
    expiresAt: numberOf(tag('x')),
  } as const
  const forms = { headerForm, bodyForm }
  return { ...found, problem: tags ? problemOf(found, tags, forms) : 'unknown signature error' }
}

function problemOf(
  {
    domain,
    selector,
    identity,
    algorithm,
    headers,
    signedAt,
    expiresAt,
  }: Omit<Signature, 'problem'>,
  tags: ReadonlyMap<string, string>,
  { headerForm, bodyForm }: { readonly headerForm: string; readonly bodyForm: string },
): string | undefined {
  const value = (name: string): string => (tags.get(name) ?? '').replace(/\s+/g, '')
  const checks: readonly (readonly [boolean, string])[] = [
    [value('v') !== '1', 'unsupported signature version'],
    [!tags.has('a'), 'signature algorithm missing'],
    [!/^(?:rsa-sha1|rsa-sha256|ed25519-sha256)$/.test(algorithm), 'signature algorithm invalid'],
    [!tags.has('d'), 'domain tag missing'],
    [!NAME.test(domain), 'domain tag empty'],
    [!tags.has('s'), 'selector tag missing'],
    [!NAME.test(selector), 'selector tag empty'],
    [!/^(?:simple|relaxed)$/.test(headerForm), 'invalid header canonicalization'],
    [!/^(?:simple|relaxed)$/.test(bodyForm), 'invalid body canonicalization'],
    [!tags.has('h'), 'header list missing'],
    [!headers.includes('from'), 'header list missing required entries'],
    [!tags.has('b'), 'signature data missing'],
    [value('b') === '', 'signature data empty'],
    [!BASE64.test(value('b')), 'signature data corrupt'],
    [!tags.has('bh'), 'body hash missing'],
    [value('bh') === '', 'body hash empty'],
    [!BASE64.test(value('bh')), 'body hash corrupt'],
    [tags.has('l') && !NUMBER.test(value('l')), 'body length value invalid'],
    [tags.has('q') && !/(?:^|:)dns(?:\/txt)?(?:$|:)/i.test(value('q')), 'query method invalid'],
    [!isBelow(identity, domain), 'invalid domain coverage'],
    [(expiresAt ?? Infinity) < (signedAt ?? 0), 'signature timestamp order error'],
  ]
  return checks.find(([isWrong]) => isWrong)?.[1]
}

function isBelow(identity: string, domain: string): boolean {
  const host = identity.slice(identity.lastIndexOf('@') + 1).toLowerCase()
  return host === domain.toLowerCase() || host.endsWith(`.${domain.toLowerCase()}`)
}

function numberOf(text: string): number | undefined {
  return NUMBER.test(text) ? Number(text) : undefined
}

/** Of dkim-quoted-printable (§2.11). */
function unquoted(text: string): string {
  return text.replace(/=([\dA-F]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  )
}
