// Addresses that no host of the public internet has (IANA special-purpose registries, RFC 6890): a URL that
// somebody else can influence must not lead there. Forms that carry an IPv4 address inside an IPv6 one
// (mapped, 6to4, Teredo, NAT64) count as reserved, but for the mapped one, which is the IPv4 address.
import { holds, readAddress, readCidr } from './cidr.ts'

/** Also for what is no address at all. */
export function isReservedAddress(text: string): boolean {
  const address = readAddress(text)
  return address === undefined || BLOCKS.some((block) => holds(block, address))
}

const BLOCKS = [
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24',
  '192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15',
  '198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4',
  '::/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16 3fff::/20 5f00::/16 fc00::/7',
  'fe80::/10 fec0::/10 ff00::/8',
].flatMap((line) => line.split(' ').flatMap((block) => readCidr(block) ?? []))
