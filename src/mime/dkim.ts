// Signing a message with DKIM (RFC 6376; Ed25519: RFC 8463; SHA-1 is out: RFC 8301): which fields, over which
// octets, and the DKIM-Signature field. Pure: the time of signing comes in.
import { createHash, type KeyObject, sign } from 'node:crypto'
import { canonicalBody, canonicalField, type Canonicalization } from './dkimcanon.ts'
import type { Field } from './field.ts'

export interface SignatureOptions {
  /** In ASCII. */
  readonly domain: string
  readonly selector: string
  /** RSA or Ed25519, private. */
  readonly key: KeyObject
  readonly headerForm: Canonicalization
  readonly bodyForm: Canonicalization
  readonly headers: readonly HeaderRule[]
  /** Epoch seconds. */
  readonly signedAt: number
  readonly expiresAt?: number | undefined
  /** Local part (or nothing), `@`, and the domain or one below it. Byte string. */
  readonly identity?: string | undefined
  /** Says how long the signed body is, so that text may be appended to it. */
  readonly hasLength: boolean
}

/** A field name as it will stand in the signature, and which fields of that name are signed. */
export interface HeaderRule {
  readonly name: string
  /** All that are left, or the lowest that is left. */
  readonly all: boolean
  /** Where there is none, one that is added later breaks the signature. */
  readonly asserts: boolean
}

/** The DKIM-Signature field, to be put on top of the header. */
export function signMessage(
  { fields, body }: { readonly fields: readonly Field[]; readonly body: Buffer },
  options: SignatureOptions,
): Field {
  const { key, headerForm, bodyForm, headers } = options
  const isEd25519 = key.asymmetricKeyType === 'ed25519'
  const signed = signedFields(fields, headers)
  const canonical = canonicalBody(body, bodyForm)
  const unsigned = foldTags([
    'v=1',
    `a=${isEd25519 ? 'ed25519' : 'rsa'}-sha256`,
    `c=${headerForm}/${bodyForm}`,
    `d=${options.domain}`,
    `s=${options.selector}`,
    `t=${options.signedAt}`,
    ...(options.expiresAt === undefined ? [] : [`x=${options.expiresAt}`]),
    ...(options.identity === undefined ? [] : [`i=${quoted(options.identity)}`]),
    ...(options.hasLength ? [`l=${canonical.length}`] : []),
    `bh=${createHash('sha256').update(canonical).digest('base64')}`,
    `h=${signed.map(({ name }) => name).join(':')}`,
  ])
  const own = { key: KEY, bytes: Buffer.from(unsigned, 'latin1') }
  const covered = [
    ...signed.map(({ field }) => (field ? canonicalField(field, headerForm) : '')),
    // The field itself, its signature still empty, without a final CRLF (§3.7).
    canonicalField(own, headerForm).slice(0, -2),
  ].join('')
  const octets = Buffer.from(covered, 'latin1')
  const signature = isEd25519
    ? sign(null, createHash('sha256').update(octets).digest(), key)
    : sign('sha256', octets, key)
  const lines = signature.toString('base64').match(/.{1,72}/g) ?? []
  return { key: KEY, bytes: Buffer.from(`${unsigned}${lines.join('\r\n\t ')}\r\n`, 'latin1') }
}

const KEY = 'dkim-signature'
const LINE = 76

/** Each name as often as it is signed; fields of a name are signed from the lowest up (§5.4.2). */
function signedFields(
  fields: readonly Field[],
  rules: readonly HeaderRule[],
): readonly { readonly name: string; readonly field?: Field | undefined }[] {
  const left = new Map<string, Field[]>()
  for (const field of fields) {
    const named = left.get(field.key)
    if (named) named.push(field)
    else left.set(field.key, [field])
  }
  return rules.flatMap(({ name, all, asserts }) => {
    const named = left.get(name.toLowerCase()) ?? []
    const taken = named.splice(all ? 0 : -1).toReversed()
    const entries = taken.map((field) => ({ name, field }))
    return entries.length === 0 && asserts ? [{ name }] : entries
  })
}

/** The field up to its signature. Breaks lines between tags, and in the list of fields. */
function foldTags(tags: readonly string[]): string {
  const pieces = tags.flatMap((tag) => ` ${tag};`.split(/(?<=:)/))
  const lines = ['DKIM-Signature:']
  for (const piece of pieces) {
    const line = lines.at(-1) ?? ''
    if (line.length + piece.length > LINE) lines.push(`\t${piece.trimStart()}`)
    else lines[lines.length - 1] = line + piece
  }
  return `${lines.join('\r\n')}\r\n\tb=`
}

/** dkim-quoted-printable (§2.11). */
function quoted(text: string): string {
  return text.replace(
    /[^!-:<>-~]/g,
    (octet) => `=${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}
