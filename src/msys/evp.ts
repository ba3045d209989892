// `msys.evp`: digests and HMACs of OpenSSL, as octets or in hexadecimal.
import { createHash, createHmac, getHashes, type Hash, type Hmac } from 'node:crypto'
import { chargeTicks } from '../lua/budget.ts'
import { LuaCallError } from '../lua/error.ts'
import { toBytes } from '../mail/bytes.ts'
import { declare } from './declaration.ts'
import { string } from './parameter.ts'

const fn = declare<undefined>()

const DIGEST = [string('algorithm'), string('data')] as const
const HMAC = [string('algorithm'), string('key'), string('data')] as const

export const EVP_FUNCTIONS = [
  fn(
    'msys.evp.digest',
    DIGEST,
    { result: 'string', tier: 2, doc: 'the digest of a text, such as `sha256`' },
    (_, [algorithm, data]) => hash('msys.evp.digest', algorithm, data, 'binary'),
  ),
  fn(
    'msys.evp.hex_digest',
    DIGEST,
    { result: 'string', tier: 2, doc: 'the same in hexadecimal' },
    (_, [algorithm, data]) => hash('msys.evp.hex_digest', algorithm, data, 'hex'),
  ),
  fn(
    'msys.evp.hmac',
    HMAC,
    { result: 'string', tier: 2, doc: 'the HMAC of a text' },
    (_, [algorithm, key, data]) => hash('msys.evp.hmac', algorithm, data, 'binary', key),
  ),
  fn(
    'msys.evp.hex_hmac',
    HMAC,
    { result: 'string', tier: 2, doc: 'the same in hexadecimal' },
    (_, [algorithm, key, data]) => hash('msys.evp.hex_hmac', algorithm, data, 'hex', key),
  ),
]

const HASHES = new Set(getHashes().map((name) => name.toLowerCase()))

function hash(
  name: string,
  algorithm: string,
  data: string,
  encoding: 'binary' | 'hex',
  key?: string,
): string {
  if (!HASHES.has(algorithm.toLowerCase())) {
    throw new LuaCallError(`${name}: there is no digest '${algorithm}'`)
  }
  chargeTicks(50 + (data.length >> 4))
  const state: Hash | Hmac =
    key === undefined ? createHash(algorithm) : createHmac(algorithm, toBytes(key))
  return state.update(toBytes(data)).digest(encoding)
}
