// What policy counts and keeps beyond a session, from Lua: counters, gauge caches, audit series, shared values.
import { describe, expect, test } from 'vitest'
import { closedOutside, machineClock } from '../../src/outside/closed.ts'
import { policyOf, runLua, subjectOf } from '../support/policy.ts'

async function expectSaid(code: string, expected: string | RegExp) {
  const { said } = await runLua(code, {
    outside: { clock: { ...machineClock(), nowMs: () => 1_000_000_000_000 } },
  })
  if (typeof expected === 'string') expect(said).toBe(expected)
  else expect(said).toMatch(expected)
}

describe('msys.counter', () => {
  const open = 'local c = msys.counter.open("/site/a") '
  test.each([
    [
      `${open} say(msys.counter.read(c), msys.type(c), tostring(c))`,
      '0 msys.counter:_counter /site/a',
    ],
    [`${open} msys.counter.inc(c) msys.counter.add(c, 4) say(msys.counter.read("/site/a"))`, '5'],
    ['msys.counter.add("/b", -2) msys.counter.inc("/b") say(msys.counter.read("/b"))', '-1'],
    ['msys.counter.add("/b", 1.5) say(msys.counter.read("/b"))', '1.5'],
    ['say(msys.counter.read("/none"))', '0'],
    [`${open} msys.counter.inc(c) msys.counter.reset(c) say(msys.counter.read(c))`, '0'],
    ['msys.counter.reset("/new") say(msys.counter.read("/new"))', '0'],
    [`${open} msys.counter.inc(c) msys.counter.unlink("/site/a") say(msys.counter.read(c))`, '0'],
    [
      'local c = msys.counter.open("/r", msys.counter.RELAXED) msys.counter.inc(c) say(msys.counter.read("/r"))',
      '1',
    ],
    [
      'msys.counter.open()',
      /msys\.counter\.open: bad argument #1 \(string expected, got nil\): path/,
    ],
    ['msys.counter.open("/a", 7)', /STRICT or msys\.counter\.RELAXED expected\): semantics/],
    ['msys.counter.open(("x"):rep(2000))', /a path has at most 1024 octets/],
    [
      'msys.counter.inc(vctx)',
      /msys\.counter\.inc: bad argument #1 \(counter or path expected, got vctx\): counter/,
    ],
    ['msys.counter.add("/a")', /bad argument #2 \(number expected, got nil\): delta/],
    ['msys.counter.add("/a", 0/0)', /bad argument #2 \(a finite number expected\): delta/],
    ['msys.counter.add("/a", {})', /bad argument #2 \(number expected, got table\): delta/],
    ['msys.counter.read()', /bad argument #1 \(counter or path expected, got nil\)/],
    ['msys.counter.reset({})', /bad argument #1 \(counter or path expected, got table\)/],
    ['msys.counter.unlink()', /bad argument #1 \(string expected, got nil\): path/],
  ])('%s', expectSaid)
})

describe('msys.gauge_cache', () => {
  const define = 'msys.gauge_cache.define("g", 2, 60) '
  test.each([
    [`${define} say(msys.gauge_cache.inc("g", "a"), msys.gauge_cache.inc("g", "a"))`, '1 2'],
    [`${define} say(msys.gauge_cache.dec("g", "a"), msys.gauge_cache.get("g", "a"))`, '-1 -1'],
    [`${define} say(msys.gauge_cache.get("g", "none"))`, '0'],
    [`${define} msys.gauge_cache.inc("g", "a") ${define} say(msys.gauge_cache.get("g", "a"))`, '1'],
    [
      `${define} msys.gauge_cache.inc("g", "a") msys.gauge_cache.remove_item("g", "a") say(msys.gauge_cache.get("g", "a"))`,
      '0',
    ],
    [
      `${define} for _, k in ipairs { "a", "b", "a", "c" } do msys.gauge_cache.inc("g", k) end
       for _, k in ipairs { "a", "b", "c" } do say(msys.gauge_cache.get("g", k)) end`,
      '2 0 1',
    ],
    ['msys.gauge_cache.inc("none", "a")', /msys\.gauge_cache\.inc: there is no gauge cache 'none'/],
    ['msys.gauge_cache.get("none", "a")', /there is no gauge cache 'none'/],
    ['msys.gauge_cache.define("g")', /bad argument #2 \(number expected, got nil\): maxelems/],
    [
      'msys.gauge_cache.define("g", 0, 60)',
      /bad argument #2 \(a number from 1 expected\): maxelems/,
    ],
    [
      'msys.gauge_cache.define("g", 1, -1)',
      /bad argument #3 \(a number of seconds expected\): ttl/,
    ],
    [
      'msys.gauge_cache.define("g", 1, 60, "yes")',
      /#4 \(boolean expected, got string\): replicated/,
    ],
    [`${define} msys.gauge_cache.inc("g")`, /bad argument #2 \(string expected, got nil\): key/],
    [
      `${define} msys.gauge_cache.dec("g", {})`,
      /bad argument #2 \(string expected, got table\): key/,
    ],
    ['msys.gauge_cache.remove_item()', /bad argument #1 \(string expected, got nil\): cache/],
  ])('%s', expectSaid)
})

describe('msys.audit_series', () => {
  const cidr = 'local S = msys.audit_series S.define("s", "cidr", 300, 12) '
  const text = 'local S = msys.audit_series S.define("s", "string", 300, 12) '
  test.each([
    [`${cidr} S.add("s") S.add("s", ac) S.add("s", "192.0.2.9") say(S.count("s"))`, '2'],
    [
      `${cidr} S.add("s", { key = ac, count = 5 }) S.add("s", { count = -2 }) say(S.count("s", ac))`,
      '3',
    ],
    [
      `${cidr} S.add("s") S.add("s", "192.0.2.9") say(S.count("s", "/24"), S.count("s", "192.0.2.0/24"))`,
      '2 2',
    ],
    [
      `${cidr} S.add("s", ac.remote_addr) say(S.count("s", { key = ac, startv = 0, endv = 11 }))`,
      '1',
    ],
    [`${cidr} S.add("s") S.remove_item("s") say(S.count("s"), S.count("s", "/8"))`, '0 0'],
    [
      `${cidr} S.add("s", "2001:db8::1") say(S.count("s", "2001:db8::1"), S.count("s", "0.0.0.0/0"))`,
      '0 0',
    ],
    [
      'local S = msys.audit_series S.define("s", "cidr_ipv6", 60, 1) S.add("s", "2001:db8::1") S.add("s", "2001:DB8:0::2") S.add("s") say(S.count("s", "2001:db8::/64"), S.count("s", "2001:db8::2"))',
      '2 1',
    ],
    [
      `${text} S.add("s", "a") S.add("s", { key = "a", count = 2 }) say(S.count("s", "a"), S.count("s", "b"))`,
      '3 0',
    ],
    [`${text} S.add("s", 5) say(S.count("s", "5"))`, '1'],
    [`${text} S.add("s", "a") S.remove_item("s", "a") say(S.count("s", "a"))`, '0'],
    [
      `${text} local k = ("k"):rep(1000) S.add("s", k) say(S.count("s", k), S.count("s", k .. "k"))`,
      '1 0',
    ],
    // A replicated series counts on a single node too.
    [
      'local S = msys.audit_series S.define("s", "string", 60, 1, { replicate = "cluster" }) S.add("s", "a") say(S.count("s", "a"))',
      '1',
    ],
    [`${text} S.add("s")`, /msys\.audit_series\.add: a series of strings needs a key/],
    [`${text} S.count("s", {})`, /msys\.audit_series\.count: a series of strings needs a key/],
    [`${text} S.remove_item("s", ac)`, /a series of strings needs a key/],
    [`${text} S.count("s", { key = "a", startv = "x" })`, /bad option \(number expected\): startv/],
    [`${cidr} S.add("s", "nobody")`, /msys\.audit_series\.add: 'nobody' is no address/],
    [
      `${cidr} S.add("s", { count = {} })`,
      /msys\.audit_series\.add: bad option \(number expected\): count/,
    ],
    [`${cidr} S.count("s", "192.0.2.1/99")`, /'192\.0\.2\.1\/99' is no address or block/],
    [`${cidr} S.count("s", vctx)`, /an address or an accept construct is expected/],
    [`${cidr} S.add("s", true)`, /bad argument #2 \(table or key expected, got boolean\): options/],
    ['msys.audit_series.add("none")', /msys\.audit_series\.add: there is no series 'none'/],
    ['msys.audit_series.count()', /bad argument #1 \(string expected, got nil\): name/],
    ['msys.audit_series.remove_item({})', /bad argument #1 \(string expected, got table\): name/],
    [
      'msys.audit_series.define("s", "ip", 1, 1)',
      /bad argument #2 \(cidr, cidr_ipv6 or string expected\): type/,
    ],
    ['msys.audit_series.define("s", "toString", 1, 1)', /bad argument #2/],
    [
      'msys.audit_series.define("s", "cidr", 0, 1)',
      /bad argument #3 \(a number of seconds expected\): interval/,
    ],
    [
      'msys.audit_series.define("s", "cidr", 1, 0)',
      /bad argument #4 \(a number from 1 to 10000 expected\): num_windows/,
    ],
    [
      'msys.audit_series.define("s", "cidr", 1)',
      /bad argument #4 \(number expected, got nil\): num_windows/,
    ],
    [
      'msys.audit_series.define("s", "cidr", 1, 1, { replicate = "all" })',
      /none, cluster or manager expected/,
    ],
  ])('%s', expectSaid)

  test('windows slide with time', async () => {
    let now = 1_000_000_000_000
    const source = `local S = msys.audit_series
      msys.registerModule("t", { init = function() S.define("s", "cidr", 60, 3) return true end,
        validate_connect = function(self, ac, vctx)
          print(S.count("s"), S.count("s", { startv = 1, endv = 1 }), S.count("s", { endv = 2 }), S.count("s", { key = "/16", endv = 2 }))
          S.add("s")
          return msys.core.VALIDATE_CONT end })`
    const { policy, panics, close } = await policyOf(
      { t: source },
      { outside: closedOutside({ clock: { ...machineClock(), nowMs: () => now } }) },
    )
    for (const step of [0, 60_000, 60_000, 60_000, 600_000]) {
      now += step
      await policy.openSession().run('validate_connect', subjectOf().subject)
    }
    await close()
    expect(panics.map((line) => line.replace('scriptlet: ', ''))).toEqual([
      '0\t0\t0\t0',
      '0\t1\t1\t1',
      '0\t1\t2\t2',
      '0\t1\t2\t2',
      '0\t0\t0\t0',
    ])
  })

  test('without a session the client is not known', async () => {
    const source = `local S = msys.audit_series S.define("s", "cidr", 60, 3) print(select(2, pcall(S.add, "s")))`
    const { panics, close } = await policyOf({ t: source })
    await close()
    expect(panics[0]).toMatch(/msys\.audit_series\.add: there is no session here/)
  })

  test('what is not supported says so', async () => {
    const { lines } = await runLua(
      'msys.audit_series.define("s", "cidr", 60, 3, { serialize = true })',
    )
    expect(lines[0]).toMatch(/serialize is not supported/)
  })
})

describe('shared values', () => {
  test.each([
    ['say(msys.shareSet("k", "v"), msys.shareGet("k"))', 'true v'],
    ['msys.shareSet("k", 1.5) say(msys.shareGet("k") + 1)', '2.5'],
    ['msys.shareSet("k", false) say(msys.shareGet("k") == false)', 'true'],
    ['msys.shareSet("k", 1) say(msys.shareSet("k", nil), msys.shareGet("k"))', 'true nil'],
    ['msys.shareSet("k", 1) msys.shareUnset("k") say(msys.shareGet("k"))', 'nil'],
    ['say(msys.shareGet("none"))', 'nil'],
    ['say(msys.shareSet(("k"):rep(2000), 1))', 'false'],
    [
      'msys.shareSet("k", {})',
      /msys\.shareSet: bad argument #2 \(string, number, boolean or nil expected, got table\)/,
    ],
    ['msys.shareSet()', /bad argument #1 \(string expected, got nil\): key/],
    ['msys.shareGet({})', /bad argument #1 \(string expected, got table\): key/],
    ['msys.shareUnset()', /bad argument #1 \(string expected, got nil\): key/],
  ])('%s', expectSaid)
})
