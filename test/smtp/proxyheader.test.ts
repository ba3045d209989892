// Headers of the PROXY protocol, both versions.
import { describe, expect, test } from 'vitest'
import { readProxyHeader } from '../../src/smtp/proxyheader.ts'

const SIGNATURE = '0d0a0d0a000d0a515549540a'
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

const PEER = {
  remoteAddress: '192.0.2.7',
  remotePort: 5000,
  localAddress: '198.51.100.1',
  localPort: 25,
}

const V2 = hex(`${SIGNATURE} 21 11 000c c0000207 c6336401 1388 0019`)

describe('version 1', () => {
  test.each([
    ['PROXY TCP4 192.0.2.7 198.51.100.1 5000 25\r\n', PEER],
    [
      'PROXY TCP6 2001:db8::7 2001:db8::1 5000 25\r\n',
      { ...PEER, remoteAddress: '2001:db8::7', localAddress: '2001:db8::1' },
    ],
    ['PROXY UNKNOWN\r\n', undefined],
    ['PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n', undefined],
  ])('%j', (line, peer) => {
    const octets = Buffer.from(`${line}EHLO x\r\n`)
    expect(readProxyHeader(octets)).toEqual({ kind: 'whole', length: line.length, peer })
    for (let end = 0; end < line.length; end++) {
      expect(readProxyHeader(octets.subarray(0, end))).toEqual({ kind: 'incomplete' })
    }
  })

  test.each([
    'EHLO x\r\n',
    'PROXY\r\n',
    'PROXY TCP4 192.0.2.7 198.51.100.1 5000\r\n',
    'PROXY TCP4 192.0.2.7 198.51.100.1 5000 25 9\r\n',
    'PROXY TCP4 2001:db8::7 198.51.100.1 5000 25\r\n',
    'PROXY TCP6 192.0.2.7 198.51.100.1 5000 25\r\n',
    'PROXY TCP4 192.0.2.7 198.51.100.1 70000 25\r\n',
    'PROXY TCP4 192.0.2.7 198.51.100.1 -1 25\r\n',
    `PROXY TCP4 ${'1'.repeat(200)}`,
    'proxy TCP4 192.0.2.7 198.51.100.1 5000 25\r\n',
  ])('%j is bad', (line) => {
    expect(readProxyHeader(Buffer.from(line))).toEqual({ kind: 'bad' })
  })
})

describe('version 2', () => {
  test('IPv4, octet by octet', () => {
    for (let end = 0; end < V2.length; end++) {
      expect(readProxyHeader(V2.subarray(0, end))).toEqual({ kind: 'incomplete' })
    }
    expect(readProxyHeader(V2)).toEqual({ kind: 'whole', length: 28, peer: PEER })
  })

  test('IPv6 with further fields', () => {
    const address = (end: string): string => `20010db8${'0'.repeat(22)}${end}`
    const octets = hex(
      `${SIGNATURE} 21 21 0029 ${address('07')} ${address('01')} 1388 0019 04 0002 ffff`,
    )
    expect(readProxyHeader(octets)).toEqual({
      kind: 'whole',
      length: 57,
      peer: { ...PEER, remoteAddress: '2001:db8::7', localAddress: '2001:db8::1' },
    })
  })

  test.each([
    ['LOCAL', `${SIGNATURE} 20 11 000c c0000207 c6336401 1388 0019`, 28],
    ['a Unix socket', `${SIGNATURE} 21 31 0002 0000`, 18],
    ['an unknown family', `${SIGNATURE} 21 00 0000`, 16],
  ])('%s names no client', (_, text, length) => {
    expect(readProxyHeader(hex(text))).toEqual({ kind: 'whole', length, peer: undefined })
  })

  test.each([
    ['another version', `${SIGNATURE} 11 11 000c c0000207 c6336401 1388 0019`],
    ['another command', `${SIGNATURE} 22 11 000c c0000207 c6336401 1388 0019`],
    ['a length that is too short', `${SIGNATURE} 21 11 0004 c0000207`],
    ['a broken signature', '0d0a0d0a000d0a515549540b'],
  ])('%s is bad', (_, text) => {
    expect(readProxyHeader(hex(text))).toEqual({ kind: 'bad' })
  })
})
