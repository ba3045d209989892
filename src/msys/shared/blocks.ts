// Sums of address blocks: kept for each length of block that has been asked for, so that asking again takes no
// longer with a hundred thousand addresses than with one.
import { addTo, countedIn, emptyWindows, subtract, type Windows } from './windows.ts'

export interface Blocks {
  /** The sums of a block, by its bits from the left. */
  find(bits: bigint, prefix: number): Windows | undefined
  /** Another address, with what it has counted so far. */
  join(key: string, windows: Windows): void
  add(key: string, window: number, count: number): void
  leave(key: string, windows: Windows): void
}

interface Block {
  keys: number
  readonly windows: Windows
}

/** Another length takes the place of the one that was asked for first. */
const MOST_LENGTHS = 8

/** Of addresses of `width` bits; `all` are those that there are, by their bits in hexadecimal. */
export function makeBlocks(width: number, all: ReadonlyMap<string, Windows>): Blocks {
  const lengths = new Map<number, Map<bigint, Block>>()
  const bitsOf = (key: string, prefix: number): bigint =>
    BigInt(`0x${key}`) >> BigInt(width - prefix)
  const blocksOf = (prefix: number): Map<bigint, Block> => {
    const known = lengths.get(prefix)
    if (known) return known
    const [first] = lengths.keys()
    if (first !== undefined && lengths.size >= MOST_LENGTHS) lengths.delete(first)
    const blocks = new Map<bigint, Block>()
    for (const [key, windows] of all) joinBlock(blocks, bitsOf(key, prefix), windows)
    lengths.set(prefix, blocks)
    return blocks
  }

  return {
    find: (bits, prefix) => blocksOf(prefix).get(bits >> BigInt(width - prefix))?.windows,
    join(key, windows) {
      for (const [prefix, blocks] of lengths) joinBlock(blocks, bitsOf(key, prefix), windows)
    },
    add(key, window, count) {
      for (const [prefix, blocks] of lengths) {
        const block = blocks.get(bitsOf(key, prefix))
        if (block) addTo(block.windows, window, count)
      }
    },
    leave(key, windows) {
      for (const [prefix, blocks] of lengths) leaveBlock(blocks, bitsOf(key, prefix), windows)
    },
  }
}

function joinBlock(blocks: Map<bigint, Block>, bits: bigint, windows: Windows): void {
  const { length } = windows.sums
  const block = blocks.get(bits) ?? { keys: 0, windows: emptyWindows(length, windows.newest) }
  blocks.set(bits, block)
  block.keys++
  for (const { window, count } of countedIn(windows)) addTo(block.windows, window, count)
}

function leaveBlock(blocks: Map<bigint, Block>, bits: bigint, windows: Windows): void {
  const block = blocks.get(bits)
  if (!block) return
  block.keys--
  if (block.keys === 0) blocks.delete(bits)
  else subtract(block.windows, windows)
}
