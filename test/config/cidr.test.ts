import { BlockList, isIP } from 'node:net'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { holds, readAddress, readCidr } from '../../src/config/cidr.ts'

describe('readCidr', () => {
  test.each<[string, string, boolean]>([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.1.2.3/8', '10.9.9.9', true],
    ['127.0.0.1', '127.0.0.1', true],
    ['127.0.0.1', '127.0.0.2', false],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['0.0.0.0/0', '::1', false],
    ['::/0', '2001:db8::1', true],
    ['::/0', '203.0.113.9', false],
    ['::1', '::1', true],
    ['::1', '0:0:0:0:0:0:0:1', true],
    ['fd82:7796:815b:af9d::', 'fd82:7796:815b:af9d::', true],
    ['2001:db8::/33', '2001:db8:7fff::1', true],
    ['2001:db8::/33', '2001:db8:8000::1', false],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['::ffff:10.0.0.0/104', '10.1.2.3', true],
    ['::ffff:10.0.0.0/104', '11.1.2.3', false],
    ['::ffff:10.1.2.3', '10.1.2.3', true],
    ['::ffff:a01:203', '10.1.2.3', true],
  ])('%s and %s: %s', (block, address, expected) => {
    expect(holds(readCidr(block)!, readAddress(address)!)).toBe(expected)
  })

  test.each([
    '',
    'x',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0/8',
    '::/129',
  ])('refuses %j', (text) => expect(readCidr(text)).toBeUndefined())

  test.each(['10.0.0.0/255.0.0.0', '[::1]', '010.0.0.1', '::ffff:10.0.0.0/8', '*'])(
    'refuses %j',
    (text) => expect(readCidr(text)).toBeUndefined(),
  )

  test('agrees with node:net on random addresses and blocks', () => {
    const ip = fc.oneof(
      fc.ipV4(),
      fc.ipV6().filter((a) => !/^[0:]*ffff:/i.test(a)),
    )
    fc.assert(
      fc.property(ip, ip, fc.nat(), fc.boolean(), (network, other, length, near) => {
        const width = isIP(network) === 4 ? 32 : 128
        const prefix = length % (width + 1)
        const address = near ? network.replace(/[0-9a-f]$/i, '1') : other
        const list = new BlockList()
        list.addSubnet(network, prefix, isIP(network) === 4 ? 'ipv4' : 'ipv6')
        const isSameFamily = isIP(address) === isIP(network)
        const expected = isSameFamily && list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6')
        expect(holds(readCidr(`${network}/${prefix}`)!, readAddress(address)!)).toBe(expected)
      }),
      { seed: 20_260_103, numRuns: 1000 },
    )
  })
})
