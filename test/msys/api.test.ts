// The binding functions, from Lua: each snippet is the body of a callout and returns what is compared.
import { describe, expect, test } from 'vitest'
import { headerText, policyOf, runLua, subjectOf } from '../support/policy.ts'

const MAIL =
  'Received: one\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nTo: a@b\r\nto: c@d\r\n\r\nbody\r\n'

const run = (code: string, callout?: string) => runLua(code, { callout, mail: MAIL })

describe('msg:header', () => {
  test.each([
    ['say(msg:header("subject"))', '{GrÃ¼Ã\u009fe}'],
    ['say(msg:header("TO"))', '{a@b,c@d}'],
    ['say(msg:header("X-None"), #msg:header("X-None"))', '{} 0'],
    [
      'say(pcall(msg.header, msg))',
      /^false .*msg:header: bad argument #1 \(string expected, got nil\): name/,
    ],
    ['say(pcall(msg.header, msg, {}))', /bad argument #1 \(string expected, got table\): name/],
    ['msg:header("bad name", "x")', /ERROR .*not a field name/],
    ['msg:header("X", "v", "sideways")', /ERROR .*unknown mode 'sideways'/],
    ['msg:header("X", true)', /ERROR .*bad argument #2 \(string or table expected\): value/],
  ])('%s', async (code, expected) => {
    const { said } = await run(code)
    if (typeof expected === 'string') expect(said).toBe(expected)
    else expect(said).toMatch(expected)
  })

  test.each([
    ['msg:header("To", "x@y")', 'Received: one\r\nSubject: …\r\nTo: x@y\r\n'],
    [
      'msg:header("To", "x@y", "append")',
      'Received: one\r\nSubject: …\r\nTo: a@b\r\nto: c@d\r\nTo: x@y\r\n',
    ],
    [
      'msg:header("X-A", "1", "prepend")',
      'X-A: 1\r\nReceived: one\r\nSubject: …\r\nTo: a@b\r\nto: c@d\r\n',
    ],
    [
      'msg:header("X-A", {"1", "2"}, "prepend")',
      'X-A: 1\r\nX-A: 2\r\nReceived: one\r\nSubject: …\r\nTo: a@b\r\nto: c@d\r\n',
    ],
    ['msg:header("to", "")', 'Received: one\r\nSubject: …\r\n'],
    ['msg:header("To", nil)', 'Received: one\r\nSubject: …\r\n'],
    ['msg:header("X-N", 5)', 'Received: one\r\nSubject: …\r\nTo: a@b\r\nto: c@d\r\nX-N: 5\r\n'],
    [
      'msg:header("X-U", "Gr\\195\\188\\195\\159e")',
      'Received: one\r\nSubject: …\r\nTo: a@b\r\nto: c@d\r\nX-U: =?',
    ],
  ])('%s', async (code, expected) => {
    const { subject } = await run(code)
    const text = headerText(subject.msg).replace('=?utf-8?q?Gr=C3=BC=C3=9Fe?=', '…')
    expect(text.startsWith(expected)).toBe(true)
  })

  test('a line break in a value cannot begin another field', async () => {
    const { subject } = await run('msg:header("X-A", "v\\r\\nBcc: evil@x")')
    expect(headerText(subject.msg)).not.toMatch(/^Bcc:/m)
    expect(headerText(subject.msg)).toMatch(/^X-A: v/m)
  })

  test('the table that is returned is a copy', async () => {
    const { subject } = await run('local h = msg:header("To") h[1] = "changed"')
    expect(headerText(subject.msg)).toContain('To: a@b')
  })
})

describe('context variables', () => {
  test.each([
    ['say(msg:context_get(M, "none"))', ''],
    ['say(msg:context_set(M, "k", "v"), msg:context_get(M, "k"))', '1 v'],
    ['msg:context_set(M, "k", 1.5) say(msg:context_get(M, "k"))', '1.5'],
    ['msg:context_set(M, "k", 1e15) say(msg:context_get(M, "k"))', '1e+15'],
    ['msg:context_set(M, "k", true) say(msg:context_get(M, "k"))', 'true'],
    ['say(msg:context_set(M, "k", nil), msg:context_exists(M, "k"))', '0 0'],
    ['say(msg:context_exists_and_get(M, "k"))', '0 nil'],
    ['msg:context_set(M, "k", "") say(msg:context_exists_and_get(M, "k"))', '1 '],
    ['msg:context_set(C, "k", "c") say(msg:context_get(M, "k"), msg:context_get(C, "k"))', ' c'],
    [
      'msg:context_set(M, "k", "v") say(msg:context_delete(M, "k"), msg:context_delete(M, "k"))',
      '1 0',
    ],
    [
      'msg:context_get(7, "k")',
      /ERROR .*\(msys\.core\.VCTX_CONN or msys\.core\.VCTX_MESS expected, got number\): type/,
    ],
    [
      'msg:context_set(M, "k", {})',
      /ERROR .*\(string, number or boolean expected, got table\): value/,
    ],
    ['vctx:set(msys.core.VCTX_MESS, "k", "v") say(msg:context_get(M, "k"))', 'v'],
    ['say(vctx:get(msys.core.VCTX_CONN, "none"))', ''],
    ['vctx:set(C, "k", 5) say(vctx:exists(C, "k"), vctx:exists_and_get(C, "k"))', '1 1 5'],
    ['vctx:set(C, "k", 5) say(vctx:delete(C, "k"), vctx:delete(C, "k"))', '1 0'],
    ['vctx:set("x", "k", 5)', /ERROR .*bad argument #1 .*got string\): type/],
    ['vctx.set(1, 2, 3, 4)', /ERROR .*self/],
    ['vctx:set(C, "__proto__", "x") say(vctx:get(C, "__proto__"), vctx:get(C, "toString"))', 'x '],
  ])('%s', async (code, expected) => {
    const { said } = await run(code)
    if (typeof expected === 'string') expect(said).toBe(expected)
    else expect(said).toMatch(expected)
  })

  test('vctx:set without a key or value changes nothing and says so', async () => {
    const { notices } = await run('vctx:set(C, nil, "v") vctx:set(C, "k", nil) vctx:get(C, nil)')
    expect(notices).toEqual([
      'vctx:set called without a key: no change',
      'vctx:set called without a value: no change',
      'vctx:get called without a key',
    ])
  })
})

describe('the verdict', () => {
  test.each([
    ['vctx:set_code(550, "no")', { code: 550, note: 'no', disconnect: false }],
    ['vctx:set_code("421", "later")', { code: 421, note: 'later', disconnect: false }],
    ['vctx:set_code(550)', { code: 550, note: '', disconnect: false }],
    ['vctx:disconnect(421, "bye")', { code: 421, note: 'bye', disconnect: true }],
    ['vctx:disconnect()', { code: 421, note: 'disconnected by policy', disconnect: true }],
    ['vctx:set_code(550, "no") vctx.disconnect = 1', { code: 550, note: 'no', disconnect: true }],
    ['vctx.code = 554 vctx.note = "x"', { code: 554, note: 'x', disconnect: false }],
    ['vctx:tarpit(2) vctx:tarpit(0.5)', { code: 0, tarpitSeconds: 2.5 }],
  ])('%s', async (code, verdict) => {
    const { subject } = await run(code)
    expect(subject.vctx.verdict).toMatchObject(verdict)
  })

  test.each([
    ['vctx:set_code("abc", "x")', /bad argument #1 \(number expected, got string\): code/],
    ['vctx:set_code(99, "x")', /an SMTP code expected/],
    ['vctx.code = "abc"', /an SMTP code expected/],
    ['vctx.code = nil', /an SMTP code expected/],
    ['vctx.code = 99999', /an SMTP code expected/],
    ['vctx:set_code()', /vctx:set_code: bad argument #1 \(number expected, got nil\): code/],
    ['vctx:tarpit(-1)', /negative/],
  ])('%s raises', async (code, message) => {
    expect((await run(code)).said).toMatch(message)
  })
})

describe('the envelope', () => {
  test.each([
    [
      'say(msg:mailfrom(), msg:rcptto(), msg:routing_domain())',
      'news@sender.example anna@rcpt.example rcpt.example',
    ],
    [
      'msg:rcptto("x@y.example") say(msg:rcptto(), msg:context_get(M, "rcptto_domain"))',
      'x@y.example y.example',
    ],
    ['msg:mailfrom("") say(msg:mailfrom() == "")', 'true'],
    ['msg:routing_domain("Hop.Example") say(msg:routing_domain())', 'hop.example'],
    ['msg:rcptto("no-address")', /not an address/],
    ['msg:rcptto("a@b>\\r\\nDATA")', /not an address/],
    ['msg:mailfrom("\\"a\\r\\nb\\"@x")', /not an address/],
    ['msg:routing_domain("a b")', /not a domain name/],
    ['say(msg.id, msg.batch_id, msg.conn_id)', '00/00-1-A 00/00-1-A 00/00-1-9'],
    ['say(msg.nothing)', /msg\.nothing: there is no such field or method/],
    ['say("id " .. msg.id)', 'id 00/00-1-A'],
  ])('%s', async (code, expected) => {
    const { said } = await run(code)
    if (typeof expected === 'string') expect(said).toBe(expected)
    else expect(said).toMatch(expected)
  })

  test('the recipient of the whole message cannot be changed', async () => {
    const { said } = await run('msg:rcptto("x@y.example")', 'validate_data')
    expect(said).toMatch(
      /msg:rcptto is not allowed in validate_data \(only in: validate_data_spool_each_rcpt, /,
    )
  })

  test('nothing may be discarded in validate_set_binding', async () => {
    const source = `msys.registerModule("b", { validate_set_binding = function(self, msg)
      print(tostring(select(2, pcall(msg.discard, msg)))) return 0 end })`
    const { policy, panics, close } = await policyOf({ b: source })
    await policy.openSession().run('validate_set_binding', subjectOf().subject)
    expect(panics.join()).toContain('msg:discard is not allowed in validate_set_binding')
    await close()
  })
})

test.each([
  ['msg:discard()', '550 5.7.0 discarded by policy'],
  ['msg:discard("554 spam")', '554 spam'],
  ['msg:discard("spam")', '550 5.7.1 [internal] discarded by policy'],
])('%s keeps a reason that begins with a code', async (code, reason) => {
  const { subject, said } = await run(`${code} say("goes on")`)
  expect(subject.msg.current.discarded).toBe(reason)
  expect(said).toBe('goes on')
})

describe('msys.expandMacro', () => {
  test.each([
    ['msg:context_set(C, "a", "1") say(msys.expandMacro("x%{vctx_conn:a}y"))', 'x1y'],
    [
      'msg:context_set(M, "a", "%{vctx_mess:a}") say(msys.expandMacro("%{vctx_mess:a}"))',
      '%{vctx_mess:a}',
    ],
    ['say(msys.expandMacro("100%% %{vctx_mess:none}|"))', '100% |'],
    ['say(msys.expandMacro("%{i}"))', '192.0.2.1'],
  ])('%s', async (code, expected) => {
    const { said } = await run(code)
    if (typeof expected === 'string') expect(said).toBe(expected)
    else expect(said).toMatch(expected)
  })
})

describe('what is not there says so', () => {
  test.each([
    ['msys.av.scan()', 'msys.av.scan: not available: needs a scanner that is licensed separately'],
    [
      'local smpp = require("msys.smpp") say(smpp.SMPP_CONTINUE)',
      'msys.smpp.SMPP_CONTINUE: not available: this server carries no mobile traffic',
    ],
    ['local x = msys.core.VALIDATE_CNT', 'msys.core.VALIDATE_CNT is not defined'],
  ])('%s', async (code, message) => {
    expect((await run(code)).said).toContain(message)
  })
})

test('modules that only add methods can be required', async () => {
  const { said } = await run(`for _, m in ipairs { "msys", "msys.core", "msys.extended.message",
    "msys.extended.vctx", "msys.extended.ac", "msys.extended.message_routing" } do
    say(type(require(m))) end`)
  expect(said).toBe('table table table table table table')
})

test('ac tells who is connected', async () => {
  const { said } = await run(
    'say(tostring(ac.remote_addr), ac.conn_id, ac.protocol == msys.core.P_ESMTP)',
  )
  expect(said).toBe('192.0.2.1:4711 00/00-1-9 true')
})

test('a message that is over is named when policy keeps it', async () => {
  const source = `local kept
    msys.registerModule("k", {
      validate_data = function(self, msg, ac, vctx) kept = { msg, vctx } return 0 end,
      validate_connect = function(self, ac, vctx)
        print(tostring(select(2, pcall(kept[1].header, kept[1], "To"))))
        print(tostring(select(2, pcall(kept[2].get, kept[2], 0, "k"))))
        return 0
      end })`
  const { policy, panics, close } = await policyOf({ k: source })
  const session = policy.openSession()
  const { subject } = subjectOf()
  await session.run('validate_data', subject)
  subject.msg.gone = 'RSET'
  subject.vctx.gone = 'the session is over'
  await session.run('validate_connect', subjectOf().subject)
  expect(panics[0]).toContain('message is gone (RSET)')
  expect(panics[1]).toContain('vctx is gone (the session is over)')
  await close()
})
