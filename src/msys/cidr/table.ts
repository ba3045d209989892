// Values by address block: of the blocks that hold an address the smallest one answers. One look-up for each
// length of block that there is, whatever the number of blocks.
import type { Cidr, IpAddress } from '../../config/cidr.ts'

export interface CidrTable<T> {
  /** What is there first stays. */
  add(block: Cidr, value: T): void
  find(address: IpAddress): T | undefined
  readonly size: number
}

/** By the bits of the block; those of IPv4 fit into a number, which is faster than a bigint. */
type Values<T> = Map<number | bigint, T>

const WIDTHS = { 4: 32, 6: 128 } as const

export function makeCidrTable<T>(): CidrTable<T> {
  const lengths = { 4: new Map<number, Values<T>>(), 6: new Map<number, Values<T>>() }
  // Longest first; made anew when there is another length.
  const ordered: Record<4 | 6, (readonly [number, Values<T>])[]> = { 4: [], 6: [] }
  let size = 0

  return {
    add({ family, bits, prefix }, value) {
      const known = lengths[family].get(prefix)
      const values = known ?? new Map<number | bigint, T>()
      if (!known) {
        lengths[family].set(prefix, values)
        ordered[family] = [...lengths[family]].sort(([a], [b]) => b - a)
      }
      const key = family === 4 ? Number(bits) : bits
      if (values.has(key)) return
      values.set(key, value)
      size++
    },
    find({ family, bits }) {
      const low = Number(family === 4 ? bits : 0n)
      for (const [prefix, values] of ordered[family]) {
        const key = family === 4 ? maskIPv4(low, prefix) : maskBits(bits, prefix)
        const value = values.get(key)
        if (value !== undefined) return value
      }
      return undefined
    },
    get size() {
      return size
    },
  }
}

function maskIPv4(bits: number, prefix: number): number {
  return prefix === 0 ? 0 : (bits & (-1 << (32 - prefix))) >>> 0
}

function maskBits(bits: bigint, prefix: number): bigint {
  const hostBits = BigInt(WIDTHS[6] - prefix)
  return (bits >> hostBits) << hostBits
}
