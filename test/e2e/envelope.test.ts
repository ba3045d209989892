// What policy does to envelope and session before the copies are made, seen by client and next hop.
import { expect, test } from 'vitest'
import { send, sendOne, serverPerTest } from '../support/server.ts'

const start = serverPerTest()

const policy = (callouts: string) => ({ p: `msys.registerModule("p", { ${callouts} })` })

test('recipients are added and removed in validate_data and validate_rcptto_list_final', async () => {
  const test = await start({
    policy: policy(`
      validate_data = function(self, msg, ac, vctx)
        vctx:add_recipient({ "archive@x.example", "a@x.example" }) vctx:remove_recipient("b@x.example")
        return msys.core.VALIDATE_CONT end,
      validate_rcptto_list_final = function(self, node, vctx)
        vctx:add_recipient("last@x.example") return msys.core.VALIDATE_CONT end`),
  })
  expect(await sendOne(test, ['a@x.example', 'b@x.example'])).toMatch(/^250 /)
  await test.sink.waitFor(3, 10_000)
  const recipients = test.sink.mail.map(({ rcptto }) => rcptto).sort()
  expect(recipients).toEqual(['a@x.example', 'archive@x.example', 'last@x.example'])
})

test('a message that policy leaves without recipients is accepted, dropped and logged', async () => {
  const test = await start({
    policy: policy(`validate_data = function(self, msg, ac, vctx)
      vctx:recipient_list({}) return msys.core.VALIDATE_CONT end`),
  })
  expect(await sendOne(test, ['a@x.example'])).toMatch(/^250 /)
  expect(await test.log('rejectlog.ec')).toContain('no recipient left by policy')
  expect(test.sink.mail).toEqual([])
})

test('validate_mailfrom reaches the message by way of the connection', async () => {
  const test = await start({
    policy: policy(`
      validate_mailfrom = function(self, str, ac, vctx)
        local mc = msys.core.accept_construct_get_message_construct(ac)
        mc.message:context_set(msys.core.ECMESS_CTX_MESS, "from", mc.message:mailfrom())
        if tostring(str):match("bad@") then vctx:set_code(550, "no") end
        return msys.core.VALIDATE_CONT end,
      validate_data_spool_each_rcpt = function(self, msg, ac, vctx)
        msg:header("X-From", msg:context_get(msys.core.ECMESS_CTX_MESS, "from")) return 0 end`),
  })
  const wire = await test.dial()
  await wire.expect('220')
  await wire.ask('EHLO client.example', '250')
  await wire.ask('MAIL FROM:<bad@x.example>', '550')
  await wire.ask('RCPT TO:<a@x.example>', '503')
  expect(await send(wire, ['a@x.example'])).toMatch(/^250 /)
  await test.sink.waitFor(1, 10_000)
  expect(test.sink.mail[0]?.bytes.toString()).toContain('X-From: news@sender.example\r\n')
  wire.end()
})

test('EHLO shows what policy added and hides what it removed; sessions are counted', async () => {
  const test = await start({
    policy: policy(`
      validate_connect = function(self, ac, vctx)
        ac:esmtp_capability_add("XPOLICY one two") return msys.core.VALIDATE_CONT end,
      validate_ehlo = function(self, str, ac, vctx)
        ac:esmtp_capability_remove("smtputf8")
        vctx:set(msys.core.VCTX_CONN, "sessions", ac:inbound_session_count("/24"))
        vctx:set_code(250, "sessions " .. vctx:get(msys.core.VCTX_CONN, "sessions"))
        return msys.core.VALIDATE_CONT end`),
  })
  const [first, second] = [await test.dial(), await test.dial()]
  await first.expect('220')
  await second.expect('220')
  const reply = await second.ask('EHLO client.example', '250')
  expect(reply).toContain('250-sessions 2\r\n')
  expect(reply).toMatch(/^250[- ]XPOLICY one two$/m)
  expect(reply).not.toContain('SMTPUTF8')
  first.end()
  await first.ended
  expect(await second.ask('EHLO client.example', '250')).toContain('250-sessions 1\r\n')
  second.end()
})
