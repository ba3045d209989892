import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { openGcmKey, sealInPlace, TAG_LENGTH } from '../../src/tracking/gcm.ts'
import { messageKey, openKeyring } from '../../src/tracking/keyring.ts'

const octets = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((array) => Buffer.from(array))
const some = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array))

/** Sealed by node:crypto: text and tag. */
function sealed(key: Buffer, nonce: Buffer, data: Buffer, text: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  cipher.setAAD(data)
  return Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()])
}

function sealedHere(key: Buffer, nonce: Buffer, data: Buffer, text: Buffer, before = 0): Buffer {
  const out = Buffer.alloc(before + text.length + TAG_LENGTH)
  text.copy(out, before)
  sealInPlace(openGcmKey(key), nonce, data, { out, at: before }, text.length)
  expect(out.subarray(0, before).every((octet) => octet === 0)).toBe(true)
  return out.subarray(before)
}

// NIST's test vector for 256 bits with associated data (McGrew and Viega, test case 16).
test('the published vector', () => {
  const hex = (text: string): Buffer => Buffer.from(text, 'hex')
  const text = hex(
    'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39',
  )
  const key = hex('feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308')
  const data = hex('feedfacedeadbeeffeedfacedeadbeefabaddad2')
  expect(sealedHere(key, hex('cafebabefacedbaddecaf888'), data, text).toString('hex')).toBe(
    '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662' +
      '76fc6ece0f4e1768cddf8853bb2d551b',
  )
})

test('any text, nonce and data are sealed as node:crypto seals them', () => {
  fc.assert(
    fc.property(
      octets(32),
      octets(12),
      some(80),
      some(300),
      fc.nat(40),
      (key, nonce, data, text, at) => {
        expect(sealedHere(key, nonce, data, text, at)).toEqual(sealed(key, nonce, data, text))
      },
    ),
    { seed: 1, numRuns: 500 },
  )
})

test('keys may take turns', () => {
  const keys = [1, 2].map((fill) => Buffer.alloc(32, fill))
  const opened = keys.map(openGcmKey)
  const nonce = Buffer.alloc(12, 3)
  const text = Buffer.from('the same text')
  for (const i of [0, 1, 0, 1, 1, 0]) {
    const out = Buffer.concat([text, Buffer.alloc(TAG_LENGTH)])
    sealInPlace(opened[i]!, nonce, Buffer.of(), { out, at: 0 }, text.length)
    const decipher = createDecipheriv('aes-256-gcm', keys[i]!, nonce)
    decipher.setAuthTag(out.subarray(text.length))
    expect(decipher.update(out.subarray(0, text.length), undefined, 'utf8')).toBe('the same text')
    decipher.final()
  }
})

test('the key of a message is HKDF-SHA-256', () => {
  fc.assert(
    fc.property(octets(32), octets(16), (secret, salt) => {
      const key = messageKey(openKeyring([{ secret }]).sealing, salt)
      expect(key).toEqual(Buffer.from(hkdfSync('sha256', secret, salt, 'eachrcpt token 1', 32)))
    }),
    { seed: 1, numRuns: 50 },
  )
})
