// What the interpreter does in place of a call or remembers of an earlier run must not be seen.
import { expect, test } from 'vitest'
import { testHost } from './host.ts'

const PROGRAMS: readonly [string, string, unknown[]][] = [
  [
    'one instruction reads many tables',
    'local s = "" for _, t in ipairs({{x = 1}, {x = 2}, {y = 3}, setmetatable({}, {__index = {x = 4}})}) do s = s .. tostring(t.x) .. " " end return s',
    ['1 2 nil 4 '],
  ],
  [
    'a field that was removed is not read again',
    'local t = {x = 1} local function f() return t.x end f() t.x = nil local gone = f() t.x = 2 return gone, f()',
    [undefined, 2],
  ],
  [
    'a field that was removed is not written to',
    'local t = {x = 1} local function f(v) t.x = v end f(2) t.x = nil f(3) local n = 0 for k in pairs(t) do n = n + 1 end return t.x, n',
    [3, 1],
  ],
  [
    'a field written after its removal meets __newindex',
    'local log = {} local t = setmetatable({x = 1}, {__newindex = function(_, k, v) log[k] = v end}) local function f(v) t.x = v end f(2) f(nil) f(5) return t.x, log.x',
    [undefined, 5],
  ],
  [
    'a global that was replaced is read anew',
    'local function f() return v end v = 1 local a = f() v = 2 local b = f() v = nil return a, b, f()',
    [1, 2, undefined],
  ],
  [
    'a method of an object hides that of its class, from the moment on that it has one',
    'local C = {m = function() return "class" end} C.__index = C local o = setmetatable({}, C) local function f() return o:m() end local a = f() o.m = function() return "object" end return a, f()',
    ['class', 'object'],
  ],
  [
    'a method of a class that was replaced is called anew',
    'local C = {m = function() return 1 end} C.__index = C local o = setmetatable({}, C) local function f() return o:m() end local a = f() C.m = function() return 2 end local b = f() C.__index = {m = function() return 3 end} return a, b, f()',
    [1, 2, 3],
  ],
  [
    'methods of strings may be replaced and added',
    'local function f() return ("x"):twice() end string.twice = function(s) return s .. s end local a = f() string.twice = function(s) return s .. "!" end return a, f()',
    ['xx', 'x!'],
  ],
  [
    'a metamethod set as a field of a metatable in use takes effect',
    'local m = {} local t = setmetatable({}, m) local a = t.x local function set(k, v) m[k] = v end set("other", 1) m.__index = function() return "found" end return a, t.x',
    [undefined, 'found'],
  ],
  [
    'pairs may clear what it visits',
    'local t, n = {1, 2, 3, a = 4, b = 5}, 0 for k in pairs(t) do t[k] = nil n = n + 1 end return n, next(t)',
    [5, undefined],
  ],
  [
    'further variables of pairs and ipairs are nil in each turn',
    'local r for k, v, x, y in pairs({7}) do r = tostring(x) .. tostring(y) x, y = 1, 2 end for i, v, x in ipairs({7, 8}) do r = r .. tostring(x) x = 1 end return r',
    ['nilnilnilnil'],
  ],
  [
    'ipairs ends at the first nil and takes a control variable that is given',
    'local f, t = ipairs({1, 2, nil, 4}) local s = "" for i, v in f, t, 1 do s = s .. i .. "=" .. v end return s',
    ['2=2'],
  ],
  [
    'next as an iterator complains of a table that is none',
    'return pcall(function() for k in next, 5 do end end)',
    [false, "test.lua:1: bad argument #1 to '(for generator)' (table expected, got number)"],
  ],
  [
    'a slot assigned behind the end of an array is its next item',
    'local t = {} for i = 1, 3 do t[i] = i * 2 end t[5] = 10 t[4] = 8 return #t, t[5]',
    [5, 10],
  ],
  [
    'fractions and negative numbers are keys like others',
    'local t = {1, 2} t[1.5] = "half" t[-1] = "minus" t[0] = "zero" return #t, t[1.5], t[-1], t[0], t[3]',
    [2, 'half', 'minus', 'zero', undefined],
  ],
]

test.each(PROGRAMS)('%s', (_, source, results) => {
  expect(testHost().run(source)).toEqual(results)
})
