// The module system of Lua 5.1 as Momentum's scripts use it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testHost } from './host.ts'

let root: string

const FILES: Readonly<Record<string, string>> = {
  'inbound/limits.lua':
    'module("inbound.limits", package.seeall) function check() return _NAME, _PACKAGE, _M == inbound.limits, type(print) end',
  'silent.lua': 'loads = (loads or 0) + 1',
  'table.lua': 'return { value = ... }',
  'false.lua': 'loads = (loads or 0) + 1 return false',
  'sets.lua': 'package.loaded[...] = "set by itself"',
  'plain.lua': 'module("plain") value = 1',
  'shebang.lua': '#!/usr/bin/lua\nreturn debug.getinfo(1, "l").currentline',
  'syntax.lua': '\nlocal = 1',
  'loop.lua': 'require("loop")',
  'fails.lua': '\nerror("at load")',
  'slow.lua': 'loads = (loads or 0) + 1 pause() return "slow"',
  'bom.lua': '\xef\xbb\xbfreturn "after the mark"',
}

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'lua-module-'))
  mkdirSync(join(root, 'inbound'))
  for (const [name, text] of Object.entries(FILES)) {
    writeFileSync(join(root, name), Buffer.from(text, 'latin1'))
  }
})

afterAll(() => rmSync(root, { recursive: true }))

const host = () => testHost({ roots: [root] })

describe('require', () => {
  test.each<[string, unknown[]]>([
    ['return require("inbound.limits").check()', ['inbound.limits', 'inbound.', true, 'function']],
    [
      'require("inbound.limits") return inbound.limits == package.loaded["inbound.limits"], inbound.limits._NAME',
      [true, 'inbound.limits'],
    ],
    ['return require("silent"), require("silent"), loads', [true, true, 1]],
    [
      'return require("table").value, require("table") == package.loaded.table, rawget(_G, "table") == table',
      ['table', true, true],
    ],
    ['return require("false"), require("false"), loads', [false, false, 2]],
    ['return require("sets")', ['set by itself']],
    ['local m = require("plain") return m == plain, m.value, m.print', [true, 1, undefined]],
    ['return require("bom"), require("shebang")', ['after the mark', 2]],
    ['require("inbound/limits") return inbound.limits._NAME', ['inbound.limits']],
    [
      'package.preload.made = function(name) return name .. "!" end return require("made")',
      ['made!'],
    ],
    [
      'table.insert(package.loaders, function(name) return function() return "found " .. name end end) return require("any")',
      ['found any'],
    ],
    [
      'table.insert(package.loaders, 1, function(name) return "\\n\\ta hint" end) return (select(2, pcall(require, "x")):match("a hint"))',
      ['a hint'],
    ],
    ['return package.config, package.cpath', ['/\n;\n?\n!\n-', '']],
  ])('%s', (source, expected) => {
    // A library of that name is there already.
    const { run } = host()
    run('package.loaded.table = nil')
    expect(run(source)).toEqual(expected)
  })

  test.each([
    ['require("loop")', "loop or previous error loading module 'loop'"],
    ['require("fails")', 'at load'],
    ['pcall(require, "fails") require("fails")', "loop or previous error loading module 'fails'"],
    ['require("syntax")', "/syntax.lua:2: '<name>' expected near '='"],
    ['require({})', "bad argument #1 to 'require' (string expected, got table)"],
    ['package.loaders = 1 require("x")', "'package.loaders' must be a table"],
    ['package.preload = 1 require("x")', "'package.preload' must be a table"],
  ])('%s raises', (source, message) => {
    const [ok, text] = host().run(`return pcall(function() ${source} end)`)
    expect([ok, text]).toEqual([false, expect.stringContaining(message)])
  })

  test('tells every path that it searched', () => {
    const { run } = testHost({ roots: [root, '/nowhere'] })
    expect(run('return pcall(require, "x.y")')).toEqual([
      false,
      `module 'x.y' not found:\n\tno field package.preload['x.y']\n\tno file '${root}/x/y.lua'\n\tno file '/nowhere/x/y.lua'`,
    ])
  })

  test('the error of a module has its own position', () => {
    expect(host().run('return pcall(require, "fails")')).toEqual([
      false,
      `${root}/fails.lua:2: at load`,
    ])
  })

  test('gives modules of the host, which are globals without being asked for', () => {
    const h = host()
    h.state.defineModule('json', { encode: () => '{}' })
    h.state.defineModule('msys.extended.message', {})
    expect(
      h.run(
        'local core = require("msys.extended.message") require("json") return json.encode(), core == msys.extended.message',
      ),
    ).toEqual(['{}', true])
  })

  test('a module that waits while it is loaded is loaded once, and nobody sees it half', async () => {
    const h = host()
    const pauses: (() => void)[] = []
    h.state.setGlobal('pause', () => new Promise<void>((go) => pauses.push(go)))
    const calls = [h.wait('return require("slow"), loads'), h.wait('return require("slow"), loads')]

    for (const go of pauses) go()
    await expect(Promise.all(calls)).resolves.toEqual([
      ['slow', 1],
      ['slow', 1],
    ])
    expect(pauses).toHaveLength(1)
    expect(h.run('return require("slow")')).toEqual(['slow'])
  })
})

describe('module', () => {
  test('calls every option in sequence, also objects that can be called', () => {
    expect(
      host().run(
        `local class = setmetatable({}, { __call = function(_, m) m.is_class = m._NAME end })
        local f = function() module("rfc532x", class, package.seeall) value = type(print) end
        f() return rfc532x.is_class, rfc532x.value`,
      ),
    ).toEqual(['rfc532x', 'function'])
  })

  test('continues a module that is there', () => {
    expect(
      host().run(
        'local f, g = function() module("m.n") x = 1 end, function() module("m.n") y = 2 end f() local first = m.n g() return first == m.n, m.n.x, m.n.y',
      ),
    ).toEqual([true, 1, 2])
  })

  test.each([
    ['x = 1 module("x.y")', "name conflict for module 'x.y'"],
    ['module()', "bad argument #1 to 'module' (string expected, got nil)"],
    [
      'pcall(error) local ok, e = pcall(module, "x") error(e, 0)',
      "'module' not called from a Lua function",
    ],
    ['package.seeall(1)', "bad argument #1 to 'seeall' (table expected, got number)"],
  ])('%s raises', (source, message) => {
    const [ok, text] = host().run(`return pcall(function() ${source} end)`)
    expect([ok, text]).toEqual([false, expect.stringContaining(message)])
  })

  test('scripts may add to string, for all and through its metatable', () => {
    const h = host()
    h.run('function string.split(s, d) return s:match("(.-)" .. d) end')
    expect(h.run('return ("a@b"):split("@")')).toEqual(['a'])
  })
})

describe('strict', () => {
  const strict = () => {
    const h = testHost({ roots: [fileURLToPath(new URL('../../lua', import.meta.url))] })
    h.run('require "strict"')
    return h
  }

  test.each<[string, unknown[]]>([
    ['_TLS.x = 1 _OSTLS.x = 2 return _TLS.x, _OSTLS.x', [1, 2]],
    ['x = nil local function f() return x end return f()', [undefined]],
    ['y = 5 local function f() y = 6 return y end return f()', [6]],
    ['local function f() rawset(_G, "z", 1) return z end return f()', [1]],
    ['local function f() module("made") end f() return made._NAME', ['made']],
    ['return pcall(rawget, _G, "nothing")', [true, undefined]],
    ['require "strict" local function f() return _TLS ~= nil end return f()', [true]],
  ])('allows %s', (source, expected) => {
    expect(strict().run(source)).toEqual(expected)
  })

  test.each([
    ['local function f() return undeclared end f()', "variable 'undeclared' is not declared"],
    ['return undeclared', "variable 'undeclared' is not declared"],
    ['local function f() undeclared = 1 end f()', "assign to undeclared variable 'undeclared'"],
    [
      'local function f() module("m", package.seeall) return undeclared end f()',
      "variable 'undeclared' is not declared",
    ],
    ['local function f() return _G[1] end f()', "variable '1' is not declared"],
  ])('raises for %s', (source, message) => {
    expect(() => strict().run(source)).toThrow(`test.lua:1: ${message}`)
  })

  test('leaves the host its globals', () => {
    const h = strict()
    h.state.setGlobal('late', 1)
    h.state.defineModule('msys.core', { CONT: 0 })
    expect(h.run('local function f() return late, msys.core.CONT end return f()')).toEqual([1, 0])
    expect(h.state.getGlobal('nothing')).toBeUndefined()
  })
})
