import { describe, expect, test } from 'vitest'
import { openState } from '../../src/lua/state.ts'
import type { LuaTable } from '../../src/lua/value.ts'
import { fakeDatabases } from '../../src/testing/fakes.ts'
import { outcomes, runTests } from './files.ts'
import { BUDGET } from '../support/policy.ts'

const ASKS = `
require("msys.core")
local mod = {}
function mod:validate_rcptto(msg, str, ac, vctx)
  local records, err = msys.dnsLookup("x.example", "TXT")
  vctx:set_code(550, "dns " .. (records and table.concat(records, ",") or tostring(err)))
  return msys.core.VALIDATE_CONT
end
msys.registerModule("asks", mod)`

const FETCHES = `
require("msys.core")
local mod = {}
function mod:validate_rcptto(msg, str, ac, vctx)
  local client = msys.http.client.new()
  local ok, err = client:do_request("POST", "https://api.example/", "a=b")
  local said = ok and client:get_status() .. " " .. client:get_body() or err
  vctx:set_code(550, "http " .. tostring(said))
  return msys.core.VALIDATE_CONT
end
msys.registerModule("fetches", mod)`

const ROLLS = `
local mod = {}
function mod:validate_data(msg, ac, vctx)
  msg:header("X-Dice", math.random() .. " " .. math.random())
  return msys.core.VALIDATE_CONT
end
msys.registerModule("rolls", mod)`

const files = { 'asks.lua': ASKS, 'fetches.lua': FETCHES, 'rolls.lua': ROLLS }

const play = (script: string) => `session{ script = "${script}", rcptto = "a@b.example" }`

describe('the outside of a test', () => {
  test.each([
    ['fake_dns{ ["TXT x.example"] = { "one", "two" } }', 'asks.lua', '550 dns one,two'],
    ['fake_dns{ ["TXT x.example"] = "SERVFAIL" }', 'asks.lua', '550 dns SERVFAIL'],
    ['fake_dns{ ["*"] = "NXDOMAIN" }', 'asks.lua', '550 dns NXDOMAIN'],
    [
      'fake_dns(function(type, name) return { type .. name } end)',
      'asks.lua',
      '550 dns TXTx.example',
    ],
    [
      'fake_http{ ["POST https://api.example/"] = { status = 201, body = "made" } }',
      'fetches.lua',
      '550 http 201 made',
    ],
    [
      'fake_http(function(r) return { body = r.method .. r.body } end)',
      'fetches.lua',
      '550 http 200 POSTa=b',
    ],
    ['fake_http{ ["*"] = "refused" }', 'fetches.lua', '550 http refused'],
  ])('%s', async (fake, script, reply) => {
    const result = await runTests(
      `it("t", function() ${fake} expect_equal(${play(script)}:reply(), "${reply}") end)`,
      { files },
    )
    expect(outcomes(result)).toEqual(['t: passed'])
  })

  test('tells what it was asked', async () => {
    const result = await runTests(
      `it("t", function()
         local asked = fake_dns{ ["*"] = "NXDOMAIN" }
         local fetched = fake_http{ ["*"] = {} }
         ${play('asks.lua')}
         ${play('fetches.lua')}
         expect_equal(asked, { { type = "TXT", name = "x.example" } })
         expect_equal({ #fetched, fetched[1].url, fetched[1].body }, { 1, "https://api.example/", "a=b" })
       end)`,
      { files },
    )
    expect(outcomes(result)).toEqual(['t: passed'])
  })

  test('is refused by name where nothing stands for it, also after a test that did', async () => {
    const result = await runTests(
      `it("a", function() fake_dns{ ["*"] = "NXDOMAIN" } ${play('asks.lua')}:expect_code(550) end)
       it("b", function() fake_dns{} ${play('asks.lua')}:expect_code(421):expect_log("no DNS in this test: TXT x.example") end)
       it("c", function() ${play('asks.lua')}:expect_code(421):expect_log("TXT x.example") end)`,
      { files },
    )
    expect(outcomes(result)).toEqual(['a: passed', 'b: passed', 'c: passed'])
  })

  test('holds for all tests where it stands outside of them', async () => {
    const result = await runTests(
      `fake_random{ 0.25, 0.5 }
       local function dice() return ${play('rolls.lua')}:rcpt("a@b.example") end
       it("a", function() dice():expect_header("X-Dice", "0.25 0.5") end)
       it("b", function() fake_random(0.75) dice():expect_header("X-Dice", "0.75 0.75") end)
       it("c", function() dice():expect_header("X-Dice", "0.25 0.5") end)`,
      { files },
    )
    expect(outcomes(result)).toEqual(['a: passed', 'b: passed', 'c: passed'])
  })

  test.each([
    ['fake_dns("x")', 'fake_dns: a table of answers or a function was expected'],
    ['fake_random{}', 'fake_random: numbers from 0 up to 1 were expected'],
    ['fake_random(1)', 'fake_random: numbers from 0 up to 1 were expected'],
  ])('says what is wrong with %s', async (code, complaint) => {
    const result = await runTests(`it("t", function() ${code} end)`)
    expect(outcomes(result)).toEqual([`t: test.lua:1: ${complaint}`])
  })
})

describe('databases', () => {
  const ask = async (lua: string, sql: string) => {
    const state = openState({ print() {}, warn() {}, roots: [], budget: BUDGET })
    const results = await state.call(state.load(Buffer.from(`return ${lua}`), 'fake'), [])
    const calls = state.newTable()
    const { databases } = fakeDatabases(state, results[0], calls)
    const answer = await databases
      ?.open('sqlite:x', { maxConnections: 1 })
      .run({ sql, params: [7, null], timeoutMs: 1000 }, new AbortController().signal)
    const call = calls.get(1) as LuaTable
    return {
      answer,
      asked: [call.get('sql'), call.get('uri'), (call.get('params') as LuaTable).get(1)],
    }
  }

  test('answer with rows, whatever the blanks of a statement', async () => {
    const lua = '{ ["SELECT a, b FROM t WHERE c = ?"] = { { a = 1, b = "x" }, { a = 2 } } }'
    expect(await ask(lua, 'SELECT a, b\n  FROM t WHERE c = ?')).toEqual({
      answer: {
        kind: 'rows',
        columns: ['a', 'b'],
        rows: [
          [1, 'x'],
          [2, null],
        ],
      },
      asked: ['SELECT a, b\n  FROM t WHERE c = ?', 'sqlite:x', 7],
    })
  })

  test.each([
    ['{ ["*"] = "locked" }', { kind: 'failed', text: 'locked' }],
    ['{}', { kind: 'refused', text: 'no database in this test: SELECT 1' }],
    ['{ ["SELECT 1"] = {} }', { kind: 'rows', columns: [], rows: [] }],
    [
      'function(q) return { { sql = q.sql } } end',
      { kind: 'rows', columns: ['sql'], rows: [['SELECT 1']] },
    ],
  ])('%s', async (lua, answer) => {
    expect((await ask(lua, 'SELECT 1')).answer).toEqual(answer)
  })
})

test('a policy asks a faked database through its data source', async () => {
  const looks = `
    require("msys.core")
    require("msys.db")
    local mod = {}
    function mod:validate_rcptto(msg, str, ac, vctx)
      local row = msys.db.fetch_row("prefs", "SELECT wish FROM prefs WHERE who = ?", { "anna" })
      vctx:set_code(550, "wish " .. tostring(row and row.wish))
      return msys.core.VALIDATE_CONT
    end
    msys.registerModule("looks", mod)`
  const conf = `
    datasource "prefs" { uri = ( "sqlite:prefs.db" ) }
    scriptlet "scriptlet" { script "looks" { source = "looks" } }
    esmtp_listener { listen "127.0.0.1:2525" {} open_relay = true }`
  const result = await runTests(
    `it("t", function()
       local asked = fake_db{ ["SELECT wish FROM prefs WHERE who = ?"] = { { wish = "no mail" } } }
       local s = session{ config = "looks.conf", rcptto = "a@b.example" }
       expect_equal(s:reply(), "550 wish no mail")
       expect_equal(asked[1].params, { "anna" })
     end)`,
    { files: { 'looks.lua': looks, 'looks.conf': conf } },
  )
  expect(outcomes(result)).toEqual(['t: passed'])
})
