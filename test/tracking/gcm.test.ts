import { createCipheriv, hkdfSync } from 'node:crypto'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type GcmKey,
  type Nonce,
  openGcmKey,
  sealInPlace,
  TAG_LENGTH,
} from '../../src/tracking/gcm.ts'
import { seriesKey, openKeyring } from '../../src/tracking/keyring.ts'

const octets = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((array) => Buffer.from(array))
const some = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array))

/** Sealed by node:crypto: text and tag. */
function sealed(key: Buffer, nonce: Buffer, data: Buffer, text: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  cipher.setAAD(data)
  return Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()])
}

function sealedHere(key: GcmKey, nonce: Nonce, data: Buffer, text: Buffer, before = 0): Buffer {
  const out = Buffer.alloc(before + text.length + TAG_LENGTH)
  text.copy(out, before)
  sealInPlace(key, nonce, data, { out, at: before }, text.length)
  expect(out.subarray(0, before).every((octet) => octet === 0)).toBe(true)
  return out.subarray(before)
}

const octetsOf = ({ range, message, counter }: Nonce): Buffer => {
  const nonce = Buffer.alloc(12)
  nonce[0] = range
  nonce.writeUInt16BE(message, 1)
  nonce.writeUInt32BE(counter, 8)
  return nonce
}

test('any text, nonce and data are sealed as node:crypto seals them', () => {
  const nonces = fc.record({
    range: fc.nat(255),
    message: fc.nat(0xffff),
    counter: fc.nat(2 ** 31),
    step: fc.nat(4),
  })
  fc.assert(
    fc.property(
      octets(32),
      nonces,
      some(80),
      some(300),
      fc.nat(40),
      (key, nonce, data, text, at) => {
        expect(sealedHere(openGcmKey(key), nonce, data, text, at)).toEqual(
          sealed(key, octetsOf(nonce), data, text),
        )
      },
    ),
    { seed: 1, numRuns: 500 },
  )
})

test('texts that follow each other, and others between them, under keys that take turns', () => {
  const one = fc.record({
    key: fc.nat(1),
    message: fc.nat(2),
    by: fc.constantFrom(1, 1, 1, 2, 30),
    step: fc.constantFrom(4, 4, 0),
    length: fc.oneof(fc.nat(150), fc.constant(900), fc.constant(1100)),
  })
  fc.assert(
    fc.property(fc.array(one, { maxLength: 60 }), (texts) => {
      const keys = [1, 2].map((fill) => Buffer.alloc(32, fill))
      const opened = keys.map(openGcmKey)
      const counters = [0, 0]
      for (const { key, message, by, step, length } of texts) {
        const counter = (counters[key] ?? 0) + (step === 0 ? 1 : by * 4)
        if (step > 0) counters[key] = counter
        const nonce = { range: 0, message, counter, step }
        const text = Buffer.alloc(length, 7)
        expect(sealedHere(opened[key]!, nonce, Buffer.of(1), text)).toEqual(
          sealed(keys[key]!, octetsOf(nonce), Buffer.of(1), text),
        )
      }
    }),
    { seed: 1, numRuns: 100 },
  )
})

test('the key of a series is HKDF-SHA-256', () => {
  fc.assert(
    fc.property(octets(32), octets(14), (secret, salt) => {
      const key = seriesKey(openKeyring([{ secret }]).sealing, salt)
      expect(key).toEqual(Buffer.from(hkdfSync('sha256', secret, salt, 'eachrcpt token 1', 32)))
    }),
    { seed: 1, numRuns: 50 },
  )
})
