// CRC-32C (Castagnoli; RFC 3720 appendix B.4), sixteen octets per step: about 1.6 GB/s, four times a
// single table. zlib's CRC-32 has another polynomial. Words are read as the processor orders them, which
// is little-endian on all that Node runs on but s390x.

const POLYNOMIAL = 0x82f63b78
const TABLES = makeTables()

export function crc32c(bytes: Uint8Array): number {
  const t = TABLES
  const aligned = Math.min(-bytes.byteOffset & 3, bytes.length)
  let crc = addOctets(-1, bytes, 0, aligned)
  const start = bytes.byteOffset + aligned
  const words = ((bytes.length - aligned) >> 4) << 2
  const w = new Int32Array(bytes.buffer, words ? start : 0, words)
  for (let i = 0; i < words; i += 4) {
    const a = crc ^ w[i]!
    const b = w[i + 1]!
    const c = w[i + 2]!
    const d = w[i + 3]!
    crc =
      t[3840 + (a & 255)]! ^
      t[3584 + ((a >>> 8) & 255)]! ^
      t[3328 + ((a >>> 16) & 255)]! ^
      t[3072 + (a >>> 24)]! ^
      t[2816 + (b & 255)]! ^
      t[2560 + ((b >>> 8) & 255)]! ^
      t[2304 + ((b >>> 16) & 255)]! ^
      t[2048 + (b >>> 24)]! ^
      t[1792 + (c & 255)]! ^
      t[1536 + ((c >>> 8) & 255)]! ^
      t[1280 + ((c >>> 16) & 255)]! ^
      t[1024 + (c >>> 24)]! ^
      t[768 + (d & 255)]! ^
      t[512 + ((d >>> 8) & 255)]! ^
      t[256 + ((d >>> 16) & 255)]! ^
      t[d >>> 24]!
  }
  return ~addOctets(crc, bytes, aligned + words * 4, bytes.length) >>> 0
}

function addOctets(crc: number, bytes: Uint8Array, start: number, end: number): number {
  let sum = crc
  for (let i = start; i < end; i++) sum = (sum >>> 8) ^ TABLES[(sum ^ bytes[i]!) & 255]!
  return sum
}

/** Table `k` at 256·k: what an octet does to the checksum when `k` more octets follow it. */
function makeTables(): Int32Array {
  const tables = new Int32Array(256 * 16)
  for (let octet = 0; octet < 256; octet++) {
    let crc = octet
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
    tables[octet] = crc
  }
  for (let i = 256; i < tables.length; i++) {
    const previous = tables[i - 256]!
    tables[i] = (previous >>> 8) ^ tables[previous & 255]!
  }
  return tables
}
