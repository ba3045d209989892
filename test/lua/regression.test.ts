// What went wrong once, one test each: found by running random programs against Lua 5.1 and by endless
// loops of every library function.
import { expect, test } from 'vitest'
import { tableOf, isHandle } from '../../src/lua/value.ts'
import { BUDGET, testHost } from './host.ts'

const FOUND: readonly [string, string, unknown[]][] = [
  [
    'a constructor that overwrites a key leaves no second entry, which pairs never got past',
    'local n, t = 0, {[2] = "x", "a", "b"} for k, v in pairs(t) do n = n + 1 if n > 9 then break end end return n, t[2]',
    [2, 'b'],
  ],
  [
    'a nil item of a constructor overwrites an earlier key',
    'local t = {[2] = "x", "a", nil, "c"} return t[2], #t',
    [undefined, 3],
  ],
  [
    'error gives a number its position',
    'return pcall(function() error(42) end)',
    [false, 'test.lua:1: 42'],
  ],
  [
    'coroutine.wrap gives an error the position of its caller',
    'local f = coroutine.wrap(function() error("in", 0) end) return pcall(function() f() end)',
    [false, 'test.lua:1: in'],
  ],
  [
    'values of two types are not ordered by a metamethod',
    'local t = setmetatable({}, {__lt = function() return true end}) return pcall(function() return t < 1 end)',
    [false, 'test.lua:1: attempt to compare table with number'],
  ],
  [
    'tables with different metamethods are not ordered',
    'local t = setmetatable({}, {__lt = function() return true end}) return pcall(function() return t < {} end)',
    [false, 'test.lua:1: attempt to compare two table values'],
  ],
  [
    'a vararg function in a tail call gets its arg',
    'local function f(...) return arg.n, arg[2] end local function g() return f(1, "two") end return g()',
    [2, 'two'],
  ],
  [
    'a closure keeps its own variable when the stack slot is used again',
    'local f = {} for i = 1, 2 do local n = i * 10 f[i] = function() n = n + 1 return n end end return f[1](), f[1](), f[2]()',
    [11, 12, 21],
  ],
  [
    'registers of an earlier call are not seen as missing arguments',
    'local function f(a, b, c) return a, b, c end f(1, 2, 3) return select("#", f(4)), f(4)',
    [3, 4, undefined, undefined],
  ],
  ['a lone closing parenthesis is searched as it stands', 'return ("a)"):find(")")', [2, 2]],
  [
    'a callback that matches itself leaves the captures of gsub alone',
    'return (("ab cd"):gsub("(%a)(%a)", function(x, y) ("zz"):match("(z)(z)") return y .. x end))',
    ['ba dc'],
  ],
  [
    'objects are compared by __eq only if both have the same one',
    'local function t() return setmetatable({}, {__eq = function() return true end}) end return t() == t()',
    [false],
  ],
  [
    'errors name the type of a value whatever its metatable has as __name',
    'local t = setmetatable({}, {__name = "X"}) return select(2, pcall(function() return t + 1 end)), select(2, pcall(string.rep, "x", t))',
    [
      "test.lua:1: attempt to perform arithmetic on upvalue 't' (a table value)",
      "bad argument #2 to '?' (number expected, got table)",
    ],
  ],
  ['constants are reduced as 5.1 does', 'return 5 % 1e999, 1 ^ -(1e999)', [NaN, 1]],
  ['a search from behind the end starts at the end', 'return ("abc"):find("", 10)', [4, 3]],
  ['an empty text is repeated at once', 'return (""):rep(1e9)', ['']],
  [
    'a text is repeated by doubling',
    'return ("abc"):rep(5), ("x"):rep(1)',
    ['abcabcabcabcabc', 'x'],
  ],
  [
    'equal items are sorted to where 5.1 puts them',
    'local t = {} for i = 1, 9 do t[i] = {i} end table.sort(t, function(a, b) return a[1] % 2 < b[1] % 2 end) for i = 1, 9 do t[i] = t[i][1] end return table.concat(t, " ")',
    ['6 8 2 4 7 1 5 3 9'],
  ],
  ['five flags are no repetition', 'return ("%-+ #0d|"):format(1)', ['+1|']],
  [
    'a NUL ends what a conversion gives',
    'return ("%c%s%5s|"):format(0, "a\\0b", "\\0")',
    ['a     |'],
  ],
  ['%g is a letter', 'return ("ag"):find("%g")', [2, 2]],
  ['a position is no back reference', 'return ("aa"):match("()%1")', [undefined]],
  ['a NUL ends a pattern', 'return ("ab"):match("a\\0c")', ['a']],
  ['specials behind a NUL are plain', 'return ("x\\0.y"):find("\\0.", 1)', [2, 3]],
  ['a position too large for an integer is the smallest', 'return ("abc"):sub(1, math.huge)', ['']],
  [
    'an int has 32 bits',
    'return string.char(2^32 + 65), ("x"):rep(2^32 + 2), select(2^32 + 1, 7)',
    ['A', 'xx', 7],
  ],
  ['rep takes no separator', 'return ("x"):rep(2, ",")', ['xx']],
  [
    'the table functions ask no metatable',
    'local t = setmetatable({}, {__newindex = error, __index = error}) table.insert(t, 1) return table.remove(t), unpack(t, 1, 1)',
    [1, undefined],
  ],
  [
    'nil is no key also where __newindex would take it',
    'local t = setmetatable({}, {__newindex = function() end}) return pcall(function() t[nil] = 1 end)',
    [false, 'test.lua:1: table index is nil'],
  ],
  ['0 and -0 are one constant', 'local a, b = 0, -0 return 1 / b', [Infinity]],
  [
    '1 to any power is 1',
    'local nan, one = 0/0, 1 return one ^ nan, 1 ^ (0/0), math.pow(-1, 1/0)',
    [1, 1, 1],
  ],
  [
    'a condition has the line of its end',
    'return pcall(loadstring("local t\\nif t.x\\nthen end", "=c"))',
    [false, "c:2: attempt to index local 't' (a nil value)"],
  ],
  [
    'a method call on nothing names it',
    'local s return pcall(function() s:x() end)',
    [false, "test.lua:1: attempt to index upvalue 's' (a nil value)"],
  ],
  [
    'a plain search finds what begins like a false start',
    'return ("aaab"):find("aab", 1, true), ("abc"):find("", 2, true), ("abcabc"):find("bc", 3, true)',
    [2, 2, 5, 6],
  ],
]

test.each(FOUND)('%s', (_, source, expected) => {
  expect(testHost().run(source)).toEqual(expected)
})

test('a queue does not keep the slots it has left', () => {
  const [queue, first, last] = testHost().run(
    'local q, head = {}, 1 for tail = 1, 50000 do q[tail] = tail if tail > 10 then q[head] = nil head = head + 1 end end return q, q[49991], q[50000]',
  )
  expect([first, last]).toEqual([49_991, 50_000])
  if (!isHandle(queue, 'table')) throw new Error('no table')
  expect(tableOf(queue).array.length).toBeLessThan(1100)
  expect([...queue.entries()]).toHaveLength(10)
})

const COSTLY: readonly [string, string][] = [
  ['plain search', 'local s = ("a"):rep(1e5) while true do s:find("b", 1, true) end'],
  ['insertion at the front', 'local t = {} while true do table.insert(t, 1, 0) end'],
  [
    'unpack',
    'local t = {} t[5000] = 1 while true do local n = select("#", unpack(t, 1, 5000)) end',
  ],
  [
    'string.byte',
    'local s = ("x"):rep(5000) while true do local n = select("#", s:byte(1, -1)) end',
  ],
  ['tonumber', 'local s = ("1"):rep(1e5) while true do tonumber(s) end'],
  ['back references', 'local s = ("a"):rep(1e4) while true do s:find("^(a*)%1b") end'],
  ['sort', 'local t = {} for i = 1, 1000 do t[i] = -i % 7 end while true do table.sort(t) end'],
  [
    'table.concat',
    'local t = {} for i = 1, 1000 do t[i] = "a" end while true do table.concat(t) end',
  ],
]

test.each(COSTLY)('the budget sees what %s costs inside', (_, source) => {
  let looks = 0
  const calls = { count: 0 }
  const host = testHost({ clock: () => looks++, budget: { ...BUDGET, cpuMs: 20 } })
  host.state.setGlobal('count', () => void calls.count++)
  const counted = source.replace('while true do', 'while true do count()')
  expect(() => host.run(counted)).toThrow('processor time limit exceeded')
  // One look at the clock per 10,000 ticks: had each turn cost its two calls only, there were 60,000.
  expect(calls.count).toBeLessThan(12_000)
})

test('a wall-clock kill of a native waiting with arguments does not end the process', async () => {
  const host = testHost({ budget: { ...BUDGET, wallMs: 1 } })
  host.state.setGlobal('ask', () => new Promise<void>(() => {}))
  const source =
    'local m = setmetatable({}, {__index = function(_, k) return ask(k) end, __concat = function() return ask(1) end})'
  await expect(host.wait(`${source} return m.x`)).rejects.toMatchObject({ reason: 'wall' })
  await expect(host.wait('pcall(ask, 5, "x")')).rejects.toMatchObject({ reason: 'wall' })
  await expect(
    host.wait(`${source} local f = coroutine.wrap(function() return pcall(ask, m .. 1) end) f()`),
  ).rejects.toMatchObject({ reason: 'wall' })
  expect(host.run('return 1')).toEqual([1])
})
