// Data files of rbldnsd, line by line.
import { describe, expect, test } from 'vitest'
import { rbldnsdReader } from '../../src/msys/cidr/rbldnsd.ts'
import { makeCidrTable } from '../../src/msys/cidr/table.ts'
import { readAddress, readCidr } from '../../src/config/cidr.ts'

const blocksIn = (line: string) => {
  const entry = rbldnsdReader()(line)
  if (!entry) return entry
  return entry.blocks.map(({ bits, prefix }) => `${dotted(bits)}/${prefix}`).join(' ')
}
const dotted = (bits: bigint) => [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 255n).join('.')

describe('what an entry is about', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1/32'],
    ['192.0.2.0/24', '192.0.2.0/24'],
    ['192.0.2.77/24 text', '192.0.2.0/24'],
    ['192.0.2', '192.0.2.0/24'],
    ['10', '10.0.0.0/8'],
    ['10.1/12', '10.0.0.0/12'],
    ['10.79.0.0:127.0.0.9:listed', '10.79.0.0/32'],
    ['192.0.2.1-192.0.2.4', '192.0.2.1/32 192.0.2.2/31 192.0.2.4/32'],
    ['192.0.2.0-255', '192.0.2.0/24'],
    ['192.0.2-3', '192.0.2.0/23'],
    ['0.0.0.0-255.255.255.255', '0.0.0.0/0'],
    ['192.0.2.4-192.0.2.1', false],
    ['host.example', false],
    ['1.2.3.4.5', false],
    ['300.1.2.3', false],
    ['192.0.2.0/33', false],
    ['# comment', undefined],
    ['; comment', undefined],
    ['$SOA 3000 ns.example', undefined],
    ['', undefined],
  ])('%s', (line, expected) => {
    expect(blocksIn(line)).toBe(expected)
  })

  test('an IPv6 address is parted from its value by a blank', () => {
    const entry = rbldnsdReader()('2001:db8::/32 :127.0.0.4:six')
    expect(entry).toEqual({
      blocks: [readCidr('2001:db8::/32')],
      value: { a: '127.0.0.4', txt: 'six' },
    })
  })
})

describe('its value', () => {
  test.each([
    ['192.0.2.1', { a: '127.0.0.2', txt: '' }],
    ['192.0.2.1 :127.0.0.9:listed: see $', { a: '127.0.0.9', txt: 'listed: see $' }],
    ['192.0.2.1:5:short', { a: '127.0.0.5', txt: 'short' }],
    ['192.0.2.1 :127.0.0.9', { a: '127.0.0.9', txt: '' }],
    ['192.0.2.1 just a text', { a: '127.0.0.2', txt: 'just a text' }],
    ['192.0.2.1 # comment', { a: '127.0.0.2', txt: '' }],
    ['!192.0.2.1', undefined],
  ])('%s', (line, expected) => {
    expect(rbldnsdReader()(line)).toMatchObject({ value: expected })
  })

  test('comes from the last line that begins with a colon when there is none', () => {
    const read = rbldnsdReader()
    expect(read(':127.0.0.7:see http://x/$')).toBeUndefined()
    expect(read('192.0.2.1')).toMatchObject({ value: { a: '127.0.0.7', txt: 'see http://x/$' } })
    expect(read('192.0.2.2 own')).toMatchObject({ value: { a: '127.0.0.7', txt: 'own' } })
  })
})

test.each([
  ['192.0.2.1', 'host'],
  ['192.0.2.2', 'net'],
  ['198.51.100.1', 'all'],
  ['::ffff:192.0.2.1', 'host'],
  ['2001:db8::1', 'six'],
  ['2001:db9::1', undefined],
])('of the blocks that hold %s the smallest answers: %s', (address, expected) => {
  const table = makeCidrTable<string>()
  for (const [block, value] of [
    ['192.0.2.0/24', 'net'],
    ['192.0.2.1', 'host'],
    ['192.0.2.1/32', 'again'],
    ['0.0.0.0/0', 'all'],
    ['2001:db8::/32', 'six'],
  ] as const) {
    table.add(readCidr(block) ?? { family: 4, bits: 0n, prefix: 32 }, value)
  }
  expect(table.size).toBe(4)
  expect(table.find(readAddress(address) ?? { family: 4, bits: 0n })).toBe(expected)
})
