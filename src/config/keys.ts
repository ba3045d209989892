// Keys that seal tracking links: `tracking_keys = [ id = "secret" old = ( "secret" retired ) stolen =
// ( "secret" denied ) ]`. A secret is written in hex or base64, or as the path of a file that holds it so or raw; at least 16 octets.
import { readFileSync } from 'node:fs'
import type { Text } from './tree.ts'
import { readPath, type Type } from './value.ts'

/** The first one without a state seals. */
export interface TrackingKey {
  readonly id: string
  readonly secret: Buffer
  /** `retired`: only opens; `denied`: not even that, its links are dead. */
  readonly state: 'retired' | 'denied' | undefined
}

const STATES = ['retired', 'denied'] as const

const LEAST_OCTETS = 16
const MOST_OCTETS = 4096

export const KEYS: Type<readonly TrackingKey[]> = {
  expected:
    'a dictionary [ id = "secret" ] or [ id = ( "secret" retired|denied ) ], each secret 16 octets or more ' +
    'in hex, in base64, or in a readable file',
  isSecret: true,
  read(value, folder) {
    if (value.kind !== 'dictionary') return undefined
    const keys: TrackingKey[] = []
    for (const [id, item] of value.entries) {
      const [secret, word, ...rest]: readonly Text[] = item.kind === 'text' ? [item] : item.items
      const state = STATES.find((each) => each === word?.text.toLowerCase())
      const octets = secret && (readSecret(secret.text) ?? readSecretFile(secret.text, folder))
      if (!octets || rest.length > 0 || (word !== undefined && !state)) return undefined
      keys.push({ id, secret: octets, state })
    }
    return keys
  },
}

function readSecret(text: string): Buffer | undefined {
  if (/^(?:[0-9a-f]{2})+$/i.test(text)) return longEnough(Buffer.from(text, 'hex'))
  // Without padding a slash makes it a path: `/etc/tracking/key` is in the alphabet of base64.
  if (text.includes('/') && !text.endsWith('=')) return undefined
  const octets = Buffer.from(text, 'base64')
  const isCanonical = octets.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '')
  return isCanonical ? longEnough(octets) : undefined
}

function readSecretFile(text: string, folder: string): Buffer | undefined {
  try {
    const octets = readFileSync(readPath(text, folder))
    if (octets.length > MOST_OCTETS) return undefined
    return readSecret(octets.toString('latin1').trim()) ?? longEnough(octets)
  } catch {
    // Neither a secret nor a file: the caller names the option and its place.
    return undefined
  }
}

function longEnough(octets: Buffer): Buffer | undefined {
  return octets.length >= LEAST_OCTETS ? octets : undefined
}
