// Hooks of Momentum (`core_…`) in their places, over real sockets; scripts that are switched off.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { copyFor, MESSAGE, send, serverPerTest, type TestServer } from '../support/server.ts'
import { type Wire, wireOf } from '../support/wire.ts'

const start = serverPerTest()

const PEM = new URL('../corpus/tls/', import.meta.url).pathname

async function session(server: TestServer, hello = 'EHLO c.example'): Promise<Wire> {
  const wire = await server.dial()
  await wire.expect('220')
  await wire.ask(hello, '250')
  return wire
}

/** What policy printed, line by line, when `last` has been. */
async function said(server: TestServer, last?: RegExp): Promise<string[]> {
  for (;;) {
    const text = await server.log('paniclog.ec')
    if (last === undefined || last.test(text)) {
      return text.split('\n').flatMap((line) => /^\d+:scriptlet: (.*)$/.exec(line)?.[1] ?? [])
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const module = (body: string): Record<string, string> => ({
  p: `local mod = {} ${body} msys.registerModule("p", mod)`,
})

test('every hook of a transaction runs in its place', async () => {
  const names = `
    core_validate_accept validate_connect core_validate_connect validate_ehlo
    validate_mailfrom validate_rcptto core_get_received_header_text validate_data
    validate_rcptto_list validate_rcptto_list_final validate_data_spool
    core_pre_msg_each_rcpt validate_data_spool_each_rcpt
    core_validate_data_spool_each_rcpt core_post_validate_data_spool_each_rcpt
    core_post_msg_each_rcpt validate_set_binding core_final_validation2
    core_final_validation core_post_final_validation core_pre_swap_out_meta
    core_ec_message_enqueue core_log_reception_v1 validate_dealloc`
    .trim()
    .split(/\s+/)
  const policy = module(`
    local function tell(name, result) mod[name] = function() print(name) return result end end
    for name in ("${names.join(' ')}"):gmatch("%S+") do tell(name, 0) end
    tell("core_pre_swap_out_meta", 1)
    mod.core_post_smtp_command = function(self, b, mc, vctx)
      print("command " .. b .. " " .. mc.subcon.gb_donebuffer:gsub("%c", "") .. " " .. mc.subcon.gb_donesize)
    end`)
  const server = await start({ policy })
  const wire = await session(server)
  await send(wire, ['a@x.example'])
  await wire.ask('NONSENSE', '500')
  await wire.ask('QUIT', '221')
  wire.end()
  const lines = await said(server, /validate_dealloc/)
  expect(lines.filter((line) => !line.startsWith('command'))).toEqual(names)
  expect(lines.filter((line) => line.startsWith('command'))).toEqual([
    'command 16 EHLO c.example 16',
    'command 33 MAIL FROM:<news@sender.example> 33',
    'command 23 RCPT TO:<a@x.example> 23',
    'command 6 DATA 6',
    'command 10 NONSENSE 10',
    'command 6 QUIT 6',
  ])
})

test('core_get_received_header_text gives the trace field another text', async () => {
  const server = await start({
    policy: module(`function mod:core_get_received_header_text(msg, mc, ac, vctx, response)
      if msg:header("Subject")[1] ~= "hello" then return 0 end
      response:set("by " .. vctx:get(0, "ehlo_domain") .. "\\r\\n\\twith policy; now")
      return 1 end`),
  })
  const wire = await session(server)
  await send(wire, ['a@x.example'])
  expect(await copyFor(server, 'a@x.example')).toMatch(
    /^Received: by c\.example with policy; now\r\nFrom: /,
  )
  await send(wire, ['b@x.example'], MESSAGE.replace('hello', 'other'))
  wire.end()
  expect(await copyFor(server, 'b@x.example', 2)).toMatch(/^Received: from c\.example \(/)
})

test('core_pre_msg_each_rcpt and core_post_msg_each_rcpt see sent messages too, and may discard', async () => {
  const server = await start({
    policy: module(`
      function mod:core_pre_msg_each_rcpt(msg, ac) msg:header("X-Pre", tostring(msg:rcptto())) end
      function mod:core_post_msg_each_rcpt(msg, ac, vctx)
        print(msg:rcptto() .. " " .. msg.recv_method .. " " .. msg:header("X-Pre")[1])
        if msg.recv_method == msys.core.P_INTERNAL then return end
        if msg:rcptto() == "no@x.example" then return msg:discard("554 5.7.1 suppressed") end
        local copy = msg:copy() copy:inject(msg:mailfrom(), "second@x.example") end`),
  })
  const wire = await session(server)
  expect(await send(wire, ['a@x.example', 'no@x.example'])).toMatch(/^250/)
  wire.end()
  await server.sink.waitFor(2, 10_000)
  expect(server.sink.mail.map(({ rcptto }) => rcptto).toSorted()).toEqual([
    'a@x.example',
    'second@x.example',
  ])
  expect(await said(server)).toEqual([
    'a@x.example 2 a@x.example',
    'no@x.example 2 no@x.example',
    'second@x.example 0 second@x.example',
  ])
  expect(await server.log('rejectlog.ec')).toMatch(/E=554 M=scriptlet .* 554 5\.7\.1 suppressed$/m)
})

describe('the hooks around the queue', () => {
  const answer = (name: string, value: number) =>
    module(
      `function mod:${name}(msg) if msg:rcptto() == "a@x.example" then return ${value} end end`,
    )

  test.each([
    ['core_pre_swap_out_meta', 0, '451 4.3.0'],
    ['core_pre_swap_out_meta', 1, '250 2.0.0'],
    ['core_ec_message_enqueue', 2, '451 4.3.0'],
  ])('%s returns %i: %s', async (name, value, reply) => {
    const server = await start({ policy: answer(name, value) })
    const wire = await session(server)
    expect((await send(wire, ['b@x.example', 'a@x.example'])).slice(0, 9)).toBe(reply)
    wire.end()
    const mainlog = await server.log('mainlog.ec')
    expect(mainlog.match(/@R@/g)?.length ?? 0).toBe(reply.startsWith('2') ? 2 : 0)
  })

  test('core_ec_message_enqueue may take the copy: it is in no queue, and rejectlog says so', async () => {
    const server = await start({ policy: answer('core_ec_message_enqueue', 1) })
    const wire = await session(server)
    expect(await send(wire, ['a@x.example', 'b@x.example'])).toMatch(/^250/)
    wire.end()
    await server.sink.waitFor(1, 10_000)
    expect(await server.log('mainlog.ec')).toMatch(/@R@b@x\.example@/)
    expect(await server.log('mainlog.ec')).not.toMatch(/@R@a@x\.example@/)
    expect(await server.log('rejectlog.ec')).toMatch(/taken by core_ec_message_enqueue$/m)
  })
})

test('core_log_reception_v1 and core_log_rejection see what is logged', async () => {
  const server = await start({
    policy: module(`
      function mod:validate_rcptto(msg, str, ac, vctx)
        if tostring(str):find("bad") then vctx:set_code(550, "not him") end
        return msys.core.VALIDATE_CONT end
      function mod:validate_data_spool_each_rcpt(msg, ac, vctx) msg:header("X-Mine", "m") return 0 end
      function mod:core_log_reception_v1(ac, msg, now, note, note_len)
        print("R", msg:rcptto(), msg:header("X-Mine")[1], now > 1.7e9, note, note_len) end
      function mod:core_log_rejection(now, ac, vctx, phase, format, args)
        vctx:set_code(250, "changes nothing") vctx:tarpit(1e6)
        print("E", ac.conn_id ~= nil, vctx:get(msys.core.VCTX_MESS, "rcptto_localpart"), phase, format)
        error("costs nothing") end`),
  })
  const wire = await session(server)
  await wire.ask('MAIL FROM:<m@n.example>', '250')
  await wire.ask('RCPT TO:<bad@x.example>', '550 not him')
  await wire.ask('RSET', '250')
  await send(wire, ['a@x.example'])
  wire.end()
  expect(await said(server)).toEqual([
    'E\ttrue\tbad\t6\t550 not him',
    'R\ta@x.example\tm\ttrue\t\t0',
  ])
})

test('core_server_esmtp_session_abort tells of clients that go without QUIT, before validate_dealloc', async () => {
  const server = await start({
    policy: module(`
      function mod:validate_connect() return 0 end
      function mod:core_server_esmtp_session_abort(ac) print("abort " .. ac.conn_id:sub(1, 5)) end
      function mod:validate_dealloc() print("dealloc") end`),
  })
  const polite = await session(server)
  await polite.ask('QUIT', '221')
  polite.end()
  await said(server, /dealloc/)
  const rude = await session(server)
  rude.reset()
  expect(await said(server, /dealloc[^]*dealloc/)).toEqual(['dealloc', 'abort 00/00', 'dealloc'])
})

test('core_log_reopen runs when logs are rotated', async () => {
  const server = await start({
    policy: module('function mod:core_log_reopen() print("reopened") end'),
  })
  await server.server.reopenLogs()
  expect(await said(server)).toEqual(['reopened'])
})

describe('AUTH', () => {
  const plain = (user: string, word: string): string =>
    `AUTH PLAIN ${Buffer.from(`\0${user}\0${word}`).toString('base64')}`
  const withUsers = async (body: string): Promise<Wire> => {
    const listener = 'smtp_extensions = ( "AUTH PLAIN" XDUMPCONTEXT ) auth_without_tls = true'
    const server = await start({ policy: module(body), listener })
    await writeFile(join(server.folder, 'users'), 'anna:secret\n')
    await server.reload((text) =>
      text.replace(listener, `${listener} authplainparameters = [ uri = "file://users" ]`),
    )
    return session(server)
  }

  test.each([
    ['msys.core.EC_AUTH_OK', 'nobody', '235'],
    ['msys.core.EC_AUTH_FAIL', 'anna', '535'],
    ['msys.core.EC_AUTH_ERROR', 'anna', '454'],
    ['-1', 'anna', '235'],
    ['-1', 'nobody', '535'],
    ['nil', 'anna', '235'],
    ['error("x")', 'anna', '454'],
  ])('core_pre_esmtp_auth returns %s for %s: %s', async (result, user, reply) => {
    const wire = await withUsers(
      `function mod:core_pre_esmtp_auth(ac, mc, vctx) return ${result} end`,
    )
    await wire.ask(plain(user, 'secret'), reply)
    wire.end()
  })

  test.each(['core_validate_auth', 'core_validate_auth_hook'])(
    '%s sees the outcome, and may refuse what passed',
    async (name) => {
      const wire = await withUsers(`function mod:${name}(vctx, info, status)
        if vctx:get(msys.core.VCTX_CONN, "auth_status") == "fail" then return 0 end
        vctx:set_code(535, info.username .. " " .. info.mechanism .. " " .. status) return 1 end`)
      await wire.ask(plain('anna', 'wrong'), '535 5.7.8')
      expect(await wire.ask(plain('anna', 'secret'), '535')).toBe('535 anna PLAIN 1')
      expect(await wire.ask('XDUMPCONTEXT', '250')).toContain('auth_status fail\r\n')
      wire.end()
    },
  )

  test('ac_auth_log_auth_failure hears of failures, and response:write answers', async () => {
    const policy = module(`
      function mod:ac_auth_perform_auth(username, password, ac, response)
        if username ~= 'Test User' or password ~= 'test2006' then
          local res = '531 Get out of town'
          response:write(res, #res)
          return msys.core.EC_AUTH_FAIL
        end
        return msys.core.EC_AUTH_OK
      end
      function mod:ac_auth_log_auth_failure(username, ac, response)
        print('auth failure', username, tostring(response))
      end`)
    const listener =
      'smtp_extensions = ( "AUTH PLAIN" ) auth_without_tls = true authplainparameters = [ uri = "ac_auth://" ]'
    const server = await start({ policy, listener })
    const wire = await session(server)
    await wire.ask(plain('eve', 'x'), '531 Get out of town')
    await wire.ask(plain('Test User', 'test2006'), '235')
    wire.end()
    expect(await said(server)).toEqual(['auth failure\teve\t531 Get out of town'])
  })
})

describe('core_inbound_smtp_tls_post_accept', () => {
  const listener = `tls_certificate = "${PEM}server.pem" tls_key = "${PEM}server-key.pem" smtp_extensions = ( STARTTLS )`
  const overTls = async (body: string): Promise<{ server: TestServer; wire: Wire }> => {
    const server = await start({
      listener,
      policy: module(
        `function mod:core_inbound_smtp_tls_post_accept(mc, event, eventtype, vclosure, now) ${body} end`,
      ),
    })
    const clear = await session(server)
    await clear.ask('STARTTLS', '220')
    clear.socket.removeAllListeners('data')
    const socket = connectTls({ socket: clear.socket, rejectUnauthorized: false })
    const wire = wireOf(socket)
    await new Promise((resolve) => socket.once('secureConnect', resolve))
    return { server, wire }
  }

  test.each([
    ['', '421 4.7.0 TLS Negotiation failed.'],
    ['mc.ctx:set(msys.core.VCTX_CONN, "_tls_note", "454 4.7.0 not you")', '454 4.7.0 not you'],
  ])('refuses after the handshake %s', async (note, reply) => {
    const { server, wire } = await overTls(`mc.ctx.code = 420 mc.ctx.disconnect = 1 ${note}`)
    expect(await wire.reply()).toBe(reply)
    await wire.ended
    wire.end()
    expect(await server.log('rejectlog.ec')).toContain(
      `P="extension 1" E=${reply.slice(0, 3)} M=scriptlet`,
    )
  })

  test('otherwise the session goes on', async () => {
    const { wire } = await overTls(
      'print(mc.ctx:get(msys.core.VCTX_CONN, "tls_cipher") ~= "") mc.ctx.code = 220',
    )
    await wire.ask('EHLO c.example', '250')
    expect(await send(wire, ['a@x.example'])).toMatch(/^250/)
    wire.end()
  })
})

describe('__bypass_', () => {
  const policy = {
    a: `msys.registerModule("a", { validate_mailfrom = function(s, str, ac, vctx) vctx:set_code(550, "a") return 1 end })`,
    b: `msys.registerModule("b", { validate_mailfrom = function(s, str, ac, vctx) vctx:set_code(550, "b") return 1 end })`,
  }

  test.each([
    ['', '550 a'],
    ['context = [ __bypass_a = "true" ]', '550 b'],
    ['context = [ __bypass_a = "false" ]', '550 a'],
    ['context = [ __bypass_scriptlet = "true" ]', '250'],
  ])('%s: %s', async (listener, reply) => {
    const wire = await session(await start({ policy, listener }))
    await wire.ask('MAIL FROM:<a@x.example>', reply)
    wire.end()
  })

  test('a client that sets it by XSETCONTEXT switches nothing off', async () => {
    const wire = await session(
      await start({ policy, listener: 'smtp_extensions = ( XSETCONTEXT )' }),
    )
    await wire.ask('XSETCONTEXT __bypass_scriptlet=true __bypass_a=true', '250')
    await wire.ask('MAIL FROM:<a@x.example>', '550 a')
    wire.end()
  })
})

test('core_config_get_message_routing_domain chooses the queue of a copy', async () => {
  const server = await start({
    policy: module(`function mod:core_config_get_message_routing_domain(scope, msg, buff)
      if msg:rcptto() == "a@x.example" then buff:set("Other.Example") return #buff end
      if msg:rcptto() == "c@x.example" then buff:set("not a domain") return 1 end
      buff:set("never.example")
      return 0 end`),
  })
  const wire = await session(server)
  await send(wire, ['a@x.example', 'b@x.example', 'c@x.example'])
  let domains: string[] = []
  while (domains.length < 3) {
    const log = await server.log('mainlog.ec')
    domains = [...log.matchAll(/@D@([^@]+)@/g)].map(([, domain = '']) => domain)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  expect(domains.sort()).toEqual(['other.example', 'x.example', 'x.example'])
})
