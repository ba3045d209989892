// Private keys that policy signs with: PEM files, and texts as `keybuf` has them, which is a PEM file's
// content on one line without its first and last. RSA or Ed25519.
import { createPrivateKey, type KeyObject } from 'node:crypto'

export type SigningKey =
  | { readonly kind: 'key'; readonly key: KeyObject }
  | { readonly kind: 'unusable'; readonly why: string }

/** Reading a key takes longer than finding it: known ones are kept. */
export function signingKey(text: string): SigningKey {
  const present = known.get(text)
  if (present) return present
  const made = makeKey(text)
  if (known.size >= MAX_KEYS) known.clear()
  known.set(text, made)
  return made
}

const MAX_KEYS = 2048
const known = new Map<string, SigningKey>()

/** RFC 8301 §3.2: verifiers take no shorter one. */
const SHORTEST_RSA = 1024

function makeKey(text: string): SigningKey {
  const key = text.includes('-----BEGIN') ? readKey({ key: text }) : readBare(text)
  if (!key) return { kind: 'unusable', why: 'the key is no private key in PEM format' }
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  if (type !== 'rsa' && type !== 'ed25519') {
    return { kind: 'unusable', why: `a key of type ${type} cannot sign` }
  }
  const bits = details?.modulusLength ?? SHORTEST_RSA
  if (bits >= SHORTEST_RSA) return { kind: 'key', key }
  return { kind: 'unusable', why: `a key of ${bits} bits is too short: 1024 are needed` }
}

/** Base64 of PKCS #8 or, what `openssl genrsa` has always written, PKCS #1. */
function readBare(text: string): KeyObject | undefined {
  const key = Buffer.from(text, 'base64')
  return (
    readKey({ key, format: 'der', type: 'pkcs8' }) ?? readKey({ key, format: 'der', type: 'pkcs1' })
  )
}

function readKey(input: Parameters<typeof createPrivateKey>[0]): KeyObject | undefined {
  try {
    return createPrivateKey(input)
  } catch {
    // OpenSSL's words tell people nothing, and may tell of the key.
    return undefined
  }
}
