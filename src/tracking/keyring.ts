// The master keys of link tokens, in order: the first that is neither retired nor denied seals; all of them
// open but those that are denied, whose links lead nowhere any more.
// A key is named in tokens by 3 octets derived from it, so operators name nothing and nothing clashes
// by mistake. The keys that seal come from HKDF-SHA-256 (RFC 5869) over the master key and the first octets of a
// message's salt, its series: messages of one process share one until their numbers are used up.
import { createHmac, hkdfSync } from 'node:crypto'

export interface MasterKey {
  readonly secret: Buffer
  readonly retired: boolean
  readonly denied: boolean
  /** What tokens call it: `KEY_ID_LENGTH` octets as a byte string. */
  readonly id: string
}

export interface Keyring {
  readonly keys: readonly MasterKey[]
  readonly sealing: MasterKey
}

/** Part of every token; a new format takes a new number, and both are opened. */
export const TOKEN_VERSION = 1
export const KEY_ID_LENGTH = 3

const MIN_SECRET_LENGTH = 16

/** Throws when no key may seal, or one is too short or is there twice: a fault of the configuration. */
export function openKeyring(
  keys: readonly {
    readonly secret: Buffer
    readonly retired?: boolean
    readonly denied?: boolean
  }[],
): Keyring {
  const opened = keys.map(({ secret, retired = false, denied = false }): MasterKey => {
    if (secret.length < MIN_SECRET_LENGTH) {
      throw new Error(`a tracking key needs at least ${MIN_SECRET_LENGTH} octets`)
    }
    return { secret, retired, denied, id: keyId(secret) }
  })
  if (new Set(opened.map((key) => key.id)).size < opened.length) {
    throw new Error('a tracking key is listed twice')
  }
  const sealing = opened.find((key) => !key.retired && !key.denied)
  if (!sealing) throw new Error('no tracking key that is neither retired nor denied')
  return { keys: opened, sealing }
}

export function findKey(keyring: Keyring, id: string): MasterKey | undefined {
  return keyring.keys.find((key) => key.id === id)
}

/** The AES-256 key of a series. Those asked for last are kept. */
export function seriesKey(master: MasterKey, series: Buffer): Buffer {
  const known = seriesKeys.get(master) ?? new Map<string, Buffer>()
  seriesKeys.set(master, known)
  const name = series.toString('latin1')
  const present = known.get(name)
  if (present) return present
  const oldest = known.size >= MAX_KNOWN ? known.keys().next() : undefined
  if (oldest && !oldest.done) known.delete(oldest.value)
  const key = deriveKey(master.secret, series)
  known.set(name, key)
  return key
}

const seriesKeys = new WeakMap<MasterKey, Map<string, Buffer>>()
const MAX_KNOWN = 256

/** HKDF for one block of output. Written out, because the library's takes more than twice the time. */
function deriveKey(secret: Buffer, salt: Buffer): Buffer {
  const extracted = createHmac('sha256', salt).update(secret).digest()
  return createHmac('sha256', extracted).update(SERIES_KEY_INFO).digest()
}

const SERIES_KEY_INFO = Buffer.from(`eachrcpt token ${TOKEN_VERSION}\x01`)

function keyId(secret: Buffer): string {
  const id = hkdfSync('sha256', secret, '', 'eachrcpt key id', KEY_ID_LENGTH)
  return Buffer.from(id).toString('latin1')
}
