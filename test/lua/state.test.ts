import { describe, expect, test } from 'vitest'
import { LuaCallError, LuaError } from '../../src/lua/error.ts'
import { multiple, type LuaTable, type LuaValue } from '../../src/lua/value.ts'
import { testHost } from './host.ts'

function errorOf(work: () => unknown): LuaError {
  try {
    work()
  } catch (error) {
    if (error instanceof LuaError) return error
    throw error
  }
  throw new Error('nothing was raised')
}

describe('values', () => {
  test.each<[string, LuaValue]>([
    ['nil', undefined],
    ['a boolean', false],
    ['a number', 0.1],
    ['a large number', 2 ** 53],
    ['minus zero', -0],
    ['an empty string', ''],
    ['every octet', String.fromCharCode(...Array.from({ length: 256 }, (_, octet) => octet))],
    ['a long string', '\xff\0é'.repeat(5000)],
  ])('passes %s through unchanged', (_, value) => {
    expect(testHost().run('return ...', value)[0]).toBe(value)
  })

  test('gives Lua the octets of a byte string', () => {
    expect(testHost().run('local s = ... return #s, s:byte(1, -1)', 'é\0')).toEqual([2, 233, 0])
  })

  test('makes tables of arrays and maps', () => {
    const { run } = testHost()
    expect(run('local t = ... return #t, t[1], t[2]', ['a', 'b'])).toEqual([2, 'a', 'b'])
    expect(
      run(
        'local t = ... return t.x, t.y[1]',
        new Map<string, LuaValue>([
          ['x', 1],
          ['y', [2]],
        ]),
      ),
    ).toEqual([1, 2])
  })

  test('hands out one handle per table', () => {
    const [first, second] = testHost().run(
      'local t = {10, 20, name = "n"} return t, t',
    ) as LuaTable[]
    expect(first).toBe(second)
    expect([first?.get(1), first?.get('name'), first?.length()]).toEqual([10, 'n', 2])
    first?.set(3, 'new')
    expect([...(first?.entries() ?? [])]).toEqual([
      [1, 10],
      [2, 20],
      [3, 'new'],
      ['name', 'n'],
    ])
  })

  test('keeps distinct what Fengari took for one key', () => {
    expect(
      testHost().run(
        'local t = {} t["\\1\\18"] = 1 t["\\17\\2"] = 2 return t["\\1\\18"], "\\n" < "1"',
      ),
    ).toEqual([1, true])
  })

  test('inherits from an index table', () => {
    const { state, run } = testHost()
    const base = state.newTable()
    base.set('greet', 'hello')
    const session = state.newTable(base)
    expect(run('local s = ... s.own = 1 return s.greet, s.own', session)).toEqual(['hello', 1])
    expect([session.get('greet'), base.get('own')]).toEqual([undefined, undefined])
  })
})

describe('host functions', () => {
  test('get the arguments that were passed', () => {
    const { state, run } = testHost()
    const seen: LuaValue[][] = []
    state.setGlobal('f', (...args) => void seen.push(args))
    run('f() f(nil) f(1, "b", true)')
    expect(seen).toEqual([[], [undefined], [1, 'b', true]])
  })

  test('return one value, several or none', () => {
    const { state, run } = testHost()
    state.setGlobal('two', () => multiple(1, undefined))
    state.setGlobal('none', () => multiple())
    state.setGlobal('void', () => {})
    expect(run('return select("#", two()), select("#", none()), select("#", void())')).toEqual([
      2, 0, 1,
    ])
  })

  test('raise with the position of their caller', () => {
    const { state, run } = testHost()
    state.setGlobal('f', () => {
      throw new LuaCallError('not like this')
    })
    expect(run('return pcall(function()\n  f()\nend)')).toEqual([
      false,
      'test.lua:2: not like this',
    ])
  })

  test('turn other exceptions into errors that name them', () => {
    const { state, run, internal } = testHost()
    state.defineModule('m', {
      f: () => {
        throw new TypeError('bug')
      },
    })
    expect(run('return pcall(m.f)')).toEqual([false, 'internal error in m.f: bug'])
    expect(internal).toEqual(['m.f: TypeError: bug'])
  })

  test('may call back into Lua', () => {
    const { state, run } = testHost()
    state.setGlobal('twice', (fn) => {
      if (typeof fn !== 'object' || !('kind' in fn) || fn.kind !== 'function')
        throw new LuaCallError('function')
      const [value] = state.call(fn, [21]) as LuaValue[]
      return value
    })
    expect(run('return twice(function(n) return n * 2 end)')).toEqual([42])
    expect(run('return pcall(twice, function() error("inside") end)')).toEqual([
      false,
      'test.lua:1: inside',
    ])
  })
})

describe('modules', () => {
  test.each([[['msys', 'msys.core']], [['msys.core', 'msys']]])(
    'are reachable both ways when defined as %s',
    (order) => {
      const { state, run } = testHost()
      for (const name of order) state.defineModule(name, { [`in_${name.replace('.', '_')}`]: 1 })
      expect(
        run(
          'return msys.core.in_msys_core, msys.in_msys, require("msys.core") == msys.core, require("msys") == msys',
        ),
      ).toEqual([1, 1, true, true])
    },
  )

  test('ask for what they lack', () => {
    const { state, run } = testHost()
    state.defineModule(
      'core',
      { A: 1 },
      {
        missing: (key) => {
          throw new LuaCallError(`core.${key} is undefined`)
        },
      },
    )
    expect(run('return core.A, pcall(function() return core.B end)')).toEqual([
      1,
      false,
      'test.lua:1: core.B is undefined',
    ])
  })
})

describe('classes', () => {
  const open = () => {
    const host = testHost()
    const point = host.state.defineClass<{ x: number }>({
      name: 'point',
      methods: { move: (self, by) => (self.x += Number(by)) },
      get: (self, key) => (key === 'x' ? self.x : undefined),
      set: (self, key, value) => key === 'x' && ((self.x = Number(value)), true),
      text: (self) => `point ${self.x}`,
      length: (self) => self.x,
    })
    return { ...host, point }
  }

  test('wrap an object once', () => {
    const { point, run } = open()
    const object = { x: 1 }
    expect(point.wrap(object)).toBe(point.wrap(object))
    expect(
      run(
        'local a, b = ... return a == b, a:move(2), a.x, a.nothing',
        point.wrap(object),
        point.wrap(object),
      ),
    ).toEqual([true, 3, 3, undefined])
    expect(point.unwrap(point.wrap(object))).toBe(object)
    expect(point.unwrap('point')).toBeUndefined()
  })

  test('wrap frozen objects too', () => {
    const { point } = open()
    const object = Object.freeze({ x: 1 })
    expect(point.wrap(object)).toBe(point.wrap(object))
  })

  test('have text, length and fields', () => {
    const { point, run } = open()
    expect(
      run(
        'local p = ... p.x = 7 return tostring(p), p .. "!", "<" .. p, 1 .. p, #p',
        point.wrap({ x: 0 }),
      ),
    ).toEqual(['point 7', 'point 7!', '<point 7', '1point 7', 7])
  })

  test.each([
    [
      'a method without self',
      'p.move(2)',
      "calling 'move' on bad self (point expected, got number)",
    ],
    [
      'a method with nothing',
      'p.move()',
      "calling 'move' on bad self (point expected, got no value)",
    ],
    ['an unknown method', 'p:fly()', "attempt to call method 'fly' (a nil value)"],
    ['an unknown field set', 'p.y = 1', "cannot set field 'y' of point"],
  ])('raise for %s', (_, source, message) => {
    const { point, run } = open()
    const call = `local p = ... return select(2, pcall(function() ${source} end))`
    expect(run(call, point.wrap({ x: 1 }))).toEqual([`test.lua:1: ${message}`])
  })

  test('do not show their metatable', () => {
    const { point, run } = open()
    expect(run('return getmetatable(...)', point.wrap({ x: 1 }))).toEqual(['point'])
  })
})

describe('errors', () => {
  test('of syntax name file and line', () => {
    const error = errorOf(() => testHost().load('\nlocal = 1'))
    expect([error.kind, error.script, error.line, error.message]).toEqual([
      'syntax',
      'test.lua',
      2,
      "test.lua:2: '<name>' expected near '=' at column 7",
    ])
  })

  test('at run time have a traceback', () => {
    const error = errorOf(() =>
      testHost().run(
        'local function inner() error("deep") end\nlocal function outer() inner() end\nouter()',
      ),
    )
    expect([error.kind, error.script, error.line, error.message]).toEqual([
      'runtime',
      'test.lua',
      1,
      'test.lua:1: deep',
    ])
    expect(error.traceback).toMatch(
      /test\.lua:1: in .*inner[\s\S]*test\.lua:2: in .*outer[\s\S]*test\.lua:3: in main chunk/,
    )
  })

  test('keep a long file name', () => {
    const { state } = testHost()
    const name = `${'folder/'.repeat(20)}policy.lua`
    const error = errorOf(() => state.call(state.load(Buffer.from('error("x")'), name), []))
    expect(error.message).toBe(`${name}:1: x`)
  })

  test('say what else was raised', () => {
    expect(errorOf(() => testHost().run('error({})')).message).toBe(
      '(error object is a table value)',
    )
  })
})

test('print joins with tabs', () => {
  const { run, printed } = testHost()
  run('print(1, nil, "x\\0y", setmetatable({}, {__tostring = function() return "T" end}))')
  expect(printed).toEqual(['1\tnil\tx\0y\tT'])
})

test('warns of weak tables once per line', () => {
  const { run, warned } = testHost()
  run('for i = 1, 3 do setmetatable({}, {__mode = "k"}) end\nsetmetatable({}, {__mode = "v"})')
  expect(warned).toEqual(
    [1, 2].map(
      (line) =>
        `test.lua:${line}: weak tables are not supported: the entries of this table are never collected`,
    ),
  )
})

test('the clock is the one that was given', () => {
  const { run } = testHost({ now: () => 1_700_000_000_500 })
  expect(run('return os.time(), os.date("!%Y-%m-%d %H:%M:%S"), os.date("!*t").yday')).toEqual([
    1_700_000_000,
    '2023-11-14 22:13:20',
    318,
  ])
})
