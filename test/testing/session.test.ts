import { describe, expect, test } from 'vitest'
import { outcomes, runTests } from './files.ts'

/** What becomes of one test with this body; `s` is a session with one recipient. */
async function check(body: string, files: Readonly<Record<string, string>> = {}): Promise<string> {
  const result = await runTests(
    `local function play(rcptto, more)
       local given = more or {}
       given.script, given.rcptto = "policy.lua", rcptto or "a@b.example"
       return session(given)
     end
     it("t", function() ${body} end)`,
    { files },
  )
  return (outcomes(result)[0] ?? '').replace(/^t: (?:test\.lua:6: )?/, '')
}

const HTML =
  '"Subject: x\\nContent-Type: text/html\\n\\n<p>Grüße <a href=\'https://x.example/a?b=1\'>x</a></p>\\n"'

describe('what holds of a session', () => {
  test.each([
    'play():expect_code(250)',
    'play("a@blocked.example"):expect_code(550):expect_reply("no thanks")',
    'expect_equal(play():code(), 250)',
    'expect_equal(play("a@blocked.example"):reply(), "550 5.7.1 no thanks")',
    'play():expect_log("saw a@b"):expect_log("saw", "paniclog"):expect_no_log("saw", "rejectlog")',
    'expect_equal(play({ "a@b.example", "c@blocked.example" }):recipients(), { "a@b.example", "c@blocked.example" })',
    'play("a@b.example", { peer = "192.0.2.9", context = { region = "eu" } }):expect_context("region", "eu")',
    'local s = play() s:send{ rcptto = "c@d.example", message = "A: b\\n\\nx\\n" } s:rcpt("c@d.example"):expect_header("A", "b")',
    'expect_equal(play():command("NOOP"), "250 2.0.0 OK")',
    'local s = play() s:command("QUIT") expect(s:is_closed())',
    'expect(#play():events() > 0)',
  ])('%s', async (body) => {
    expect(await check(body)).toBe('passed')
  })
})

describe('what holds of a recipient', () => {
  test.each([
    'play():rcpt("A@B.example"):expect_code(250):expect_verdict("accepted")',
    'play():rcpt("a@b.example"):expect_header("x-group", "one"):expect_header_match("X-Group", "^o"):expect_no_header("X-No")',
    'play():rcpt("a@b.example"):expect_context("who", "a@b.example"):expect_context("unset", nil)',
    'play({ "a@b.example", "c@blocked.example" }):rcpt("c@blocked.example"):expect_code(550):expect_verdict("refused")',
    `play(nil, { message = ${HTML} }):rcpt("a@b.example"):expect_link("https://x.example/a?b=1"):expect_pixel():expect_body("Grüße")`,
    `play(nil, { message = ${HTML}, mess_context = { smtpapi_click_tracking = "0", smtpapi_open_tracking = "0" } }):rcpt("a@b.example"):expect_no_link("https://x.example/a?b=1"):expect_pixel(false)`,
    `expect_equal(play(nil, { message = ${HTML} }):rcpt("a@b.example"):links()[1].outcome, "tracked")`,
    'play(nil, { eml = "mail.eml" }):rcpt("a@b.example"):expect_body("from a file", true):expect_no_body("F.om")',
    'expect_equal(play():rcpt("a@b.example"):binding(), "default") play():rcpt("a@b.example"):expect_binding("default")',
  ])('%s', async (body) => {
    expect(await check(body, { 'mail.eml': 'Subject: file\n\nfrom a file\n' })).toBe('passed')
  })
})

describe('what is said when it does not', () => {
  test.each([
    ['play():expect_code(550)', /^code\n {2}expected: 550\n {2}got: {6}250 2\.0\.0 OK /],
    [
      'play("raise@b.example"):expect_code(250)',
      /got: {6}421 .*retry.*\n.*paniclog: .*policy\.lua:8: oh no/,
    ],
    [
      'play():rcpt("a@b.example"):expect_header("X-Group", "two")',
      /^header X-Group of a@b\.example\n {2}expected: "two"\n {2}got: {6}"one"$/,
    ],
    [
      'play("a@blocked.example"):rcpt("a@blocked.example"):expect_header("X-Group")',
      /got: {6}none \(refused: 550 5\.7\.1 no thanks\)/,
    ],
    [
      'play():rcpt("a@b.example"):expect_context("who", "b")',
      /^context who of a@b\.example\n {2}expected: "b"\n {2}got: {6}"a@b\.example"$/,
    ],
    [
      `play(nil, { message = ${HTML} }):rcpt("a@b.example"):expect_link("https://y.example/")`,
      /got: {6}https:\/\/x\.example\/a\?b=1 \(tracked\)$/,
    ],
    [
      'play():rcpt("a@b.example"):expect_body("absent")',
      /^body of a@b\.example\n {2}expected: a match of "absent"\n {2}got: {6}"test\\r\\n"$/,
    ],
    ['play():rcpt("z@b.example")', /^rcpt: no recipient z@b\.example; there are: a@b\.example$/],
    ['play():expect_log("never")', /^log\n {2}expected: a line with a match of "never"/],
    [
      'session{ script = "policy.lua", rcpto = "a@b" }',
      /^session: unknown key rcpto; known: script, /,
    ],
    ['session{ rcptto = "a@b.example" }', /^session: give a script or a config$/],
    ['session{ script = "none.lua" }', /^session: .*none\.lua/],
    ['session{ script = "broken.lua" }', /^session: .*broken\.lua:1: /],
    ['play(nil, { message = "a", eml = "b" })', /^session: give message or eml, not both/],
    ['play():expect_code("250")', /^expect_code: argument 1: a number was expected$/],
  ])('%s', async (body, failure) => {
    const said = await check(body, { 'broken.lua': 'local x =' })
    expect(said.replace(/^test\.lua:\d+: /, '')).toMatch(failure)
  })
})

test('every session runs a policy of its own', async () => {
  const counter = `
    calls = 0
    local mod = {}
    function mod:validate_data(msg, ac, vctx)
      calls = calls + 1
      msg:header("X-Calls", tostring(calls))
      return msys.core.VALIDATE_CONT
    end
    msys.registerModule("counter", mod)`
  const result = await runTests(
    `it("t", function()
       local function calls(s) return s:rcpt("a@b.example"):header("X-Calls") end
       local first = session{ script = "counter.lua", rcptto = "a@b.example" }
       expect_equal(calls(first:send{}), "2")
       expect_equal(calls(session{ script = "counter.lua", rcptto = "a@b.example" }), "1")
     end)`,
    { files: { 'counter.lua': counter } },
  )
  expect(outcomes(result)).toEqual(['t: passed'])
})

test('what policy sends is seen', async () => {
  const sender = `
    local mod = {}
    function mod:validate_data(msg, ac, vctx)
      local copy = msg:copy()
      copy:header("Subject", "hello")
      copy:inject("policy@own.example", "ops@own.example")
      return msys.core.VALIDATE_CONT
    end
    msys.registerModule("sender", mod)`
  const result = await runTests(
    `it("t", function()
       local s = session{ script = "sender.lua", rcptto = "a@b.example" }
       s:sent()[1]:expect_header("Subject", "hello"):expect_body("test")
     end)`,
    { files: { 'sender.lua': sender } },
  )
  expect(outcomes(result)).toEqual(['t: passed'])
})

test('the clock is what the test says, and moves when the test says', async () => {
  const clock = `
    local mod = {}
    function mod:validate_data(msg, ac, vctx)
      msg:header("X-Time", os.date("!%Y-%m-%d %H:%M", os.time()))
      return msys.core.VALIDATE_CONT
    end
    msys.registerModule("clock", mod)`
  const result = await runTests(
    `local function play() return session{ script = "clock.lua", rcptto = "a@b.example" } end
     it("changes it", function()
       fake_clock("2026-12-24T18:00:00Z")
       local s = play()
       s:rcpt("a@b.example"):expect_header("X-Time", "2026-12-24 18:00")
       s:advance(90 * 60)
       s:send{}:rcpt("a@b.example"):expect_header("X-Time", "2026-12-24 19:30")
       fake_clock(0)
       play():rcpt("a@b.example"):expect_header("X-Time", "1970-01-01 00:00")
     end)
     it("begins anew", function()
       play():rcpt("a@b.example"):expect_header("X-Time", "2026-01-01 00:00")
     end)
     it("wants a time", function() fake_clock("soon") end)`,
    { files: { 'clock.lua': clock } },
  )
  expect(outcomes(result)).toEqual([
    'changes it: passed',
    'begins anew: passed',
    'wants a time: test.lua:14: fake_clock: seconds or a date were expected',
  ])
})
