// `vctx` and `ac`: recipients, the reply to EHLO, who is connected, the message construct.
import { describe, expect, test } from 'vitest'
import { runLua } from '../support/policy.ts'

describe('recipients', () => {
  test.each([
    ['say(vctx:recipient_list())', '{anna@rcpt.example}'],
    [
      'vctx:add_recipient("b@x.example") say(vctx:recipient_list())',
      '{anna@rcpt.example,b@x.example}',
    ],
    ['vctx:add_recipient({"b@x.example", "anna@RCPT.example"}) say(#vctx:recipient_list())', '2'],
    ['vctx:remove_recipient("anna@rcpt.EXAMPLE") say(#vctx:recipient_list())', '0'],
    ['vctx:remove_recipient("Anna@rcpt.example") say(#vctx:recipient_list())', '1'],
    ['vctx:remove_recipient("none@x.example") say(#vctx:recipient_list())', '1'],
    ['say(vctx:recipient_list({"b@x", "c@x", "b@x"}))', '{b@x,c@x}'],
    ['vctx:recipient_list("b@x") say(vctx:recipient_list())', '{b@x}'],
    // As the manual's own loop does it.
    [
      'local l = vctx:recipient_list() local t = "" for i = 0, #l do t = t .. l[i] end say(t)',
      'anna@rcpt.example',
    ],
    ['say(vctx:iterate_rcpt(0)) say(vctx:iterate_rcpt(1))', '1 anna@rcpt.example -1'],
    ['vctx:add_recipient("no address")', /not an address/],
    ['vctx:add_recipient("a@b>\\r\\nDATA")', /not an address/],
    [
      'vctx:add_recipient()',
      /vctx:add_recipient: bad argument #1 \(string or table of strings expected, got nil\)/,
    ],
    ['vctx:add_recipient({true})', /bad argument #1 .* got table/],
    ['vctx:iterate_rcpt("x")', /bad argument #1 \(number expected, got string\)/],
  ])('%s', async (code, expected) => {
    const { said } = await runLua(code, { callout: 'validate_data' })
    if (typeof expected === 'string') expect(said).toBe(expected)
    else expect(said).toMatch(expected)
  })

  test.each(['add_recipient("b@x")', 'remove_recipient("b@x")', 'recipient_list("b@x")'])(
    'vctx:%s raises once the list is final',
    async (call) => {
      const { said } = await runLua(`vctx:${call}`, { callout: 'validate_data_spool' })
      expect(said).toMatch(/vctx:\w+ is not allowed in validate_data_spool \(only in: /)
    },
  )

  test('the list cannot be read in validate_rcptto, where it is not whole', async () => {
    const { said } = await runLua('vctx:recipient_list()', { callout: 'validate_rcptto' })
    expect(said).toMatch(/vctx:recipient_list is not allowed in validate_rcptto/)
  })
})

describe('the verdict in one call', () => {
  test.each([
    [
      'say(vctx:pbp_action(550, "no") == msys.core.VALIDATE_DONE)',
      { code: 550, note: 'no', disconnect: false },
    ],
    [
      'say(vctx:pbp_disconnect(554, "go") == msys.core.VALIDATE_DONE)',
      { code: 554, note: 'go', disconnect: true },
    ],
  ])('%s', async (code, verdict) => {
    const { said, subject } = await runLua(code)
    expect(said).toBe('true')
    expect(subject.vctx.verdict).toMatchObject(verdict)
  })

  test.each([
    ['vctx:pbp_action()', /vctx:pbp_action: bad argument #1 \(number expected, got nil\): code/],
    ['vctx:pbp_disconnect(9)', /vctx:pbp_disconnect: bad argument #1 \(an SMTP code/],
  ])('%s raises', async (code, message) => {
    expect((await runLua(code)).said).toMatch(message)
  })
})

describe('ac', () => {
  test.each([
    ['say(tostring(ac.remote_addr), tostring(ac.inst.address))', '192.0.2.1:4711 127.0.0.1:25'],
    ['say(msys.core.ec_sockaddr_family(ac.remote_addr) == msys.core.AF_INET)', 'true'],
    ['say(ac:inbound_session_count(), ac:inbound_session_count("/24"))', '1 1'],
    ['say(ac:inbound_session_count(nil, "ECStream"))', '0'],
    ['say(msys.audit.inbound_session_count("192.0.2.0/24"))', '1'],
    [
      'msys.audit.inbound_session_count({})',
      /bad argument #1 \(string expected, got table\): cidr/,
    ],
    ['say(ac:pbp_inbound_session_count_service("SMTP", "/0"))', '1'],
    ['ac:inbound_session_count("nowhere")', /'nowhere' is no address or block/],
    ['ac:inbound_session_count(nil, "smtp")', /there is no service 'smtp'/],
    [
      'ac:pbp_inbound_session_count_service()',
      /bad argument #1 \(string expected, got nil\): service/,
    ],
    [
      'msys.core.ec_sockaddr_family("x")',
      /bad argument #1 \(sockaddr expected, got string\): address/,
    ],
    [
      'msys.core.ec_sockaddr_family(vctx)',
      /bad argument #1 \(sockaddr expected, got vctx\): address/,
    ],
    ['ac.conn_id = 5', /cannot set field 'conn_id'/],
    ['say(ac.nothing)', /ac\.nothing: there is no such field or method/],
  ])('%s', async (code, expected) => {
    const { said } = await runLua(code)
    if (typeof expected === 'string') expect(said).toBe(expected)
    else expect(said).toMatch(expected)
  })

  test('edits the reply to EHLO, in validate_connect and validate_ehlo only', async () => {
    const code =
      'ac:esmtp_capability_add("XA b") ac:esmtp_capability_add("XA b") ac:esmtp_capability_remove("size")'
    const { subject } = await runLua(code, { callout: 'validate_ehlo' })
    expect(subject.ac.capabilities).toEqual({ added: ['XA b'], removed: new Set(['SIZE']) })
    const { said } = await runLua('ac:esmtp_capability_add("X")', { callout: 'validate_data' })
    expect(said).toMatch(
      /is not allowed in validate_data \(only in: validate_connect, validate_ehlo\)/,
    )
  })

  test.each(['"X\\r\\n250 Y"', '""', '" X"'])('no line %s is added', async (line) => {
    const { said } = await runLua(`ac:esmtp_capability_add(${line})`, { callout: 'validate_ehlo' })
    expect(said).toMatch(/not a keyword with parameters/)
  })
})

test('the message construct leads to the message', async () => {
  const code = `local mc = msys.core.accept_construct_get_message_construct(ac)
    mc.message:context_set(M, "k", "v")
    say(mc.ctx:get(M, "k"), mc.message_rcpt_count, mc.connection_rcpt_count, mc.connection_message_count,
      mc.max_message_size, mc.relayable, tostring(mc.peer_address))`
  expect((await runLua(code)).said).toBe('v 1 1 1 1000 1 192.0.2.1:4711')
})

test('what a macro does not know is told in paniclog', async () => {
  const { lines } = await runLua('say("[" .. msys.expandMacro("%{odd:x}") .. "]")')
  expect(lines).toEqual(['msys.expandMacro: %{odd:x} is not known here and became ""', '[]'])
})
