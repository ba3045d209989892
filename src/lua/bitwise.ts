// Bitwise operators: operands are truncated to 64-bit integers, results are doubles again. Small
// operands, which is all of them in practice, never become a BigInt.

const MIN = -(2n ** 63n)
const LIMIT = 2 ** 63

/** The 64-bit integer that C's cast gives: truncated; out of range and NaN the smallest. */
export function toInt64(value: number): bigint {
  return value >= -LIMIT && value < LIMIT ? BigInt(Math.trunc(value)) : MIN
}

/** The unsigned one: negative numbers wrap around, what is 2^64 or more gives 0, NaN 2^63. */
export function toUint64(value: number): bigint {
  if (value >= 2 * LIMIT) return 0n
  return value >= LIMIT ? BigInt(value) : BigInt.asUintN(64, toInt64(value))
}

export const bitwise = {
  and: (a: number, b: number): number =>
    small(a) && small(b) ? a & b : wide(a, b, (x, y) => x & y),
  or: (a: number, b: number): number =>
    small(a) && small(b) ? a | b : wide(a, b, (x, y) => x | y),
  xor: (a: number, b: number): number =>
    small(a) && small(b) ? a ^ b : wide(a, b, (x, y) => x ^ y),
  shl: (a: number, b: number): number => shift(a, b),
  shr: (a: number, b: number): number => shift(a, -b),
}

const small = (value: number): boolean => (value | 0) === value

const wide = (a: number, b: number, operate: (x: bigint, y: bigint) => bigint): number =>
  Number(BigInt.asIntN(64, operate(toInt64(a), toInt64(b))))

// 64 and more is undefined in the dialect: all bits are shifted out.
const shift = (value: number, by: number): number => {
  const count = Math.trunc(by) || 0
  if (small(value) && count <= 0 && count > -32) return value >> -count
  if (count >= 64) return 0
  const bits = toInt64(value)
  if (count <= -64) return bits < 0n ? -1 : 0
  return Number(BigInt.asIntN(64, count >= 0 ? bits << BigInt(count) : bits >> BigInt(-count)))
}
