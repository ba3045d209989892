// Options that policy changes while the server runs: what goes out and who comes in goes by them at once, until
// a reload goes by the file again.
import { expect, test } from 'vitest'
import { copyFor, send, sendOne, serverPerTest } from '../support/server.ts'
import { openSink } from '../../src/cli/sink.ts'

const start = serverPerTest()

/** Subject: `set a b c` is msys.config("set", "a", "b", "c"). */
const POLICY = {
  p: `msys.registerModule("p", { validate_data = function(self, msg)
    local words = {}
    for word in msg:header("Subject")[1]:gmatch("%S+") do words[#words + 1] = word end
    if words[1] == "set" or words[1] == "unset" then print(pcall(msys.config, unpack(words))) end
    return 0
  end })`,
}

const message = (subject: string): string =>
  `From: a@b.example\r\nSubject: ${subject}\r\n\r\nhi\r\n`

test('a gateway, delivery itself and a size limit change without a reload, and come back with one', async () => {
  const other = await openSink()
  const server = await start({ policy: POLICY })
  const wire = await server.dial()
  await wire.expect('220')
  await wire.ask('EHLO client.example', '250')
  await send(wire, ['a@x.example'], message(`set domain y.example gateway 127.0.0.1:${other.port}`))
  await send(wire, ['b@y.example'], message('hello'))
  await other.waitFor(1, 10_000)
  expect(other.mail[0]?.rcptto).toBe('b@y.example')
  await copyFor(server, 'a@x.example')

  await send(wire, ['c@x.example'], message('set suspend_delivery true'))
  await send(wire, ['d@x.example'], message('waits'))
  expect([...server.server.mail.unfinished()]).toHaveLength(2)
  await send(wire, ['e@y.example'], message('unset suspend_delivery'))
  await server.sink.waitFor(3, 10_000)
  await other.waitFor(2, 10_000)

  await send(wire, ['f@x.example'], message('set esmtp_listener max_message_size 100'))
  // The session that is open goes on as it began.
  expect(await send(wire, ['g@x.example'], message('x'.repeat(200)))).toContain('250 ')
  expect(await sendOne(server, ['h@x.example'], message('x'.repeat(200)))).toContain('552 ')
  await server.reload((text) => text)
  expect(await sendOne(server, ['i@x.example'], message('x'.repeat(200)))).toContain('250 ')
  expect(await sendOne(server, ['j@y.example'], message('hello'))).toContain('250 ')
  await copyFor(server, 'j@y.example', 7)
  await other.close()
})

test('init may set options too', async () => {
  const policy = {
    p: `msys.registerModule("p", { init = function()
      msys.config("set", "esmtp_listener", "max_message_size", "100") return true end })`,
  }
  const server = await start({ policy })
  expect(await sendOne(server, ['a@x.example'], message('x'.repeat(200)))).toContain('552 ')
})
