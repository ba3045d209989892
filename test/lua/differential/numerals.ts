// Texts that are numbers or nearly so, converted by tonumber, by arithmetic and by the lexer.
import fc from 'fast-check'
import { IS_THRLUA, luaLiteral } from './reference.ts'
import { anyOf } from './values.ts'

const digits = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: anyOf('0123456789'), maxLength: 5 }) },
  {
    weight: 1,
    arbitrary: fc.string({ unit: anyOf('0123456789'), minLength: 17, maxLength: 25 }),
  },
  {
    weight: 1,
    arbitrary: fc.string({ unit: anyOf('01234567'), maxLength: 24 }).map((d) => `0${d}`),
  },
)
const hexadecimal = fc
  .string({ unit: anyOf('0123456789abcdefABCDEF'), maxLength: 18 })
  .map((d) => `0x${d}`)
const exponent = fc
  .tuple(fc.constantFrom('e', 'E', 'p'), fc.constantFrom('', '+', '-'), digits)
  .map((parts) => parts.join(''))
const word = fc.constantFrom(
  'inf',
  'nan',
  'Infinity',
  'NaN(1_a)',
  'infinit',
  '0x',
  'e5',
  '.',
  '',
  '1_0',
  '5x',
  '0b1',
)

const numeral = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(digits, fc.constantFrom('', '.'), fc.constantFrom('', '5', '25', '0'))
      .map((p) => p.join('')),
  },
  { weight: 2, arbitrary: fc.tuple(digits, exponent).map((p) => p.join('')) },
  {
    weight: 1,
    arbitrary: fc.tuple(digits, fc.constant('.'), digits, exponent).map((p) => p.join('')),
  },
  { weight: 2, arbitrary: hexadecimal },
  {
    weight: 1,
    arbitrary: fc
      .tuple(hexadecimal, fc.constantFrom('', '.', '.8', '.f'), fc.option(exponent, { nil: '' }))
      .map((p) => p.join('')),
  },
  { weight: 1, arbitrary: word },
)
const blank = fc.oneof(
  { weight: 5, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: fc.string({ unit: anyOf(' \t\n\v\f\r\0'), maxLength: 3 }) },
)
const sign = fc.constantFrom('', '', '', '-', '+', '--', '- ')

const written = fc
  .tuple(
    blank,
    sign,
    numeral,
    blank,
    fc.oneof(
      { weight: 8, arbitrary: fc.constant('') },
      { weight: 1, arbitrary: fc.constantFrom('x', ' 1', '\0x', '_', 'L') },
    ),
  )
  .map((parts) => parts.join(''))

/** Whether stock Lua reads a text otherwise: octal, where the dialect has it. */
const isOctal = (text: string): boolean => /(?:^|[^\d.a-fA-F])-?0\d|0[xX]|0[eE]/.test(` ${text}`)

const base = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('', ', 10', ', 16', ', 8', ', 2') },
  { weight: 1, arbitrary: fc.integer({ min: -1, max: 40 }).map((n) => `, ${n}`) },
)

/** Conversions of a text. */
export const conversion = fc
  .oneof(
    fc
      .tuple(written, base)
      .map(([text, radix]) => ({ text, source: `return tonumber(${luaLiteral(text)}${radix})` })),
    written.map((text) => ({
      text,
      source: `return ${luaLiteral(text)} + 0, -${luaLiteral(text)}`,
    })),
    written.map((text) => ({ text, source: `return ("abcdef"):sub(${luaLiteral(text)})` })),
    fc
      .tuple(numeral, fc.constantFrom('', ' ', 'x', '_', '..', '..1'))
      .map(([text, rest]) => ({ text, source: `return ${text}${rest}` })),
  )
  .filter(({ text }) => IS_THRLUA || !isOctal(text))
  .map(({ source }) => source)
