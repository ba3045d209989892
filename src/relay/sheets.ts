// Memory for copies on their way, used again: Node would get new memory for each, outside of the heap, and so much of
// that brings on collections of all of it.

export interface Sheets {
  /** As `Buffer.allocUnsafe`; for `giveBack` afterwards, or not. */
  take(octets: number): Buffer
  /** Nobody else may hold it, or a part of it, any more. */
  giveBack(sheet: Buffer): void
}

/** Smaller ones Node cuts from a larger piece by itself, larger ones are rare. */
const LEAST = 4096
const MOST = 262_144
/** Octets that lie here unused. */
const MAX_KEPT = 8_388_608

export function makeSheets(): Sheets {
  /** By their size, a power of two. */
  const free = new Map<number, ArrayBufferLike[]>()
  let kept = 0
  return {
    take(octets) {
      if (octets < LEAST || octets > MOST) return Buffer.allocUnsafe(octets)
      const size = sizeFor(octets)
      const memory = free.get(size)?.pop()
      if (!memory) return Buffer.allocUnsafeSlow(size).subarray(0, octets)
      kept -= size
      return Buffer.from(memory, 0, octets)
    },
    giveBack({ buffer, byteOffset, length }) {
      const size = sizeFor(length)
      const isSheet = length >= LEAST && length <= MOST
      const isWhole = byteOffset === 0 && buffer.byteLength === size
      if (!isSheet || !isWhole || kept + size > MAX_KEPT) return
      kept += size
      const same = free.get(size)
      if (same) same.push(buffer)
      else free.set(size, [buffer])
    },
  }
}

function sizeFor(octets: number): number {
  return 2 ** (32 - Math.clz32(octets - 1))
}
