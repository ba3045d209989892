// Programs with tokens lost, doubled, exchanged or foreign, and token soup: what compiles, and the error where
// it does not. Literals of every kind, finished or not, are among the tokens.
import fc from 'fast-check'
import { IS_THRLUA, luaLiteral } from './reference.ts'
import { program, written } from './programs.ts'

const KEYWORDS =
  'and break do else elseif end false for function if in local nil not or repeat return then true until while goto continue x y'
const SYMBOLS = '+ - * / % ^ # == ~= <= >= < > = ( ) { } [ ] ; : , . .. ... // :: @ $ ? ` --'
const DIALECT_SYMBOLS = '! != & | ^^ << >> ~ \\ && || +='
const NUMERALS =
  '0 1 .5 5. 1e5 1e 1e+ 0x 0xg 0xA 3x 3..2 1.2.3 0xffffffff 1e400 99999999999999999999 5_ 1p3'
const DIALECT_NUMERALS = '010 08 0777 00.5 00 0e1 0.0 01e1 0o7 0xffffffffffffffff'
const STRINGS = [
  '"a"',
  "'b'",
  '"a',
  "'b",
  '"a\nb"',
  '"a\\\nb"',
  '"\\a\\b\\f\\n\\r\\t\\v\\\\\\"\\\'"',
  '"\\q\\.\\-"',
  '"\\065\\1\\10x"',
  '"\\256"',
  '"\\99999"',
  '"a\\',
  '"\0b"',
  '[[a]]',
  '[[a',
  '[==[a]]]==]',
  '[=[a]==]',
  '[=a',
  '[=',
  '[[\na]]',
  '[[\r\na\n\rb\rc]]',
  '[[a[[b]]',
  '[=[a[[b]]]=]',
  ']]',
  ']=]',
  '"\xe9\xff"',
]
const DIALECT_STRINGS = [
  '"\\x41\\xfF"',
  '"\\x4"',
  '"\\xg1"',
  '"\\u0041"',
  '"\\u20AC"',
  '"\\u00010348"',
  '"\\u10ffff"',
  '"\\u41"',
  '"a\\uD83Dz"',
  '"\\z x"',
  '"\\u00110000"',
  '"\\uFFFFFFFF"',
  '"\\u000080"',
]
const COMMENTS = [
  '-- c\n',
  '--[[ c ]]',
  '--[[ c',
  '--[==[ c ]] ]==]',
  '--[= c\n',
  '--[==',
  '--',
  '---[[\n',
  '--]]\n',
]
const FOREIGN = [
  '\x01',
  '\x7f',
  '\xa0',
  '\xc2\xa0',
  '\xe2\x80\x9c',
  '\xff',
  '\f',
  '\v',
  '\r',
  '\r\n',
  '\n\r',
  '\n\n',
]

const words = (text: string): string[] => text.split(' ')
const token = fc.constantFrom(
  ...words(KEYWORDS),
  ...words(SYMBOLS),
  ...words(NUMERALS),
  ...STRINGS,
  ...COMMENTS,
  ...FOREIGN,
  ...(IS_THRLUA ? [...words(DIALECT_SYMBOLS), ...words(DIALECT_NUMERALS), ...DIALECT_STRINGS] : []),
)

const soup = fc
  .tuple(
    fc.constantFrom('', '', 'x = ', 'return ', 'local x, y = ', 'f(', 'if x then '),
    fc.array(token, { maxLength: 6 }),
    fc.constantFrom('', ' '),
  )
  .map(([start, tokens, blank]) => start + tokens.join(blank))

const change = fc.record({
  at: fc.nat(),
  kind: fc.constantFrom('drop', 'double', 'swap', 'insert', 'replace', 'cut'),
  token,
})

const damaged = fc
  .tuple(program, fc.array(change, { minLength: 1, maxLength: 2 }), fc.nat())
  .map(([tokens, changes, seed]) =>
    written(
      changes.reduce((list, { at, kind, token: other }) => {
        const index = at % (list.length + 1)
        if (kind === 'cut') return list.slice(0, index)
        const removed = kind === 'drop' || kind === 'replace' || kind === 'swap' ? 1 : 0
        const added = {
          drop: [],
          double: list.slice(index, index + 1),
          swap: list.slice(index + 1, index + 3).reverse(),
          insert: [other],
          replace: [other],
        }[kind]
        return list.toSpliced(index, removed, ...added)
      }, tokens),
      seed,
    ),
  )

const literal = fc.constantFrom(
  ...STRINGS,
  ...words(NUMERALS),
  ...(IS_THRLUA ? [...DIALECT_STRINGS, ...words(DIALECT_NUMERALS)] : []),
)

/** What loadstring says of a text, and what literals give. */
export const compilation = fc.oneof(
  { weight: 4, arbitrary: soup.map(verdict) },
  { weight: 2, arbitrary: damaged.map(verdict) },
  { weight: 1, arbitrary: literal.map((text) => `return ${text}`) },
)

function verdict(text: string): string {
  return `local f, e = loadstring(${luaLiteral(text)}, "=c") return f and true, e`
}
