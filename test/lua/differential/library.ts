// Calls of the string and table functions, `select` and `unpack`, with indices at all limits.
import fc from 'fast-check'
import { number, text } from './values.ts'

const index = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: -8, max: 8 }).map((n) => `(${n})`) },
  { weight: 1, arbitrary: number },
  { weight: 1, arbitrary: fc.constantFrom('"2"', 'nil', '"x"', '{}', 'true') },
)
const small = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -3, max: 8 }).map((n) => `(${n})`) },
  { weight: 1, arbitrary: fc.constantFrom('2.9', '-0.5', '(-inf)', '"3"', 'nil') },
)
const list = fc
  .array(fc.oneof(text, number, fc.constantFrom('nil', 'true', '{}')), { maxLength: 5 })
  .map((items) => `{ ${items.join(', ')} }`)
const words = fc
  .array(fc.oneof(text, number), { maxLength: 5 })
  .map((items) => `{ ${items.join(', ')} }`)
const call = (name: string, ...args: fc.Arbitrary<string>[]): fc.Arbitrary<string> =>
  fc.tuple(fc.nat(args.length * 4), ...args).map(([cut, ...given]) => {
    // Mostly all arguments, now and then fewer.
    const count = cut === 0 ? given.length - 1 : given.length
    return `return ${name}(${given.slice(0, count).join(', ')})`
  })

/** `return name(…)` */
export const libraryCall = fc.oneof(
  call('string.sub', text, index, index),
  call('string.byte', text, index, index),
  call('string.rep', text, small),
  call('string.char', small, index, number),
  call('string.reverse', text),
  call('string.upper', text),
  call('string.lower', text),
  call('string.len', text),
  call('select', index, text, text, number),
  call('select', fc.constant('"#"'), text, text, number),
  call('unpack', list, small, small),
  call('table.concat', words, text, small, small),
  call('table.concat', list, text),
  call('table.maxn', list),
  call('table.getn', list),
  call('math.floor', number),
  call('math.ceil', number),
  call('math.fmod', number, number),
  call('math.modf', number),
  call('math.max', number, number, text),
  call('math.min', number, number, number),
  call('math.abs', index),
  call('math.frexp', number),
  call('math.ldexp', number, index),
  call('tostring', number),
  call('tostring', text),
  call('type', list),
  call('rawequal', number, number),
  call('next', list),
  call('assert', fc.constantFrom('nil', 'false', '1', '"x"'), text),
  call(
    'error',
    fc.oneof(text, number, fc.constantFrom('nil', 'true')),
    fc.constantFrom('0', '1', '2', 'nil'),
  ),
  fc
    .tuple(
      number,
      fc.constantFrom('+', '-', '*', '/', '%', '..', '<', '<=', '==', '~='),
      fc.oneof(number, text),
    )
    .map(([a, op, b]) => `return ${a} ${op} ${b}`),
  // The last digits of a power differ between libraries.
  fc
    .tuple(number, number)
    .map(([a, b]) => `local p = ${a} ^ ${b} return p == p and string.format("%.14g", p)`),
  fc
    .tuple(text, fc.constantFrom('<', '<=', '>', '>=', '==', '..', '+'), text)
    .map(([a, op, b]) => `return ${a} ${op} ${b}`),
)
