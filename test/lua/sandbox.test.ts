// Ways out of a script, one test each: every one gives nil or a clear error, and the host goes on.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BUDGET, testHost, type TestHost } from './host.ts'

function errorOf(source: string, host: TestHost = testHost()): unknown {
  const [ok, message] = host.run(`return pcall(function() ${source} end)`)
  return ok === false ? message : 'nothing was raised'
}

describe('what would touch processes, files or native code raises by its name', () => {
  test.each([
    'os.execute("true")',
    'os.exit(1)',
    'os.remove("x")',
    'os.rename("x", "y")',
    'os.tmpname()',
    'os.setlocale("C")',
    'os.setenv("A", "b")',
    'io.popen("true")',
    'io.tmpfile()',
    'io.open("/tmp/x", "w")',
    'io.open("/tmp/x", "a+")',
    'io.open("/tmp/x", "r+")',
    'io.output("/tmp/x")',
    'io.input("/etc/passwd")',
    'package.loadlib("libc.so.6", "system")',
    'thread.create(print)',
  ])('%s', (source) => {
    expect(errorOf(source)).toMatch(/^test\.lua:1: .*not available: /)
  })
})

test.each([
  'js',
  'ffi',
  'jit',
  'bit',
  'process',
  'globalThis',
  'string.dump',
  'debug.getregistry',
  'debug.getupvalue',
  'debug.setupvalue',
  'debug.upvalueid',
  'debug.getlocal',
  'debug.setlocal',
  'debug.getmetatable',
  'debug.setmetatable',
  'debug.getfenv',
  'debug.setfenv',
  'debug.getuservalue',
  'debug.sethook',
  'debug.gethook',
  'debug.debug',
  'package.searchers',
  'package.searchpath',
  'coroutine.isyieldable',
  'rawlen',
  'utf8',
])('there is no %s', (name) => {
  expect(testHost().run(`return ${name}`)).toEqual([undefined])
})

test.each(['fs', 'child_process', 'node:fs', 'js', 'ffi', 'posix', 'lfs', 'fengari'])(
  'require("%s") finds nothing',
  (name) => {
    expect(errorOf(`require("${name}")`)).toMatch(/^test\.lua:1: module '.*' not found:/)
  },
)

test('require of a library gives the one that there is', () => {
  expect(
    testHost().run(
      'return require("io") == io, require("os") == os, require("debug") == debug, package.loaded._G == _G',
    ),
  ).toEqual([true, true, true, true])
})

test('binary chunks are not loaded', () => {
  const binary = '"\\27Lua\\81\\0\\1\\4\\8\\4\\8\\0"'
  const { run } = testHost()
  expect(run(`return loadstring(${binary})`)).toEqual([
    undefined,
    expect.stringContaining('binary chunk'),
  ])
  expect(
    run(`local sent return load(function() if not sent then sent = true return ${binary} end end)`),
  ).toEqual([undefined, expect.stringContaining('binary chunk')])
})

describe('the strings of the host', () => {
  test('do not depend on the metatable of strings', () => {
    const host = testHost()
    const point = host.state.defineClass<{ name: string }>({
      name: 'point',
      methods: { rename: (self) => void (self.name = 'new') },
      text: (self) => self.name,
    })
    expect(
      host.run(
        'local p = ... getmetatable("").__index = function() error("mine") end getmetatable("").__add = function() return "evil" end p:rename() return tostring(p), "a" .. p',
        point.wrap({ name: 'o' }),
      ),
    ).toEqual(['new', 'anew'])
  })

  test('and are those of their state alone', () => {
    testHost().run('function string.evil() end getmetatable("").__index = nil')
    expect(testHost().run('return string.evil, ("x"):rep(2)')).toEqual([undefined, 'xx'])
  })
})

describe('the objects of the host', () => {
  const open = () => {
    const host = testHost()
    const secret = host.state.defineClass<object>({
      name: 'secret',
      methods: { ask: () => 'told' },
    })
    host.state.setGlobal('secret', secret.wrap({}))
    return host
  }

  test('hide their metatable', () => {
    for (const source of ['secret', 'io.stdout', 'thread.mutex()', 'buffer.new(1)']) {
      expect(typeof open().run(`return getmetatable(${source})`)[0]).toBe('string')
    }
  })

  test.each([
    [
      'setmetatable(secret, {})',
      "bad argument #1 to 'setmetatable' (table expected, got userdata)",
    ],
    ['rawset(secret, 1, 2)', "bad argument #1 to 'rawset' (table expected, got userdata)"],
    ['return rawget(secret, "ask")', "bad argument #1 to 'rawget' (table expected, got userdata)"],
    ['for k in pairs(secret) do end', "bad argument #1 to 'pairs' (table expected, got userdata)"],
    [
      'for k in next, secret do end',
      "bad argument #1 to '(for generator)' (table expected, got userdata)",
    ],
    ['newproxy(secret)', "bad argument #1 to 'newproxy' (boolean or proxy expected)"],
    ['newproxy(io.stdout)', "bad argument #1 to 'newproxy' (boolean or proxy expected)"],
    ['newproxy({})', "bad argument #1 to 'newproxy' (boolean or proxy expected)"],
    ['secret.ask(newproxy(true))', "calling 'ask' on bad self (secret expected, got userdata)"],
    ['secret.ask(io.stdout)', "calling 'ask' on bad self (secret expected, got userdata)"],
    ['io.stdout.write(secret, "x")', "calling 'write' on bad self (FILE* expected, got userdata)"],
    ['secret.ask = print', "cannot set field 'ask' of secret"],
  ])('are not taken apart by %s', (source, message) => {
    expect(errorOf(source, open())).toBe(`test.lua:1: ${message}`)
  })

  test('proxies of a script share only metatables of its own', () => {
    expect(
      open().run(
        'local a = newproxy(true) getmetatable(a).__len = function() return 7 end return #newproxy(a), getmetatable(newproxy()), type(newproxy(false))',
      ),
    ).toEqual([7, undefined, 'userdata'])
  })
})

describe('environments', () => {
  test.each([
    ['setfenv(print, {})', "'setfenv' cannot change environment of given object"],
    ['setfenv(0, {})', "'setfenv' cannot change environment of given object"],
    ['setfenv(2, {})', "'setfenv' cannot change environment of given object"],
    ['setfenv(1e9, {})', "bad argument #1 to 'setfenv' (invalid level)"],
    ['setfenv(-1, {})', "bad argument #1 to 'setfenv' (level must be non-negative)"],
    ['setfenv({}, {})', "bad argument #1 to 'setfenv' (number expected, got table)"],
    ['getfenv(1e9)', "bad argument #1 to 'getfenv' (invalid level)"],
  ])('%s raises', (source, message) => {
    expect(errorOf(source)).toBe(`test.lua:1: ${message}`)
  })

  test('of host functions and of level 0 are the globals', () => {
    expect(
      testHost().run('return getfenv(print) == _G, getfenv(0) == _G, getfenv(require) == _G'),
    ).toEqual([true, true, true])
  })

  test('a function that is given an empty one reaches nothing', () => {
    expect(
      testHost().run(
        'local f = setfenv(loadstring("return io or os or require or getfenv or _G"), {}) return f()',
      ),
    ).toEqual([undefined])
  })

  test('a script that replaces globals harms only itself', () => {
    const host = testHost()
    host.run(
      'tostring = nil string.format = nil package.loaded.io = nil thread = nil io = nil debug = nil pcall = nil error = nil type = nil setfenv = nil',
    )
    expect(host.run('print("still") return 1')).toEqual([1])
    expect(host.printed).toEqual(['still'])
    expect(testHost().run('return type(io), type(tostring)')).toEqual(['table', 'function'])
  })
})

describe('debug', () => {
  test('has three functions', () => {
    expect(
      testHost().run(
        'local n = {} for k in pairs(debug) do n[#n + 1] = k end table.sort(n) return table.concat(n, " ")',
      ),
    ).toEqual(['getinfo output traceback'])
  })

  test('tells of functions, and lends none of their variables', () => {
    expect(
      testHost().run(
        'local t = debug.getinfo(1, "nSlf") return t.currentline, t.short_src, t.what, type(t.func), debug.getinfo(print).what, debug.getinfo(99)',
      ),
    ).toEqual([1, 'test.lua', 'main', 'function', 'C', undefined])
    expect(testHost().run('return debug.getinfo(1, "l").currentline')).toEqual([1])
    expect(errorOf('debug.getinfo(1, "X")')).toBe(
      "test.lua:1: bad argument #2 to 'getinfo' (invalid option)",
    )
    expect(errorOf('debug.getinfo("x")')).toContain('test.lua:1: bad argument #1')
  })

  test('traceback is text', () => {
    expect(testHost().run('return debug.traceback("m")')).toEqual([
      expect.stringMatching(/^m\nstack traceback:\n[\s\S]*test\.lua:1: in main chunk/),
    ])
    expect(testHost().run('local t = {} return debug.traceback(t) == t')).toEqual([true])
  })

  test('output goes where print goes', () => {
    const host = testHost()
    host.run('debug.output("from: " .. tostring(nil), 1)')
    expect(host.printed).toEqual(['from: nil\t1'])
  })
})

describe('coroutines', () => {
  test('do not lead out of a call', () => {
    expect(errorOf('coroutine.yield()')).toMatch(/attempt to yield/)
    expect(testHost().run('return coroutine.running()')).toEqual([undefined])
  })

  test.each([
    ['coroutine.resume(coroutine.running())', "bad argument #1 to 'resume' (coroutine expected)"],
    ['coroutine.wrap(print)', "bad argument #1 to 'wrap' (Lua function expected)"],
    ['coroutine.create(os.execute)', "bad argument #1 to 'create' (Lua function expected)"],
  ])('%s raises', (source, message) => {
    expect(errorOf(source)).toBe(`test.lua:1: ${message}`)
  })
})

describe('require', () => {
  let folder: string
  let root: string

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'lua-sandbox-'))
    root = join(folder, 'root')
    mkdirSync(join(root, 'as-folder.lua'), { recursive: true })
    writeFileSync(join(folder, 'outside.lua'), 'return "outside"')
    writeFileSync(join(root, 'inside.lua'), 'return "inside"')
    writeFileSync(join(root, 'binary.lua'), '\x1bLua')
    symlinkSync('inside.lua', join(root, 'alias.lua'))
    symlinkSync('../outside.lua', join(root, 'escape.lua'))
    symlinkSync('..', join(root, 'up'))
    execFileSync('mkfifo', [join(root, 'fifo.lua')])
  })

  afterAll(() => rmSync(folder, { recursive: true }))

  const host = () => testHost({ roots: [root] })

  test('follows links below the roots', () => {
    expect(host().run('return require("alias"), require("inside")')).toEqual(['inside', 'inside'])
  })

  test.each([
    ['escape', 'not below the folders that scripts may read'],
    ['up.outside', 'not below the folders that scripts may read'],
    ['fifo', 'not a regular file'],
    ['as-folder', 'Is a directory'],
    ['../outside', 'not allowed'],
    ['..outside', 'not allowed'],
    ['inside\\0.lua', 'not allowed'],
    ['/etc/passwd', 'not below the folders that scripts may read'],
    ['binary', 'binary chunk'],
  ])('refuses %s', (name, why) => {
    expect(errorOf(`require("${name}")`, host())).toContain(why)
  })

  test('dofile and loadfile are as narrow', () => {
    const { run } = host()
    expect(run('return dofile("inside.lua"), loadfile(...)()', join(root, 'inside.lua'))).toEqual([
      'inside',
      'inside',
    ])
    const outside = 'Permission denied (not below the folders that scripts may read)'
    expect(run('return loadfile("/etc/passwd")')).toEqual([
      undefined,
      `cannot open /etc/passwd: ${outside}`,
    ])
    expect(run('return pcall(dofile, "../outside.lua")')).toEqual([
      false,
      `cannot open ../outside.lua: ${outside}`,
    ])
    expect(run('return loadfile("binary.lua")')).toEqual([
      undefined,
      expect.stringContaining('binary chunk'),
    ])
    const small = testHost({ roots: [root], budget: { ...BUDGET, maxStringBytes: 10 } })
    expect(small.run('return loadfile("inside.lua")')).toEqual([
      undefined,
      'cannot open inside.lua: File too large',
    ])
    expect(errorOf('dofile()', host())).toMatch(/bad argument #1/)
    expect(errorOf('loadfile(nil)', host())).toMatch(/bad argument #1/)
  })

  test('an absolute name below the roots is a file', () => {
    expect(host().run('return require(...)', join(root, 'inside.lua'))).toEqual(['inside'])
  })

  test('package.path is followed below the roots only, and cpath not at all', () => {
    const { run } = host()
    run(
      'package.path = ... package.cpath = "/usr/lib/?.so;/tmp/?.js"',
      `${folder}/?.lua;${root}/?.lua`,
    )
    expect(run('return pcall(require, "outside")')).toEqual([
      false,
      `module 'outside' not found:
\tno field package.preload['outside']
\tno file '${folder}/outside.lua': Permission denied (not below the folders that scripts may read)
\tno file '${root}/outside.lua'`,
    ])
    expect(run('return require("inside")')).toEqual(['inside'])
    expect(run('package.path = 1 return pcall(require, "x")')).toEqual([
      false,
      "'package.path' must be a string",
    ])
  })
})
