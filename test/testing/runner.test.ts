import { describe, expect, test } from 'vitest'
import { outcomes, runTests } from './files.ts'

describe('a file of tests', () => {
  test('runs groups and tests in their order, with what runs before and after them', async () => {
    const result = await runTests(`
      local log = {}
      before_each(function() log[#log + 1] = "outer" end)
      after_each(function() log[#log + 1] = "end" end)
      describe("group", function()
        before_each(function() log[#log + 1] = "inner" end)
        it("first", function() end)
        it("second", function()
          expect_equal(log, { "outer", "inner", "end", "outer", "inner" })
        end)
      end)
      it("last", function() expect_equal(#log, 7) end)`)
    expect(outcomes(result)).toEqual([
      'group › first: passed',
      'group › second: passed',
      'last: passed',
    ])
  })

  test('skips what is to be skipped, and runs only what is alone', async () => {
    const skipped = await runTests(`
      it.skip("a", function() fail() end)
      describe.skip("b", function() it("c", function() fail() end) end)
      it("d")
      pending("e")`)
    expect(outcomes(skipped)).toEqual(['a: skipped', 'b › c: skipped', 'd: skipped', 'e: skipped'])
    const alone = await runTests(`it("a", fail) it.only("b", function() end)`)
    expect(outcomes(alone)).toEqual(['b: passed'])
  })

  test('runs the tests that a filter names, by group or name', async () => {
    const source = `
      describe("Links", function() it("one", function() end) end)
      it("two links", function() end)
      it("three", function() end)`
    expect(outcomes(await runTests(source, { filter: 'links' }))).toEqual([
      'Links › one: passed',
      'two links: passed',
    ])
  })

  test('says where a test failed, and who called what failed', async () => {
    const result = await runTests(`
local function check(got)
  expect_equal(got, 2, "the sum")
end
it("adds", function()
  check(1)
end)
it("breaks", function()
  local nothing
  return nothing.field
end)`)
    expect(outcomes(result)).toEqual([
      'adds: test.lua:3: the sum\n  expected: 2\n  got:      1\n  called at test.lua:6',
      "breaks: test.lua:10: attempt to index local 'nothing' (a nil value)",
    ])
  })

  test('shows what differs between tables', async () => {
    const result = await runTests(
      `it("t", function() expect_equal({ a = 1, b = { "x", "y" } }, { a = 1, b = { "x", "z" } }, "all") end)`,
    )
    expect(outcomes(result)).toEqual([
      [
        't: test.lua:1: all (- expected, + got)',
        '      b = {',
        '        "x",',
        '  -     "z",',
        '  +     "y",',
        '      },',
        '    }',
      ].join('\n'),
    ])
  })

  test('goes on after a failure, and runs what comes after the test', async () => {
    const result = await runTests(`
      local ended = 0
      after_each(function() ended = ended + 1 end)
      it("a", function() error("no") end)
      it("b", function() expect_equal(ended, 1) end)`)
    expect(outcomes(result)).toEqual(['a: test.lua:4: no', 'b: passed'])
  })

  test.each([
    ['it("a" function() end)', /^\(the file\): test\.lua:1: .*near 'function'/],
    ['nonsense()', /^\(the file\): test\.lua:1: attempt to call global 'nonsense'/],
    ['it(1)', /^\(the file\): test\.lua:1: it: a name and a function were expected/],
  ])('fails as a whole when it cannot be run: %s', async (source, failure) => {
    const result = await runTests(source)
    expect(outcomes(result)).toEqual([expect.stringMatching(failure)])
    expect(result.tests[0]?.outcome).toMatchObject({ isBroken: true })
  })

  test('has all its tests before the first runs', async () => {
    const result = await runTests('it("t", function() it("inner", function() end) end)')
    expect(outcomes(result)).toEqual([expect.stringMatching(/^t: .*it: not within a test/)])
  })

  test('ends a test that does not end', async () => {
    const result = await runTests('it("t", function() while true do end end)', { timeoutMs: 50 })
    expect(outcomes(result)).toEqual(['t: test.lua:1: t killed: processor time limit exceeded'])
  })

  test('is kept in a sandbox, with require for its own folder', async () => {
    const source = `
      it("t", function()
        expect_equal(require("helper"), 7)
        expect(not pcall(os.execute, "true"))
        expect_equal(io.open("/etc/passwd"), nil)
      end)`
    const files = { 'helper.lua': 'return 7' }
    expect(outcomes(await runTests(source, { files }))).toEqual(['t: passed'])
  })

  test('keeps what a test prints', async () => {
    const { tests } = await runTests('it("t", function() print("a", 1) end)')
    expect(tests[0]?.printed).toEqual(['a\t1'])
  })
})
