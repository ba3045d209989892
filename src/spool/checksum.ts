// The checksum of what a record holds: CRC-32 of zlib, which runs outside JavaScript at several times the speed
// of our CRC-32C. Headers, which are short, and all records of versions 1 and 2 have the latter.
import { crc32 } from 'node:zlib'
import { crc32c } from './crc32c.ts'

export function checksum(bytes: Buffer): number {
  return crc32(bytes)
}

/** Whether these octets are those that had this sum, of either kind. */
export function isIntact(bytes: Buffer, sum: number): boolean {
  return crc32(bytes) === sum || crc32c(bytes) === sum
}
