// Numbers and byte strings that generators share.
import fc from 'fast-check'
import { luaLiteral } from './reference.ts'

/** One of some characters. */
export const anyOf = (characters: string): fc.Arbitrary<string> =>
  fc.constantFrom(...characters.split(''))

const LIMITS = [
  0,
  1,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  2 ** 63,
  2 ** 64,
  1e14,
  1e15,
  1e16,
  1e21,
  1e22,
  1e100,
]
const EXTREMES = [5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 1e-7, 1e-5, 1e-4]

// A negative literal may be folded into another constant; tonumber takes no such liberty.
const literal = (value: number): string =>
  value < 0 ? `(-${-value})` : String(value).replace('e+', 'e')

const near = fc
  .tuple(fc.constantFrom(...LIMITS), fc.constantFrom(-1, -0.5, 0, 0.5, 1), fc.constantFrom(-1, 1))
  .map(([limit, step, sign]) => literal((limit + step) * sign || 0))

/** An expression that gives a finite number. */
export const finite = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -1000, max: 1000 }).map(literal) },
  { weight: 2, arbitrary: fc.integer({ min: -9, max: 9 }).map((n) => literal(n / 2)) },
  { weight: 2, arbitrary: near },
  {
    weight: 2,
    arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => literal(n || 0)),
  },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 999_999 }).map((n) => literal(n / 1000)) },
  { weight: 1, arbitrary: fc.constantFrom(...EXTREMES).map(literal) },
)

/** An expression that gives a number. */
export const number = fc.oneof(
  { weight: 12, arbitrary: finite },
  { weight: 1, arbitrary: fc.constantFrom('inf', '(-inf)', 'nan', 'negzero') },
)

/** A byte string in which letters are frequent. */
export function octetText(maxLength: number): fc.Arbitrary<string> {
  const octet = fc.oneof(
    { weight: 6, arbitrary: anyOf('aab ,.-01') },
    {
      weight: 2,
      arbitrary: fc.integer({ min: 32, max: 126 }).map((code) => String.fromCharCode(code)),
    },
    {
      weight: 1,
      arbitrary: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
    },
  )
  return fc.string({ unit: octet, maxLength })
}

/** A literal of a byte string. */
export const text = octetText(12).map(luaLiteral)
