import { expect, test } from 'vitest'
import { LuaCallError } from '../../src/lua/error.ts'
import { multiple } from '../../src/lua/value.ts'
import { testHost, type TestHost } from './host.ts'

function waitingHost(): TestHost {
  const host = testHost()
  host.state.setGlobal('wait', (value) => Promise.resolve(value))
  host.state.setGlobal('fail', (text) =>
    Promise.reject(new LuaCallError(typeof text === 'string' ? text : '')),
  )
  host.state.setGlobal('broken', () => Promise.reject(new TypeError('oops')))
  host.state.setGlobal('pair', () => Promise.resolve(multiple('a', undefined, 'c')))
  return host
}

test.each([
  ['a plain call', 'return wait(5)', [5]],
  ['several results', 'return pair()', ['a', undefined, 'c']],
  ['twice', 'return wait(1) + wait(2)', [3]],
  ['pcall', 'return pcall(function() return wait(1) end)', [true, 1]],
  ['pcall of the host function', 'return pcall(wait, 2)', [true, 2]],
  ['an error after waiting', 'return pcall(fail, "no")', [false, 'no']],
  ['an error position', 'return pcall(function() fail("no") end)', [false, 'test.lua:1: no']],
  [
    'an error caught after waiting',
    'return pcall(function() wait() error("x", 0) end)',
    [false, 'x'],
  ],
  ['xpcall', 'return xpcall(function() return wait(3) end, print)', [true, 3]],
  [
    'an xpcall handler later',
    'return xpcall(function() fail("a") end, function(m) return "<" .. m .. ">" end)',
    [false, '<test.lua:1: a>'],
  ],
  [
    'an iterator',
    'local n = 0 for i in function(_, i) i = (i or 0) + 1 if i < 4 then return wait(i) end end do n = n + i end return n',
    [6],
  ],
  [
    '__iter',
    `local t = setmetatable({}, {__iter = function() wait()
       return function(last, i) i = (i or 0) + 1 if i <= last then return wait(i) end end, wait(3) end})
     local n = 0 for i in t do n = n + i end for i in t do n = n + i * 10 end return n`,
    [66],
  ],
  [
    '__iter that fails after waiting',
    `local t = setmetatable({}, {__iter = function() fail("closed") end})
     return pcall(function() for i in t do return i end end)`,
    [false, 'test.lua:1: closed'],
  ],
  [
    '__index',
    'return setmetatable({}, {__index = function(_, k) return wait(k) end}).name',
    ['name'],
  ],
  [
    '__newindex',
    'local got local t = setmetatable({}, {__newindex = function(_, k, v) got = wait(v) end}) t.x = 4 return got',
    [4],
  ],
  ['__call', 'return setmetatable({}, {__call = function(_, v) return wait(v) end})(7)', [7]],
  ['__add', 'return setmetatable({}, {__add = function(_, v) return wait(v) end}) + 8', [8]],
  [
    '__concat',
    'return "a" .. "b" .. setmetatable({}, {__concat = function(a) return wait(a .. "!") end})',
    ['ab!'],
  ],
  [
    '__lt',
    'local m = {__lt = function() return wait(true) end} return setmetatable({}, m) < setmetatable({}, m)',
    [true],
  ],
  [
    '__eq',
    'local m = {__eq = function() return wait(true) end} return setmetatable({}, m) == setmetatable({}, m)',
    [true],
  ],
  [
    'a gsub callback',
    'return ("a-b"):gsub("%w", function(c) return wait(c:upper()) end)',
    ['A-B', 2],
  ],
  [
    'table.foreach',
    'local n = 0 table.foreach({1, 2}, function(_, v) n = n + wait(v) end) return n',
    [3],
  ],
  [
    'a coroutine',
    'local f = coroutine.wrap(function() coroutine.yield(wait(1)) return wait(2) end) return f(), f()',
    [1, 2],
  ],
  [
    'a coroutine in a coroutine',
    'return coroutine.wrap(function() return coroutine.wrap(function() return wait(9) end)() end)()',
    [9],
  ],
  [
    'resume',
    'return coroutine.resume(coroutine.create(function() return wait(1), wait(2) end))',
    [true, 1, 2],
  ],
  [
    'resume of a failing one',
    'return coroutine.resume(coroutine.create(function() fail("x") end))',
    [false, 'test.lua:1: x'],
  ],
  [
    'module loading',
    'package.preload.late = function() return { value = wait(3) } end return require("late").value',
    [3],
  ],
])('suspends in %s', async (_, source, results) => {
  await expect(waitingHost().wait(source)).resolves.toEqual(results)
})

test.each([
  ['a sort comparator', 'table.sort({1, 2}, function(a, b) return wait(a < b) end)'],
  ['__tostring', 'tostring(setmetatable({}, {__tostring = function() return wait("x") end}))'],
  ['a chunk reader', 'load(function() return wait(nil) end)'],
  [
    'a coroutine below a sort comparator',
    'table.sort({1, 2}, function() return coroutine.wrap(wait)(true) end)',
  ],
])('raises where it cannot suspend: %s', (_, source) => {
  const host = waitingHost()
  const [ok, message] = host.run(`return pcall(function() ${source} end)`)
  expect([ok, message]).toEqual([
    false,
    expect.stringMatching(/cannot wait here|Lua function expected/),
  ])
})

test('rejects with a plain Lua error when nothing catches it', async () => {
  await expect(waitingHost().wait('fail("no such name")')).rejects.toMatchObject({
    kind: 'runtime',
    message: 'test.lua:1: no such name',
  })
})

test('reports a rejection that is no LuaCallError', async () => {
  const host = waitingHost()
  await expect(host.wait('return pcall(broken)')).resolves.toEqual([
    false,
    'internal error in broken: oops',
  ])
  expect(host.internal).toEqual(['broken: TypeError: oops'])
})

test('interleaves suspended calls of one state', async () => {
  const host = testHost()
  const release: (() => void)[] = []
  host.state.setGlobal('turn', () => new Promise<void>((resolve) => release.push(resolve)))
  const main = host.load('local name = ... print(name .. 1) turn() print(name .. 2) return name')
  const calls = ['a', 'b', 'c'].map(async (name) => host.state.call(main, [name]))
  for (const go of [2, 0, 1]) release[go]?.()
  await expect(Promise.all(calls)).resolves.toEqual([['a'], ['b'], ['c']])
  expect(host.printed).toEqual(['a1', 'b1', 'c1', 'c2', 'a2', 'b2'])
})

test('does not let another call resume a coroutine that waits for the host', async () => {
  const host = testHost()
  let release = (): void => {}
  host.state.setGlobal('turn', () => new Promise<void>((resolve) => (release = resolve)))
  const call = host.wait(
    'co = coroutine.create(function() turn() return "end" end) return coroutine.resume(co)',
  )
  expect(host.run('return coroutine.status(co), coroutine.resume(co)')).toEqual([
    'normal',
    false,
    'cannot resume normal coroutine',
  ])
  release()
  await expect(call).resolves.toEqual([true, 'end'])
})

test('runs other calls while one is suspended inside a nested call of the host', async () => {
  const host = waitingHost()
  const inner = host.load('return wait("inner")')
  host.state.setGlobal('outer', async () => (await host.state.call(inner, []))[0])
  await expect(host.wait('return outer()')).resolves.toEqual(['inner'])
})

test('raises when a script yields outside of its own coroutines', () => {
  expect(testHost().run('return pcall(coroutine.yield, 1)')).toEqual([
    false,
    'attempt to yield across metamethod/C-call boundary',
  ])
})
