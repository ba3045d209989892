// Keys to sign with, and a verifier that is not ours.
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { dkimVerify } from 'mailauth'

export const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 })
export const ED25519 = generateKeyPairSync('ed25519')

export const pem = (key: KeyObject): string => String(key.export({ type: 'pkcs8', format: 'pem' }))

/** As `keybuf` wants it: one line, without the lines around it. */
export const oneLine = (key: KeyObject): string => pem(key).replace(/-----[^-]+-----|\s/g, '')

/** What a receiver makes of the signatures in a message, the topmost first: `pass`, or what is wrong. */
export async function verifyDkim(message: Buffer, publicKey = RSA.publicKey): Promise<string[]> {
  const isEd25519 = publicKey.asymmetricKeyType === 'ed25519'
  const der = publicKey.export({ type: 'spki', format: 'der' })
  const key = (isEd25519 ? der.subarray(-32) : der).toString('base64')
  const record = `v=DKIM1; k=${isEd25519 ? 'ed25519' : 'rsa'}; p=${key}`
  const { results } = await dkimVerify(message, { resolver: async () => [[record]] })
  return results.map(({ status }) => [status.result, status.comment].filter(Boolean).join(': '))
}

/** The tags of a DKIM-Signature field, blanks removed. */
export function dkimTags(field: string): Record<string, string> {
  const value = field.slice(field.indexOf(':') + 1).replace(/\s/g, '')
  return Object.fromEntries(value.split(';').map((tag) => tag.split(/=(.*)/s).slice(0, 2)))
}
