// Verifying DKIM signatures (RFC 6376 §6; Ed25519: RFC 8463; SHA-1 and short keys are out: RFC 8301). Two steps,
// because a key must be asked for in between; pure. Results have the names and texts of libopendkim.
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { canonicalBody, type Canonicalization, canonicalField } from './dkimcanon.ts'
import { readSignature, readTags, type Signature } from './dkimsignature.ts'
import type { Field } from './field.ts'

export type DkimStatus =
  ('OK' | 'BADSIG' | 'NOKEY' | 'CANTVRFY' | 'SYNTAX') | ('REVOKED' | 'KEYFAIL' | 'NOTIMPLEMENT')

export interface Verification {
  readonly signature: Signature
  readonly status: DkimStatus
  /** `no signature error`, or what is wrong. */
  readonly text: string
  readonly keyBits: number
  /** The key says that it is only tried out. */
  readonly isTest: boolean
  /** The key is not for names below its domain. */
  readonly noSubdomains: boolean
}

/** What DNS says of a key; its name is `selector._domainkey.domain`. */
export type KeyAnswer =
  | { readonly kind: 'found'; readonly records: readonly string[] }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unknown' }

/** A signature before its key is known. */
export interface Examined {
  readonly signature: Signature
  /** Undefined: the key decides. */
  readonly problem: { readonly status: DkimStatus; readonly text: string } | undefined
}

/** Verifying more is work for whoever sends it. */
export const MAX_SIGNATURES = 10

const GOOD = 'no signature error'
const LEAST_BITS = 1024

/** The topmost signatures, and whether the body is what was signed. `hashing` is told of octets hashed. */
export function examine(
  { fields, body }: { readonly fields: readonly Field[]; readonly body: Buffer },
  nowSeconds: number,
  hashing: (octets: number) => void = () => {},
): readonly Examined[] {
  const bodies = new Map<Canonicalization, Buffer>()
  return fields
    .filter(({ key }) => key === 'dkim-signature')
    .slice(0, MAX_SIGNATURES)
    .map((field) => {
      const signature = readSignature(field)
      const syntax = signature.problem
      if (syntax !== undefined) return { signature, problem: { status: 'SYNTAX', text: syntax } }
      const late = problemOfTime(signature, nowSeconds)
      if (late !== undefined) return { signature, problem: { status: 'CANTVRFY', text: late } }
      if (signature.algorithm === 'rsa-sha1') {
        return { signature, problem: { status: 'CANTVRFY', text: 'signature algorithm invalid' } }
      }
      const form = signature.bodyForm
      const canonical = bodies.get(form) ?? canonicalBody(body, form)
      bodies.set(form, canonical)
      const { length = canonical.length } = signature
      if (length > canonical.length) {
        const text = 'length tag value exceeds body size'
        return { signature, problem: { status: 'SYNTAX', text } }
      }
      hashing(length)
      const hash = createHash('sha256').update(canonical.subarray(0, length)).digest('base64')
      const isSame = hash === signature.bodyHash
      return {
        signature,
        problem: isSame ? undefined : { status: 'BADSIG', text: 'body hash mismatch' },
      }
    })
}

/** With its key. */
export function conclude(
  { signature, problem }: Examined,
  fields: readonly Field[],
  answer: KeyAnswer,
): Verification {
  const bare = { signature, keyBits: 0, isTest: false, noSubdomains: false }
  if (problem) return { ...bare, ...problem }
  if (answer.kind === 'unknown') return { ...bare, status: 'KEYFAIL', text: 'DNS query failed' }
  const [record, more] = answer.kind === 'found' ? answer.records : []
  if (record === undefined) return { ...bare, status: 'NOKEY', text: 'key not found in DNS' }
  if (more !== undefined) return { ...bare, status: 'KEYFAIL', text: 'multiple keys found' }
  const key = readKey(record, signature)
  if ('status' in key) return { ...bare, ...key }
  const { isTest, noSubdomains, keyBits } = key
  const facts = { signature, isTest, noSubdomains, keyBits }
  if (keyBits < LEAST_BITS && key.key.asymmetricKeyType === 'rsa') {
    return { ...facts, status: 'CANTVRFY', text: 'key too small' }
  }
  return isGood(signature, fields, key.key)
    ? { ...facts, status: 'OK', text: GOOD }
    : { ...facts, status: 'BADSIG', text: 'signature verification failed' }
}

function problemOfTime(
  { signedAt = 0, expiresAt = Infinity }: Signature,
  nowSeconds: number,
): string | undefined {
  if (expiresAt < nowSeconds) return 'signature expired'
  // Clocks differ.
  return signedAt > nowSeconds + 300 ? 'signature timestamp in the future' : undefined
}

interface Key {
  readonly key: KeyObject
  readonly keyBits: number
  readonly isTest: boolean
  readonly noSubdomains: boolean
}

/** RFC 6376 §3.6.1. */
function readKey(
  record: string,
  { algorithm, identity, domain }: Signature,
): Key | { readonly status: DkimStatus; readonly text: string } {
  const tags = readTags(record)
  const tag = (name: string): string => (tags?.get(name) ?? '').replace(/\s+/g, '')
  const type = tag('k').toLowerCase() || 'rsa'
  const [signing = '', hash = ''] = algorithm.split('-')
  const flags = tag('t').toLowerCase().split(':')
  const lists = (name: string, word: string): boolean =>
    !tags?.has(name) || tag(name).toLowerCase().split(':').includes(word) || tag(name) === '*'
  const noSubdomains = flags.includes('s')
  const host = identity.slice(identity.lastIndexOf('@') + 1).toLowerCase()
  if (!tags) return { status: 'KEYFAIL', text: 'malformed DNS reply' }
  if (tags.has('v') && tag('v') !== 'DKIM1')
    return { status: 'CANTVRFY', text: 'unknown key version' }
  if (!tags.has('p')) return { status: 'NOKEY', text: 'key not found in DNS' }
  if (tag('p') === '') return { status: 'REVOKED', text: 'key revoked' }
  if (type !== 'rsa' && type !== 'ed25519') return { status: 'CANTVRFY', text: 'unknown key type' }
  if (type !== signing) return { status: 'CANTVRFY', text: 'signature-key type mismatch' }
  if (!lists('h', hash)) return { status: 'CANTVRFY', text: 'signature-key hash mismatch' }
  if (!lists('s', 'email')) return { status: 'CANTVRFY', text: 'not an e-mail key' }
  if (noSubdomains && host !== domain.toLowerCase()) {
    return { status: 'CANTVRFY', text: 'unauthorized subdomain' }
  }
  try {
    const key = publicKey(type, Buffer.from(tag('p'), 'base64'))
    const keyBits = key.asymmetricKeyDetails?.modulusLength ?? 256
    return { key, keyBits, noSubdomains, isTest: flags.includes('y') }
  } catch {
    // What DNS has there is no key, whatever is wrong with it.
    return { status: 'CANTVRFY', text: 'unable to apply public key' }
  }
}

const ED25519_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

/** A SubjectPublicKeyInfo, or for Ed25519 the octets of the key; some publish a bare RSAPublicKey. */
function publicKey(type: 'rsa' | 'ed25519', octets: Buffer): KeyObject {
  if (type === 'ed25519') {
    const key = octets.length === 32 ? Buffer.concat([ED25519_PREFIX, octets]) : octets
    return checked(createPublicKey({ key, format: 'der', type: 'spki' }), type)
  }
  try {
    return checked(createPublicKey({ key: octets, format: 'der', type: 'spki' }), type)
  } catch {
    // It is tried in its other form.
    return checked(createPublicKey({ key: octets, format: 'der', type: 'pkcs1' }), type)
  }
}

function checked(key: KeyObject, type: string): KeyObject {
  if (key.asymmetricKeyType === type) return key
  throw new TypeError(`not a key of type ${type}`)
}

function isGood(signature: Signature, fields: readonly Field[], key: KeyObject): boolean {
  const { headers, headerForm, field } = signature
  const left = new Map<string, Field[]>()
  for (const each of fields) left.set(each.key, [...(left.get(each.key) ?? []), each])
  const covered = headers.flatMap((name) => left.get(name)?.pop() ?? [])
  const octets = Buffer.from(
    [
      ...covered.map((each) => canonicalField(each, headerForm)),
      canonicalField(unsigned(field), headerForm).replace(/\r\n$/, ''),
    ].join(''),
    'latin1',
  )
  return key.asymmetricKeyType === 'ed25519'
    ? verify(null, createHash('sha256').update(octets).digest(), key, signature.signature)
    : verify('sha256', octets, key, signature.signature)
}

/** The field with the value of `b=` taken out, all else as it is. */
function unsigned({ key, bytes }: Field): Field {
  const text = bytes.toString('latin1')
  const emptied = text.replace(/(^[^:]*:|;)(\s*b\s*=)[^;]*?(\r\n)?($|;)/i, emptyTag)
  return { key, bytes: Buffer.from(emptied, 'latin1') }
}

function emptyTag(_: string, before: string, name: string, lineEnd = '', after: string): string {
  return `${before}${name}${lineEnd}${after}`
}
