// string.find, match, gmatch and gsub with generated patterns, sound and malformed, and subjects that often match.
import fc from 'fast-check'
import { luaLiteral } from './reference.ts'
import { anyOf } from './values.ts'

const letter = fc.oneof(
  { weight: 6, arbitrary: anyOf('aabbc ,.-01xyZ') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '\0',
      '\n',
      '\x7f',
      '\xe9',
      '\xff',
      '(',
      ')',
      '[',
      ']',
      '%',
      '^',
      '$',
    ),
  },
)
const subject = fc.string({ unit: letter, maxLength: 12 })

const classes = anyOf('acdlpsuwxzgACDLPSUWXZG').map((name) => `%${name}`)
const escaped = anyOf('.%-+*?[]()^$ab').map((name) => `%${name}`)
const member = fc.oneof(
  letter,
  classes,
  escaped,
  fc.constantFrom('a-c', '0-9', 'a-', '-z', 'z-a', '%a-z', '\x80-\xff', ']', '^'),
)
const set = fc
  .tuple(fc.constantFrom('', '', '^'), fc.array(member, { minLength: 1, maxLength: 4 }))
  .map(([not, members]) => `[${not}${members.join('')}]`)
const single = fc.oneof(
  { weight: 4, arbitrary: anyOf('aabc .,x0') },
  { weight: 2, arbitrary: fc.constant('.') },
  { weight: 2, arbitrary: classes },
  { weight: 1, arbitrary: escaped },
  { weight: 2, arbitrary: set },
  { weight: 1, arbitrary: letter },
)
const quantified = fc
  .tuple(single, fc.constantFrom('', '', '', '*', '+', '-', '?'))
  .map((parts) => parts.join(''))
const special = fc.oneof(
  fc.constantFrom('%bab', '%b()', '%b  ', '%b[]', '%1', '%2', '()', '^', '$', '%bxx'),
  set.map((members) => `%f${members}`),
)
const malformed = fc.constantFrom(
  '%',
  '[',
  '[a',
  '[^',
  '(',
  ')',
  '%b',
  '%bx',
  '%f',
  '%fa',
  '%0',
  '%9',
  '[%',
  '(()',
  '%f[',
  '[]',
  '[a-',
  '((',
  '[]]',
  '[^]',
)

const item: fc.Memo<string> = fc.memo((depth) => {
  const flat = fc.oneof(
    { weight: 8, arbitrary: quantified },
    { weight: 2, arbitrary: special },
    { weight: 1, arbitrary: malformed },
  )
  if (depth <= 1) return flat
  return fc.oneof(
    { weight: 5, arbitrary: flat },
    {
      weight: 1,
      arbitrary: fc.array(item(depth - 1), { maxLength: 3 }).map((items) => `(${items.join('')})`),
    },
  )
})

const pattern = fc
  .tuple(
    fc.constantFrom('', '', '', '^'),
    fc.array(item(3), { maxLength: 4 }),
    fc.constantFrom('', '', '', '$'),
  )
  .map(([start, items, end]) => start + items.join('') + end)

const start = fc.oneof(
  { weight: 3, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: fc.integer({ min: -14, max: 14 }).map((n) => `, ${n}`) },
)
const limit = fc.oneof(
  { weight: 3, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: fc.integer({ min: -1, max: 4 }).map((n) => `, ${n}`) },
)
const replacement = fc.oneof(
  fc
    .array(fc.oneof(letter, fc.constantFrom('%0', '%1', '%2', '%9', '%%', '%a', '%', '<', '>')), {
      maxLength: 5,
    })
    .map((parts) => luaLiteral(parts.join(''))),
  fc.constantFrom(
    '{ a = "A", b = false, [1] = "one", [""] = "empty", ab = 12 }',
    'setmetatable({}, { __index = function(_, k) return "<" .. tostring(k) .. ">" end })',
    'function(...) return select("#", ...) .. ":" .. tostring((...)) end',
    'function(a, b) if a == "a" then return nil end return b end',
    'function() return {} end',
    'function() return true end',
    '7',
    'nil',
  ),
)

/** A call with a pattern; gmatch calls give all matches, of which an endless number is impossible. */
export const patternCall = fc.oneof(
  fc
    .tuple(fc.constantFrom('find', 'match'), subject, pattern, start)
    .map(
      ([name, text, sought, from]) =>
        `return string.${name}(${luaLiteral(text)}, ${luaLiteral(sought)}${from})`,
    ),
  fc
    .tuple(subject, fc.oneof(pattern, subject), start)
    .map(
      ([text, sought, from]) =>
        `return string.find(${luaLiteral(text)}, ${luaLiteral(sought)}${from === '' ? ', 1' : from}, true)`,
    ),
  fc
    .tuple(subject, pattern, replacement, limit)
    .map(
      ([text, sought, by, most]) =>
        `return string.gsub(${luaLiteral(text)}, ${luaLiteral(sought)}, ${by}${most})`,
    ),
  fc
    .tuple(subject, pattern)
    .map(
      ([text, sought]) =>
        `local t = {} for a, b, c in string.gmatch(${luaLiteral(text)}, ${luaLiteral(sought)}) do t[#t + 1] = { a, b, c } end return t`,
    ),
)
