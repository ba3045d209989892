// The header that a proxy puts before the octets of its client: version 1, a line of text, or version 2,
// binary (haproxy.org, "The PROXY protocol"). At most 107 and 16 + 65,535 octets. Pure.
import { isIPv4, isIPv6 } from 'node:net'
import type { Peer } from './conversation.ts'

export type ProxyHeader =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'bad' }
  /** `peer` undefined: the header names no client; the connection's own addresses stand. */
  | { readonly kind: 'whole'; readonly length: number; readonly peer: Peer | undefined }

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const FIXED = 16
const MAX_LINE = 107

const INCOMPLETE: ProxyHeader = { kind: 'incomplete' }
const BAD: ProxyHeader = { kind: 'bad' }

/** Reads what has come so far. */
export function readProxyHeader(octets: Buffer): ProxyHeader {
  if (octets.length === 0) return INCOMPLETE
  return octets[0] === SIGNATURE[0] ? readBinary(octets) : readLine(octets)
}

function readLine(octets: Buffer): ProxyHeader {
  const prefix = 'PROXY '.slice(0, octets.length)
  if (octets.toString('latin1', 0, prefix.length) !== prefix) return BAD
  const end = octets.indexOf('\r\n')
  if (end < 0) return octets.length < MAX_LINE ? INCOMPLETE : BAD
  if (end + 2 > MAX_LINE) return BAD
  const length = end + 2
  const [, family, remoteAddress = '', localAddress = '', remotePort, localPort, ...more] = octets
    .toString('latin1', 0, end)
    .split(' ')
  if (family === 'UNKNOWN') return { kind: 'whole', length, peer: undefined }
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isIPv6 : () => false
  const ports = [remotePort, localPort].map((text) =>
    /^\d{1,5}$/.test(text ?? '') ? Number(text) : -1,
  )
  const [from = -1, to = -1] = ports
  const isGood =
    isAddress(remoteAddress) &&
    isAddress(localAddress) &&
    more.length === 0 &&
    ports.every((port) => port >= 0 && port <= 65_535)
  if (!isGood) return BAD
  return {
    kind: 'whole',
    length,
    peer: { remoteAddress, remotePort: from, localAddress, localPort: to },
  }
}

function readBinary(octets: Buffer): ProxyHeader {
  const seen = Math.min(octets.length, SIGNATURE.length)
  if (!octets.subarray(0, seen).equals(SIGNATURE.subarray(0, seen))) return BAD
  if (octets.length < FIXED) return INCOMPLETE
  const [version, command] = [octets[12]! >> 4, octets[12]! & 15]
  if (version !== 2 || command > 1) return BAD
  const length = FIXED + octets.readUInt16BE(14)
  if (octets.length < length) return INCOMPLETE
  // LOCAL: the proxy's own health check.
  if (command === 0) return { kind: 'whole', length, peer: undefined }
  const family = octets[13]! >> 4
  const size = family === 1 ? 4 : family === 2 ? 16 : 0
  if (size === 0) return { kind: 'whole', length, peer: undefined }
  if (length < FIXED + 2 * size + 4) return BAD
  const addressAt = (at: number): string => addressText(octets.subarray(at, at + size))
  const ports = FIXED + 2 * size
  return {
    kind: 'whole',
    length,
    peer: {
      remoteAddress: addressAt(FIXED),
      localAddress: addressAt(FIXED + size),
      remotePort: octets.readUInt16BE(ports),
      localPort: octets.readUInt16BE(ports + 2),
    },
  }
}

function addressText(octets: Buffer): string {
  if (octets.length === 4) return [...octets].join('.')
  const groups = Array.from({ length: 8 }, (_, i) => octets.readUInt16BE(2 * i).toString(16))
  // The URL parser writes an address in its shortest form (RFC 5952).
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1)
}
