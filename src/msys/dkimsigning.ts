// A DKIM signature over a copy as it will be sent: for policy (msys.validate.opendkim.sign) and for the
// stanzas that sign by configuration.
import { fromBytes } from '../mail/bytes.ts'
import { splitAddress } from '../mail/address.ts'
import { signMessage, type SignatureOptions } from '../mime/dkim.ts'
import { prependFields } from '../mime/header.ts'
import { contentOf, replaceFields } from './content.ts'
import { asciiDomain } from './dkimoptions.ts'
import { signingKey, type SigningKey } from './dkimkey.ts'
import type { MessageHandle } from './handle.ts'
import { readAddresses } from './headeredit.ts'

export interface SigningRequest extends Pick<
  SignatureOptions,
  'domain' | 'selector' | 'headerForm' | 'bodyForm' | 'headers' | 'hasLength' | 'identity'
> {
  readonly digest: string | undefined
  /** From now, or since 1970; none or 0: it does not expire. */
  readonly expirySeconds: number | undefined
}

/** A lifetime of more seconds than this is a time. */
const LONGEST_LIFETIME = 1_000_000_000

/** Puts it on top of the header; gives the reason when there is none to make. */
export function signContent(
  msg: MessageHandle,
  request: SigningRequest,
  found: SigningKey,
  nowMs: number,
): string | undefined {
  const { digest, domain, expirySeconds = 0, identity } = request
  const content = contentOf(msg)
  if (identity !== undefined && !isWithin(identity, domain)) {
    return `the identity ${identity} is not below ${domain}`
  }
  if (found.kind === 'unusable') return found.why
  const { key } = found
  const isEd25519 = key.asymmetricKeyType === 'ed25519'
  if (digest && digest.startsWith('ed25519') !== isEd25519)
    return `the key is not one for ${digest}`
  const signedAt = Math.floor(nowMs / 1000)
  const from = expirySeconds > LONGEST_LIFETIME ? 0 : signedAt
  const expiresAt = expirySeconds === 0 ? undefined : from + expirySeconds
  const field = signMessage(content, { ...request, key, signedAt, expiresAt })
  replaceFields(msg, prependFields(content.fields, [{ ...field, isOwn: true }]))
  return undefined
}

/** Of the first address in Sender, else in From. */
export function authorDomain({ current: { fields } }: MessageHandle): string | undefined {
  const [address] = ['Sender', 'From'].flatMap((name) => readAddresses(fields, name, (all) => all))
  return asciiDomain(splitAddress(address ?? '').domain)
}

/** What a key file holds. */
export function keyIn(source: Buffer, path: string): SigningKey {
  const found = signingKey(fromBytes(source))
  return found.kind === 'key' ? found : { ...found, why: `${path}: ${found.why}` }
}

/** Whether an address is one of the domain, or of one below it. */
function isWithin(identity: string, domain: string): boolean {
  const at = identity.lastIndexOf('@')
  const own = asciiDomain(identity.slice(at + 1))
  return at >= 0 && (own === domain || own?.endsWith(`.${domain}`) === true)
}
