// Expected values are those of Momentum's Lua.
import { expect, test } from 'vitest'
import { BUDGET, testHost } from './host.ts'

test.each<[string, unknown[]]>([
  [
    'local b = buffer.new(8192) return #b, b:write("hello"), #b, b:string(), tostring(b)',
    [0, 5, 5, 'hello', 'hello'],
  ],
  [
    'local b = buffer.new("hello") return b:string(0, 1), b:string(1, 3), b:string(1), b:string(5)',
    ['h', 'el', 'ello', ''],
  ],
  [
    'local b = buffer.new("hello") return b:string(-1), b:string(100), b:string(0, 100), b:string(3, 2)',
    [undefined, undefined, undefined, undefined],
  ],
  [
    'local b = buffer.new(16) b:write("hello") local s = b:slice(0, 3) return #s, tostring(s), s:write("foo", 0), tostring(s), tostring(b), s:write("x")',
    [3, 'hel', 3, 'foo', 'foolo', 0],
  ],
  [
    'local b = buffer.new(16) b:write("hello") local s = b:slice(2, 3) return tostring(s), b:slice(15, 2), b:slice(-1), b:slice(12)',
    ['llo', undefined, undefined, undefined],
  ],
  [
    'local b = buffer.new(16) b:write("hello") local c = buffer.new(4) return b:copy(c), tostring(c), b:copy(c, 0, 3), tostring(c), b:copy(c, 1, 0, 2), tostring(c), b:copy(c, 0, 10, 10)',
    [4, 'hell', 2, 'lo', 2, 'lhe', 0],
  ],
  [
    'local b = buffer.new(8) b:write("hello") return b:write("HE", 0), #b, b:write("xyz", 7), #b, b:write("x", 9)',
    [2, 2, 1, 8, 0],
  ],
  [
    'local b = buffer.new("from string") return #b, tostring(b), require("buffer") == buffer, type(b)',
    [11, 'from string', true, 'userdata'],
  ],
  [
    'return select("#", buffer.new()), #buffer.new("12"), buffer.new("12"):write(("x"):rep(20))',
    [0, 0, 12],
  ],
  [
    'local b = buffer.new(4) b:write("\\0\\255") return b:string(), buffer.new(3):write(12)',
    ['\0\xff', 2],
  ],
])('%s', (source, expected) => {
  expect(testHost().run(source)).toEqual(expected)
})

test.each([
  ['buffer.new({})', "bad argument #1 to 'new' (number expected, got table)"],
  ['buffer.new(-1)', "bad argument #1 to 'new' (size must not be negative)"],
  ['buffer.new(0/0)', "bad argument #1 to 'new' (size must not be negative)"],
  ['buffer.new(1e12)', 'not enough memory'],
  ['buffer.new(1):write("x", -2)', "bad argument #2 to 'write' (offset must not be negative)"],
  ['buffer.new(1):write(nil)', "bad argument #1 to 'write' (string expected, got nil)"],
  ['buffer.new(1):copy({})', "bad argument #1 to 'copy' (buffer expected)"],
  ['buffer.new(1).write("x")', "calling 'write' on bad self (buffer expected, got string)"],
])('%s raises', (source, message) => {
  expect(testHost().run(`return select(2, pcall(function() ${source} end))`)).toEqual([
    `test.lua:1: ${message}`,
  ])
})

test('room counts as allocated', () => {
  const host = testHost({ budget: { ...BUDGET, allocBytes: 1e6 } })
  expect(() => host.run('local t = {} for i = 1, 11 do t[i] = buffer.new(1e5) end')).toThrow(
    'allocation limit exceeded',
  )
})
