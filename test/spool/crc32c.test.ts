import { describe, expect, test } from 'vitest'
import { crc32c } from '../../src/spool/crc32c.ts'

describe('crc32c', () => {
  // RFC 3720 appendix B.4, and the check value of the catalogue of CRCs.
  test.each([
    ['nothing', Buffer.alloc(0), 0],
    ['123456789', Buffer.from('123456789'), 0xe3069283],
    ['32 zeros', Buffer.alloc(32), 0x8a9136aa],
    ['32 octets 0xFF', Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['0 to 31', Buffer.from([...Array(32).keys()]), 0x46dd794e],
    ['31 to 0', Buffer.from([...Array(32).keys()].reverse()), 0x113fdb5c],
  ])('of %s', (_, bytes, sum) => {
    expect(crc32c(bytes)).toBe(sum)
  })

  test('is the same as bit by bit, wherever the octets begin and end', () => {
    const bytes = Buffer.from([...Array(120).keys()].map((i) => (i * 151) & 255))
    for (let start = 0; start < 8; start++) {
      for (let end = start; end <= bytes.length; end++) {
        const part = bytes.subarray(start, end)
        expect(crc32c(part)).toBe(plainCrc(part))
      }
    }
  })
})

function plainCrc(bytes: Buffer): number {
  let crc = -1
  for (const octet of bytes) {
    crc ^= octet
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return ~crc >>> 0
}
