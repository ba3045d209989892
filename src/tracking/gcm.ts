// AES-256-GCM (NIST SP 800-38D) for the many short texts that are sealed under one key. Each cipher object
// of node:crypto costs more than all it does to such a text, so there is one for the key, which makes the key stream of
// them all (a block cipher, that is all that GCM asks of AES), and the tag is computed here. What is sealed here is opened
// by node:crypto's own aes-256-gcm, and a test compares the two.
import { type Cipher, createCipheriv } from 'node:crypto'

export const TAG_LENGTH = 16

export interface GcmKey {
  /** AES-256 of whole blocks, each by itself. */
  readonly blocks: Cipher
  /** GHASH's own key: four words, the first octet highest. */
  readonly hash: readonly number[]
  ahead: Ahead | undefined
}

/** Twelve octets: the range, the message's number (16 bits), zeros, the counter (32 bits). None twice under one key. */
export interface Nonce {
  readonly range: number
  readonly message: number
  readonly counter: number
  /** From this counter to that of the next text, of many that are likely to follow; 0: none is. */
  readonly step: number
}

/** Key streams of texts that are likely to follow: a call of the cipher costs as much as a hundred blocks. */
interface Ahead {
  readonly first: Nonce
  /** For each text. */
  readonly blocks: number
  readonly stream: DataView
}

/** Where a text goes. `out` holds what is sealed at `at`, and behind it the tag. */
export interface SealedPlace {
  readonly out: Buffer
  readonly at: number
}

const BLOCK = 16
const AHEAD_TEXTS = 16
/** Texts that follow may be a little longer. */
const SPARE_BLOCKS = 2
const MAX_AHEAD_BLOCKS = 64

/** 32 octets. */
export function openGcmKey(key: Buffer): GcmKey {
  const blocks = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false)
  const zero = blocks.update(Buffer.alloc(BLOCK))
  return { blocks, hash: [0, 4, 8, 12].map((at) => zero.readInt32BE(at)), ahead: undefined }
}

/** Seals the `length` octets of `out` at `at` where they are, and puts the tag behind them. */
export function sealInPlace(
  key: GcmKey,
  nonce: Nonce,
  data: Buffer,
  { out, at }: SealedPlace,
  length: number,
): void {
  const { words: stream, from } = keyStream(key, nonce, 1 + Math.ceil(length / BLOCK))
  const words = wordsOf(out)
  selectKey(key)
  sum.fill(0)
  hashOctets(data)
  // Four octets at a time: to access them costs as much as to access one. The last ones may reach into the tag's place.
  for (let i = 0; i < length; i += 4) {
    const beyond = Math.max(0, i + 4 - length)
    const word = (words.getInt32(at + i) ^ stream.getInt32(from + BLOCK + i)) & (-1 << (8 * beyond))
    words.setInt32(at + i, word)
    addWord(i, word, i + 4 >= length)
  }
  sum[1] = (sum[1] ?? 0) ^ (data.length * 8)
  sum[3] = (sum[3] ?? 0) ^ (length * 8)
  multiply()
  for (let i = 0; i < TAG_LENGTH; i += 4)
    words.setInt32(at + length + i, stream.getInt32(from + i) ^ (sum[i >> 2] ?? 0))
}

function wordsOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length)
}

/** The block that hides the tag, then those for the text, at `from`. */
function keyStream(
  key: GcmKey,
  nonce: Nonce,
  count: number,
): { readonly words: DataView; readonly from: number } {
  const { counter, step } = nonce
  if (step === 0 || count > MAX_AHEAD_BLOCKS) {
    const blocks = key.blocks.update(counterBlocks([counter], nonce, count))
    return { words: wordsOf(blocks), from: 0 }
  }
  const known = key.ahead
  const place = placeAhead(known, nonce)
  if (known && place >= 0 && count <= known.blocks)
    return { words: known.stream, from: place * known.blocks * BLOCK }
  const counters = Array.from({ length: AHEAD_TEXTS }, (_, i) => counter + i * step)
  const blocks = count + SPARE_BLOCKS
  const stream = wordsOf(key.blocks.update(counterBlocks(counters, nonce, blocks)))
  key.ahead = { first: nonce, blocks, stream }
  return { words: stream, from: 0 }
}

/** Which of the texts ahead has the nonce; -1 for none. */
function placeAhead(ahead: Ahead | undefined, { range, message, counter, step }: Nonce): number {
  const first = ahead?.first
  if (first?.range !== range || first.message !== message || first.step !== step) return -1
  const place = (counter - first.counter) / step
  return Number.isInteger(place) && place < AHEAD_TEXTS ? place : -1
}

function counterBlocks(
  counters: readonly number[],
  { range, message }: Nonce,
  count: number,
): Buffer {
  const blocks = Buffer.alloc(counters.length * count * BLOCK)
  const words = wordsOf(blocks)
  let at = 0
  for (const counter of counters) {
    for (let number = 1; number <= count; number++, at += BLOCK) {
      words.setInt32(at, (range << 24) | (message << 8))
      words.setUint32(at + 8, counter)
      words.setInt32(at + 12, number)
    }
  }
  return blocks
}

/** GHASH's sum so far. */
const sum = new Int32Array(4)
/** The products of every octet with the key selected last, four words each (Shoup's tables). */
const products = new Int32Array(256 * 4)
let selected: GcmKey | undefined

/** What an octet that is shifted out of a product comes back as, at its upper end. */
const REDUCTIONS = Int32Array.from({ length: 256 }, (_, octet) => {
  const words = Int32Array.of(0, 0, 0, octet)
  for (let bit = 0; bit < 8; bit++) timesX(words, 0, words, 0)
  return words[0] ?? 0
})

function selectKey(key: GcmKey): void {
  if (selected === key) return
  selected = key
  products.set(key.hash, 128 * 4)
  for (let octet = 64; octet > 0; octet >>= 1) timesX(products, octet * 8, products, octet * 4)
  for (let octet = 2; octet < 256; octet <<= 1) {
    for (let low = 1; low < octet; low++) {
      for (let word = 0; word < 4; word++) {
        products[(octet + low) * 4 + word] =
          (products[octet * 4 + word] ?? 0) ^ (products[low * 4 + word] ?? 0)
      }
    }
  }
}

/** In GCM's order of bits that is a shift to the right. */
function timesX(from: Int32Array, at: number, to: Int32Array, place: number): void {
  const [a = 0, b = 0, c = 0, d = 0] = from.subarray(at, at + 4)
  to[place] = (a >>> 1) ^ (d & 1 ? 0xe1000000 : 0)
  to[place + 1] = (b >>> 1) | (a << 31)
  to[place + 2] = (c >>> 1) | (b << 31)
  to[place + 3] = (d >>> 1) | (c << 31)
}

/** Whole blocks; the last is filled up with zeros. */
function hashOctets(octets: Buffer): void {
  for (let at = 0; at < octets.length; at += 4) {
    let word = 0
    for (let i = at; i < at + 4; i++) word = (word << 8) | (octets[i] ?? 0)
    addWord(at, word, at + 4 >= octets.length)
  }
}

/** The four octets at `at` of a text. */
function addWord(at: number, word: number, isLast: boolean): void {
  const place = (at >> 2) & 3
  sum[place] = (sum[place] ?? 0) ^ word
  if (isLast || place === 3) multiply()
}

/** The sum times the key, octet by octet from its end. */
function multiply(): void {
  // What is the function's own is read once, what is the module's each time.
  const table = products
  const reductions = REDUCTIONS
  let a = 0
  let b = 0
  let c = 0
  let d = 0
  for (let word = 3; word >= 0; word--) {
    let octets = sum[word] ?? 0
    for (let i = 0; i < 4; i++) {
      const at = (octets & 0xff) << 2
      const out = reductions[d & 0xff] ?? 0
      d = ((d >>> 8) | (c << 24)) ^ (table[at + 3] ?? 0)
      c = ((c >>> 8) | (b << 24)) ^ (table[at + 2] ?? 0)
      b = ((b >>> 8) | (a << 24)) ^ (table[at + 1] ?? 0)
      a = (a >>> 8) ^ out ^ (table[at] ?? 0)
      octets >>>= 8
    }
  }
  sum[0] = a
  sum[1] = b
  sum[2] = c
  sum[3] = d
}
