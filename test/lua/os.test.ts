// Expected values are what C's library gives in the time zone named.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testHost } from './host.ts'

const before = process.env.TZ

afterAll(() => {
  if (before === undefined) delete process.env.TZ
  else process.env.TZ = before
})

const run = (source: string) => testHost({ now: () => 1_700_000_000_900 }).run(source)

describe.each<[zone: string, cases: [string, unknown[]][]]>([
  [
    'UTC',
    [
      [
        'return os.time(), os.date("!%c"), os.date("%c")',
        [1_700_000_000, 'Tue Nov 14 22:13:20 2023', 'Tue Nov 14 22:13:20 2023'],
      ],
      [
        'return os.date("%P %p %k %l %s %h %x %X %D %F %R %T %r %e %j", 1700000000)',
        [
          'pm PM 22 10 1700000000 Nov 11/14/23 22:13:20 11/14/23 2023-11-14 22:13 22:13:20 10:13:20 PM 14 318',
        ],
      ],
      [
        'return os.date("%G %g %V %U %W %u %w %C %y %n%t%%", 1704067200 - 86400 * 2)',
        ['2023 23 52 52 52 6 6 20 23 \n\t%'],
      ],
      ['return os.date("%v %E %+ %Q %L %", 0)', ['%v %E %+ %Q %L %']],
      ['return os.date("%Z %z", 0), os.date("!%Z", 0)', ['UTC +0000', 'GMT']],
      [
        'return os.date("!%c", -1.5), os.date("!%c", 0.9), os.date("!%c", 1e18), os.date("!%Y", 2^33)',
        ['Wed Dec 31 23:59:59 1969', 'Thu Jan  1 00:00:00 1970', undefined, '2242'],
      ],
      [
        'local t = os.date("!*t", 4102444800) return t.year, t.month, t.day, t.hour, t.min, t.sec, t.wday, t.yday, t.isdst',
        [2100, 1, 1, 0, 0, 0, 6, 1, false],
      ],
      ['return os.date("*tx", 0), os.date(5, 0), os.date("", 0)', ['*tx', '5', '']],
      [
        'return os.time{year=2024,month=1,day=1}, os.time{year=2024,month=1,day=1,isdst=true}',
        [1_704_110_400, 1_704_106_800],
      ],
      ['return os.time{year=2024,month=14,day=-3,hour=25,min=-1,sec=3661}', [1_738_116_001]],
      [
        'return os.time{year="2024",month="1",day=1.9}, os.time{year=50,month=1,day=1}, os.time{year=2100,month=1,day=1,hour=0}',
        [1_704_110_400, -60_589_252_800, 4_102_444_800],
      ],
      [
        'return os.time{year=1969,month=12,day=31,hour=23,min=59,sec=59}, os.time{year=1e300,month=1,day=1}',
        [undefined, undefined],
      ],
      ['return os.difftime(5), os.difftime(5.7, 2)', [5, 3]],
      ['local t = os.date("*t") return os.time(t)', [1_700_000_000]],
    ],
  ],
  [
    'Europe/Berlin',
    [
      [
        'return os.date("%c %Z %z", 1700000000), os.date("%Z %z", 1720000000)',
        ['Tue Nov 14 23:13:20 2023 CET +0100', 'CEST +0200'],
      ],
      [
        'return os.time{year=2024,month=7,day=1,isdst=false}, os.time{year=2024,month=7,day=1,isdst=true}, os.time{year=2024,month=7,day=1}',
        [1_719_831_600, 1_719_828_000, 1_719_828_000],
      ],
      [
        'return os.date("*t", 1720000000).isdst, os.date("*t", 1700000000).isdst, os.date("!*t", 1720000000).isdst',
        [true, false, false],
      ],
      ['local t = os.date("*t", 1720000000) return os.time(t)', [1_720_000_000]],
    ],
  ],
  ['America/New_York', [['return os.date("%Z %z", 1700000000)', ['EST -0500']]]],
  ['Asia/Dubai', [['return os.date("%Z %z", 1700000000)', ['+04 +0400']]]],
  ['Asia/Kolkata', [['return os.date("%Z %z", 1700000000)', ['IST +0530']]]],
])('in %s', (zone, cases) => {
  beforeAll(() => {
    process.env.TZ = zone
  })

  test.each(cases)('%s', (source, expected) => {
    expect(run(source)).toEqual(expected)
  })
})

test.each([
  ['os.time(5)', "bad argument #1 to 'time' (table expected)"],
  ['os.time({})', "field 'day' missing in date table"],
  ['os.time({year = "x", month = 1, day = 1})', "field 'year' missing in date table"],
  ['os.date({})', "bad argument #1 to 'date' (string expected, got table)"],
  ['os.date(("%c"):rep(3000))', "bad argument #1 to 'date' (format too long)"],
  ['os.date("%Y", "x")', "bad argument #2 to 'date' (number expected, got string)"],
  ['os.difftime()', "bad argument #1 to 'difftime' (number expected, got no value)"],
  ['os.getenv()', "bad argument #1 to 'getenv' (string expected, got no value)"],
])('%s raises', (source, message) => {
  expect(run(`return select(2, pcall(function() ${source} end))`)).toEqual([
    `test.lua:1: ${message}`,
  ])
})

test('clock counts processor time', () => {
  const [before_, after] = run('local a = os.clock() for i = 1, 1e5 do end return a, os.clock()')
  expect(typeof before_).toBe('number')
  expect(after).toBeGreaterThanOrEqual(Number(before_))
})

test('getenv shows the variables that are listed, and tells once of another that is set', () => {
  process.env.LUA_TEST_LISTED = 'yes'
  process.env.LUA_TEST_SECRET = 'no'
  const host = testHost({ environment: ['LUA_TEST_LISTED', 'LUA_TEST_UNSET'] })
  expect(
    host.run(
      'local function get(n) return os.getenv(n) end return get("LUA_TEST_LISTED"), get("LUA_TEST_SECRET"), get("LUA_TEST_SECRET"), get("LUA_TEST_UNSET"), get("LUA_TEST_OTHER")',
    ),
  ).toEqual(['yes', undefined, undefined, undefined, undefined])
  expect(host.warned).toEqual([
    'os.getenv: LUA_TEST_SECRET is set, but is not among the variables that scripts may read',
  ])
  delete process.env.LUA_TEST_LISTED
  delete process.env.LUA_TEST_SECRET
})

test('random numbers come from the host until there is a seed, and then from that', () => {
  const host = testHost({ random: () => 0.5 })
  expect(
    host.run('return math.random(), math.random(10), math.random(3, 5), math.random(1.9)'),
  ).toEqual([0.5, 6, 4, 1])
  const seeded = 'math.randomseed(42) return math.random(1e6), math.random(1e6), math.random(1e6)'
  const numbers = host.run(seeded)
  expect(testHost().run(seeded)).toEqual(numbers)
  expect(new Set(numbers).size).toBe(3)
})

test.each([
  ['math.random(0)', "bad argument #1 to 'random' (interval is empty)"],
  ['math.random(2, 1)', "bad argument #2 to 'random' (interval is empty)"],
  ['math.random(1, 2, 3)', 'wrong number of arguments'],
  ['math.random("x")', "bad argument #1 to 'random' (number expected, got string)"],
  ['math.randomseed()', "bad argument #1 to 'randomseed' (number expected, got no value)"],
  ['collectgarbage("foo")', "bad argument #1 to 'collectgarbage' (invalid option 'foo')"],
  ['collectgarbage("toString")', "bad argument #1 to 'collectgarbage' (invalid option 'toString')"],
])('%s raises', (source, message) => {
  expect(run(`return select(2, pcall(function() ${source} end))`)).toEqual([
    `test.lua:1: ${message}`,
  ])
})

test('collectgarbage answers, and leaves memory to the host', () => {
  expect(
    run(
      'return collectgarbage(), collectgarbage("collect"), collectgarbage("step"), collectgarbage("setpause", 100), collectgarbage("stop")',
    ),
  ).toEqual([0, 0, true, 200, 0])
  const [count, info, total] = run(
    'return collectgarbage("count"), gcinfo(), collectgarbage("meminfo").total',
  )
  expect(count).toBeGreaterThan(1000)
  expect(Number.isInteger(info)).toBe(true)
  expect(total).toBeGreaterThan(1e6)
})
