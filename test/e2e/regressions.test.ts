// What once went wrong in the whole server, each named after it.
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { copyFor, MESSAGE, sendOne, serverPerTest, trackedPaths } from '../support/server.ts'

const start = serverPerTest()

const module = (callouts: string) => ({ p: `msys.registerModule("p", { ${callouts} })` })

test('a copy that is discarded in the last callouts is not delivered', async () => {
  const test = await start({
    policy: module('core_final_validation = function(self, msg) msg:discard("550 5.7.1 no") end'),
  })
  expect(await sendOne(test, ['a@x.example'])).toMatch(/^250/)
  expect(await test.log('rejectlog.ec')).toContain('550 5.7.1 no')
  await test.server.close()
  expect(test.sink.mail).toEqual([])
})

test('a client that leaves during a tarpit does not cost a message its variables', async () => {
  const test = await start({
    listener: 'open_tracking_enabled = true',
    policy: module(`
      validate_mailfrom = function(self, str, ac, vctx)
        vctx:set(msys.core.VCTX_MESS, "smtpapi_open_tracking", "0") return 0 end,
      validate_data = function(self, msg, ac, vctx) if msg:rcptto():find("^held") then print("held") vctx:tarpit(60) end return 0 end`),
  })
  const socket = connect(test.smtpPort, '127.0.0.1')
  socket.write(
    `EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<held@x.example>\r\nDATA\r\n${MESSAGE}.\r\n`,
  )
  await expect.poll(() => test.log('paniclog.ec')).toContain('held')
  socket.resetAndDestroy()
  // Nobody heard a reply, so nothing may be sent; and the tarpit must not hold up the end.
  await new Promise((resolve) => socket.once('close', resolve))
  await sendOne(test, ['next@x.example'])
  await copyFor(test, 'next@x.example')
  await test.server.close()
  expect(test.sink.mail.map(({ rcptto }) => rcptto)).toEqual(['next@x.example'])
})

test('an internationalised recipient keeps its octets in queue, event and link', async () => {
  const utf8 = (text: string) => Buffer.from(text, 'utf8').toString('latin1')
  const test = await start({ listener: 'open_tracking_enabled = true' })
  await sendOne(test, [utf8('Jörg@BüCHER.example')])
  await test.sink.waitFor(1, 10_000)
  const [injection] = await test.events(1)
  expect(injection).toMatchObject({
    rcpt_to: 'jörg@bücher.example',
    raw_rcpt_to: 'Jörg@BüCHER.example',
    routing_domain: 'bücher.example',
  })
  const [open] = trackedPaths(test.sink.mail[0]?.bytes.toString('latin1') ?? '')
  await fetch(test.httpUrl + open)
  const opened = (await test.events(3)).find(({ type }) => type === 'open')
  expect(opened).toMatchObject({
    rcpt_to: 'jörg@bücher.example',
    raw_rcpt_to: 'Jörg@BüCHER.example',
  })
})

test('the event of a rejection is text, not octets', async () => {
  const test = await start({
    policy: module(`validate_data = function(self, msg, ac, vctx)
      vctx:set_code(550, "kein Zugang für dich") return 1 end`),
  })
  await sendOne(test, ['a@x.example'])
  expect(await test.events(1)).toMatchObject([{ reason: '550 kein Zugang für dich' }])
})

test('idle_time = 0 is no limit', async () => {
  const test = await start({ listener: 'idle_time = 0' })
  expect(await sendOne(test, ['a@x.example'])).toMatch(/^250/)
})

test('an empty log path switches the log off', async () => {
  const test = await start({ more: 'ec_logger { mainlog = "" }' })
  expect(await sendOne(test, ['a@x.example'])).toMatch(/^250/)
})

test('a boundary of thousands of octets does not keep the others waiting', async () => {
  const test = await start({ listener: 'click_tracking_enabled = true' })
  const boundary = `${'-'.repeat(30_000)}b${'-'.repeat(30_000)}`
  const message = `Content-Type: multipart/mixed;\r\n boundary="${boundary}"\r\n\r\n${`${'-'.repeat(990)}\r\n`.repeat(4000)}`
  expect(await sendOne(test, ['a@x.example'], message)).toMatch(/^250/)
  expect(await copyFor(test, 'a@x.example')).toContain(message)
})
