// Calls of string.format: every conversion with flags, widths and precisions, numbers at all limits.
import fc from 'fast-check'
import { luaLiteral } from './reference.ts'
import { anyOf, finite, number, octetText } from './values.ts'

const flags = fc.string({ unit: fc.constantFrom('-', '+', ' ', '#', '0'), maxLength: 4 })
const digits = (largest: number) =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constant('') },
    { weight: 4, arbitrary: fc.nat(largest).map(String) },
    { weight: 1, arbitrary: fc.nat(150).map(String) },
  )
const precision = fc.option(digits(30), { nil: undefined, freq: 2 })
const conversion = fc.oneof(
  { weight: 20, arbitrary: anyOf('diouxXeEfgGcsq') },
  { weight: 1, arbitrary: fc.constantFrom('%', '', 'y', 'F', 'a', 'l', 'n', 'p', '\0', '\xff') },
)

const specification = fc
  .tuple(flags, digits(40), precision, conversion)
  .map(([flag, width, fraction, letter]) => {
    // C leaves a zero-padded string or character undefined, and libraries differ in it.
    const safe = 'sc'.includes(letter) ? flag.replaceAll('0', '') : flag
    return `%${safe}${width}${fraction === undefined ? '' : `.${fraction}`}${letter}`
  })

const argument = fc.oneof(
  { weight: 8, arbitrary: number },
  { weight: 3, arbitrary: octetText(20).map(luaLiteral) },
  { weight: 1, arbitrary: finite.map((value) => `tostring(${value})`) },
  { weight: 1, arbitrary: fc.constantFrom('nil', 'true', '{}', 'print', '("x"):rep(120)', '') },
)

/** `return string.format(…)` */
export const formatCall = fc
  .array(
    fc.oneof({ weight: 5, arbitrary: specification }, { weight: 1, arbitrary: octetText(3) }),
    {
      minLength: 1,
      maxLength: 3,
    },
  )
  .chain((pieces) =>
    fc
      .array(argument, { minLength: pieces.length, maxLength: pieces.length })
      .map((values) =>
        [luaLiteral(pieces.join('')), ...values.filter((value) => value !== '')].join(', '),
      ),
  )
  .map((list) => `return string.format(${list})`)
