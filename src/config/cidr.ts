// IP addresses and CIDR blocks (RFC 4632; RFC 4291 §2.2). An IPv4-mapped IPv6 address (::ffff:a.b.c.d)
// is the IPv4 address, in blocks too, so that a dual-stack listener matches as an IPv4 one would.
// `::/0` therefore holds no IPv4 address.
import { isIPv4, isIPv6 } from 'node:net'

export interface IpAddress {
  readonly family: 4 | 6
  readonly bits: bigint
}

export interface Cidr extends IpAddress {
  /** Length of the network part in bits; `bits` is zero beyond it. */
  readonly prefix: number
}

const WIDTH = { 4: 32, 6: 128 } as const
const MAPPED = 0xffffn
const MAPPED_PREFIX = 96

/** Nothing if the text is no address; a zone (`%eth0`) is left out. */
export function readAddress(text: string): IpAddress | undefined {
  if (isIPv4(text)) return { family: 4, bits: bitsOfIPv4(text) }
  if (!isIPv6(text)) return undefined
  const bits = bitsOfIPv6(text.replace(/%.*$/s, ''))
  return bits >> 32n === MAPPED ? { family: 4, bits: bits & 0xffffffffn } : { family: 6, bits }
}

/** `10.0.0.0/8`, `fd00::/8`, or one host. Bits beyond the prefix are dropped. */
/** As people write it. */
export function addressText({ family, bits }: IpAddress): string {
  const size = family === 4 ? 8n : 16n
  const groups = Array.from({ length: family === 4 ? 4 : 8 }, (_, i) => {
    const at = BigInt((family === 4 ? 3 : 7) - i) * size
    return (bits >> at) & ((1n << size) - 1n)
  })
  if (family === 4) return groups.join('.')
  const full = groups.map((group) => group.toString(16)).join(':')
  return new URL(`http://[${full}]/`).hostname.slice(1, -1)
}

export function readCidr(text: string): Cidr | undefined {
  const [host = '', length, ...rest] = text.split('/')
  const address = readAddress(host)
  if (!address || rest.length > 0) return undefined
  const width = WIDTH[address.family]
  if (length === undefined) return { ...address, prefix: width }
  if (!/^\d{1,3}$/.test(length)) return undefined
  const isMapped = address.family === 4 && host.includes(':')
  const prefix = Number(length) - (isMapped ? MAPPED_PREFIX : 0)
  if (prefix < 0 || prefix > width) return undefined
  const hostBits = BigInt(width - prefix)
  return { family: address.family, bits: (address.bits >> hostBits) << hostBits, prefix }
}

export function holds(block: Cidr, address: IpAddress): boolean {
  if (block.family !== address.family) return false
  const hostBits = BigInt(WIDTH[block.family] - block.prefix)
  return (block.bits ^ address.bits) >> hostBits === 0n
}

function bitsOfIPv4(text: string): bigint {
  return text.split('.').reduce((bits, octet) => (bits << 8n) | BigInt(octet), 0n)
}

function bitsOfIPv6(text: string): bigint {
  const [head = '', tail] = text.split('::')
  const left = groups(head)
  const right = groups(tail ?? '')
  const gap = tail === undefined ? 0 : 8 - left.length - right.length
  return [...left, ...Array<bigint>(gap).fill(0n), ...right].reduce(
    (bits, group) => (bits << 16n) | group,
    0n,
  )
}

/** The 16-bit groups of one side of `::`; a dotted quad at its end is two of them. */
function groups(side: string): bigint[] {
  if (side === '') return []
  return side.split(':').flatMap((group) => {
    if (!group.includes('.')) return [BigInt(`0x${group}`)]
    const quad = bitsOfIPv4(group)
    return [quad >> 16n, quad & 0xffffn]
  })
}
