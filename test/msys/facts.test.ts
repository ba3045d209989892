// What a message says of itself, from Lua: fields, status, envelope; new messages and copies of it.
import { expect, test } from 'vitest'
import { rawOf } from '../../src/msys/content.ts'
import { runLua } from '../support/policy.ts'

const MAIL = 'Subject: a\r\n\r\nbody\r\n'

test.each([
  ['say(msg.id, "id " .. msg.batch_id, tostring(msg.conn_id))', '00/00-1-A id 00/00-1-A 00/00-1-9'],
  [
    'say(msg.recv_method == E.P_ESMTP, msg.recv_from, msg.recv_via)',
    'true 192.0.2.1:4711 127.0.0.1:25',
  ],
  [
    'say(msg.creation_time, msg.num_retries, msg.delivered == E.EM_TRYING, msg.domain)',
    '0 0 true rcpt.example',
  ],
  ['say(msg.stage, msg.failed, msg.binding_slot)', '0 0 0'],
  [
    'say(msg.priority) msg.priority = 1 say(msg.priority) msg.priority = 2 say(msg.priority)',
    '0 1 0',
  ],
  ['msg.priority = "high"', /ERROR .*msg.priority: 0 or 1 expected/],
  ['msg.id = "x"', /ERROR .*cannot set field 'id'/],
  ['say(msg.colour)', /ERROR .*msg.colour: there is no such field or method/],
  [
    'say(msg:listener_addr(), msg:listener_addr("ip"), msg:listener_addr("port"))',
    '127.0.0.1:25 127.0.0.1 25',
  ],
  ['say(msg:reception_peer(nil), msg:reception_peer("all"))', '192.0.2.1:4711 192.0.2.1:4711'],
  ['msg:listener_addr("host")', /ERROR .*'ip', 'port' or 'all' expected, got string/],
  ['say(msg:get_delivery_method())', 'esmtp'],
  ['say(msg:code(), msg:get_code())', ' nil'],
  [
    'say(msg:code("421", "Too much spam."), msg:get_code())',
    '421 Too much spam. 421 Too much spam.',
  ],
  ['say(msg:code(0, "550-one\\n550 two"))', '550-one\r\n550 two'],
  ['say(msg:code(550, "one\\r\\ntwo\\r\\n"))', '550-one\r\n550 two'],
  ['say(msg:code(550, "a\\0b\\rc"))', '550 a b c'],
  ['msg:code(0, "no code")', /ERROR .*msg:code: no code from 1 to 999/],
  [
    'say(msg:set_code(550, "x"), msg:set_code(451, "y"), msg:set_code(1000, "z"), msg:get_code())',
    '0 550 -1 451 y',
  ],
  ['msg:set_code("x")', /ERROR .*msg:set_code: bad argument #1 \(number expected/],
  [
    'local l, d = E.string_new(), E.string_new() msg:get_envelope2(E.EC_MSG_ENV_FROM, l, d) say(tostring(l), #d, d.buffer)',
    'news 14 sender.example',
  ],
  [
    'local l = E.string_new() msg:get_envelope2(E.EC_MSG_ENV_TO + E.EC_MSG_ENV_COMPLETE, l, nil) say(l)',
    'anna@rcpt.example',
  ],
  [
    'msg:get_envelope2(E.EC_MSG_ENV_FROM | E.EC_MSG_ENV_TO)',
    /ERROR .*one of EC_MSG_ENV_FROM and EC_MSG_ENV_TO/,
  ],
  [
    'msg:get_envelope2(E.EC_MSG_ENV_FROM, "x")',
    /ERROR .*ec_string expected, got string\): localpart/,
  ],
  ['local s = E.string_new() s:set("abc") say(s, #s, s.len) s:set(5) say(s .. "!")', 'abc 3 3 5!'],
  ['E.string_new():set()', /ERROR .*str:set: bad argument #1 \(string expected, got nil\): text/],
  ['say(E.ec_message_context_set(msg, M, "k", 5), E.ec_message_context_get(msg, M, "k"))', '1 5'],
  [
    'say(E.ec_message_context_firstkey(msg, C)) E.ec_message_context_set(msg, C, "k", 5) say(msg:context_firstkey(C), msg:context_nextkey(C, "k"))',
    'nil k nil',
  ],
  [
    'E.ec_message_context_get("x", M, "k")',
    /ERROR .*ec_message_context_get: bad argument #1 \(message expected, got string\)/,
  ],
  ['say(E.ec_message_get_message_size(msg), E.ec_message_get_code(msg))', '20 nil'],
  [
    'say(E.ec_message_context_exists(msg, M, "k"), E.ec_message_context_exists_and_get(msg, M, "k"))',
    '0 0 nil',
  ],
  [
    'msg:context_set(M, "k", "v") say(E.ec_message_context_delete(msg, M, "k"), msg:context_get(M, "k"))',
    '1 ',
  ],
  ['msg:context_set(C, "k", "v") say(E.ec_message_context_nextkey(msg, C, "k"))', 'nil'],
  [
    'say(E.ec_message_set_code(msg, 451, "later"), msg:code(), E.ec_message_set_code(msg, 0, "x"))',
    /^\S+ 451 later -1$/,
  ],
  [
    'say(E.ec_message_get_delivery_method(msg), E.ec_message_is_mcmt(msg), msg:is_mcmt())',
    'esmtp false false',
  ],
  [
    'local s = E.string_new() E.ec_message_render_to_string(msg, s, 0) say(#s, #msg:raw())',
    /^\d+ 20$/,
  ],
  [
    'local s = E.string_new() E.ec_message_get_envelope2(msg, E.EC_MSG_ENV_FROM, nil, s) say(s)',
    'sender.example',
  ],
  [
    'local c = E.ec_message_copy(msg) c:header("X", "y") say(#c:header("X"), #msg:header("X"))',
    '1 0',
  ],
  [
    'local c = E.ec_message_snapshot(msg) say(c:header("Subject"), pcall(c.header, c, "X", "y"))',
    /^\{a\} false /,
  ],
  [
    'msg:mime(false) E.ec_message_set_first_part(msg, msg:makePart("text/plain", "new\\r\\n")) say(msg:text())',
    'new\r\n',
  ],
  [
    'local p = msg:mime() say(p.preamble_start <= p.body_start, p.body_start <= p.body_end)',
    'true true',
  ],
  ['say(vctx.tcost) vctx.tcost = 2 say(vctx.tcost)', /^\S+ 2$/],
])('%s', async (code, said) => {
  const ran = await runLua(code, { mail: MAIL })
  if (typeof said === 'string') expect(ran.said).toBe(said)
  else expect(ran.said).toMatch(said)
})

test('a copy is changed on its own', async () => {
  const code = `
    local copy = msg:copy()
    copy:body("x\\r\\n") copy:header("X", "y") copy:context_set(M, "k", "v") copy:mailfrom("a@b")
    say(copy:raw())
    say(msg:context_exists(M, "k"), msg:mailfrom())`
  const { said, subject } = await runLua(code, { mail: MAIL })
  expect(said).toBe('Subject: a\r\nX: y\r\n\r\nx\r\n 23 0 news@sender.example')
  expect(rawOf(subject.msg).toString()).toBe(MAIL)
})

test.each([
  'snap:header("X", "y")',
  'snap:body("x")',
  'snap:raw("x")',
  'snap:text("x")',
  'snap:mime(false)',
  'snap:discard()',
  'snap:code(550, "x")',
  'snap:mailfrom("a@b")',
  'snap:rcptto("a@b")',
  'snap:routing_domain("b")',
  'snap:context_set(M, "k", "v")',
  'snap:context_delete(M, "k")',
  'snap.priority = 1',
])('a snapshot refuses %s', async (code) => {
  const { said } = await runLua(`local snap = msg:snapshot() ${code}`, { mail: MAIL })
  expect(said).toMatch(/ERROR .*: a snapshot is read only/)
})

test('a snapshot stays as it was until it is freed', async () => {
  const code = `
    local snap = msg:snapshot()
    msg:header("Subject", "b")
    say(snap:header("Subject"), snap:text())
    snap:free()
    snap:header("Subject")`
  expect((await runLua(code, { mail: MAIL })).said).toMatch(
    /^\{a\} body\r\n ERROR .*message is gone \(it was freed\)/,
  )
})

test('only a snapshot can be freed', async () => {
  expect((await runLua('msg:free()')).said).toMatch(/ERROR .*snap:free: this is no snapshot/)
})

test('a new message is empty, internal, and can be filled by writing', async () => {
  const code = `
    local new = E.ec_message_new()
    say(#new:raw(), new.recv_method == E.P_INTERNAL, new:header("Subject"), new:mailfrom())
    local io = E.ec_message_builder(new, 100)
    say(io:write("Subject: n"), io:write("ew\\r\\n\\r\\nbody---", 10), #io)
    io:close()
    say(new:header("Subject"), new:body())
    io:write("x")`
  expect((await runLua(code)).said).toMatch(
    /^0 true \{\}  10 10 20 \{new\} body\r\n ERROR .*io_object is gone \(it was closed\)/,
  )
})

test.each([
  [
    'm:build({ Subject = "Hi", From = "a@b" }, { ["text/html"] = "<p>", ["text/plain"] = "x" }, {}) say(m:header("Subject"), m:mime().type, m:mime().parts.parts.type, m:text())',
    '{Hi} multipart/mixed text/plain {x,<p>}',
  ],
  [
    'm:build({ To = { "a@b", "c@d" } }, {}, { { type = "text/csv", name = "t.csv", headers = "X-A: b", content = "1;2" } }) local p = m:mime().parts.next say(m:header("To"), p:content_type().filename, p:header("X-A"), p:text())',
    '{a@b,c@d} t.csv {b} 1;2',
  ],
  [
    'm:build({}, { ["text/plain"] = "x" }, { { content = msg } }) local p = m:mime().parts.next say(p.type, m:body():find("Subject: a\\r\\n\\r\\nbody", 1, true) ~= nil)',
    'message/rfc822 true',
  ],
  ['msg:build({}, {}, {})', /ERROR .*msg:build: the message is not empty/],
  ['m:build("x")', /ERROR .*msg:build: bad argument #1 \(table expected, got string\): headers/],
  ['m:build({ A = true })', /ERROR .*the value of A is no string/],
  ['m:build({}, { [true] = "x" })', /ERROR .*content types are strings/],
  ['m:build({}, {}, { "x" })', /ERROR .*each is a table/],
  ['m:build({}, {}, { { name = "x" } })', /ERROR .*each has a content/],
  ['m:inject("a@b", "c@d")', /ERROR .*msg:inject: the message is empty/],
  ['msg:inject("a@b", "c@d")', /ERROR .*msg:inject: there is no session here to send for/],
])('%s', async (code, said) => {
  const ran = await runLua(`local m = E.ec_message_new() ${code}`, { mail: MAIL })
  if (typeof said === 'string') expect(ran.said).toBe(said)
  else expect(ran.said).toMatch(said)
})
