// What several recipients of one transaction come to: their copies, their rejections, the reply.
import { simpleParser } from 'mailparser'
import { describe, expect, test } from 'vitest'
import {
  copyFor,
  MESSAGE,
  parts,
  send,
  sendOne,
  serverPerTest,
  trackedPaths,
} from '../support/server.ts'

const start = serverPerTest()

const eachRcpt = (body: string) =>
  `local M, C = msys.core.VCTX_MESS, msys.core.VCTX_CONN
   msys.registerModule("p", { validate_data_spool_each_rcpt = function(self, msg, ac, vctx)
     local user = msg:rcptto():match("^[^@]*") ${body} return msys.core.VALIDATE_CONT end })`

describe('two recipients with different policy', () => {
  test("E020 never see each other's context, links or headers", async () => {
    const policy = eachRcpt(`
      print(user .. " sees [" .. msg:context_get(M, "mine") .. vctx:get(M, "mine") .. msg:context_get(C, "mine")
        .. vctx:get(C, "mine") .. table.concat(msg:header("X-Mine")) .. "]")
      msg:context_set(M, "mine", user) msg:context_set(C, "mine", user)
      vctx:set(M, "mine", user) vctx:set(C, "mine", user)
      msg:context_set(M, "smtpapi_campaign_id", "for-" .. user)
      msg:header("X-Mine", user)`)
    const test = await start({
      policy: { p: policy },
      listener: 'click_tracking_enabled = true open_tracking_enabled = true',
    })
    await sendOne(test, ['a@x.example', 'b@x.example'])
    const [a, b] = [await copyFor(test, 'a@x.example', 2), await copyFor(test, 'b@x.example', 2)]
    expect(await test.log('paniclog.ec')).toMatch(/a sees \[\]\n.*b sees \[\]/)
    expect(a).toContain('X-Mine: a\r\n')
    expect(b).toContain('X-Mine: b\r\n')
    expect(a + b).not.toMatch(/X-Mine: a\r\n(?:.+\r\n)*X-Mine: b/)
    const [pathsOfA, pathsOfB] = [trackedPaths(a), trackedPaths(b)]
    expect(pathsOfA).toHaveLength(2)
    expect(pathsOfA.filter((path) => pathsOfB.includes(path))).toEqual([])
    const clicks = [pathsOfA[0], pathsOfB[0]].map((path) =>
      fetch(test.httpUrl + path, { redirect: 'manual' }),
    )
    for (const response of await Promise.all(clicks)) {
      expect(response.headers.get('location')).toBe('https://e.com/?a=1&b=2')
    }
    const events = (await test.events(6)).filter(({ type }) => type === 'click')
    const campaigns = new Map(events.map((event) => [event['rcpt_to'], event['campaign_id']]))
    expect(campaigns).toEqual(
      new Map([
        ['a@x.example', 'for-a'],
        ['b@x.example', 'for-b'],
      ]),
    )
  })

  test('what vctx sets on the connection holds for the next message of the session', async () => {
    const policy = eachRcpt(`
      print(user .. " sees " .. vctx:get(C, "count")) vctx:set(C, "count", user)`)
    const test = await start({ policy: { p: policy } })
    const wire = await test.dial()
    await wire.expect('220')
    await send(wire, ['a@x.example', 'b@x.example'])
    await send(wire, ['c@x.example'])
    wire.end()
    expect(await test.log('paniclog.ec')).toMatch(/a sees \n.*b sees \n.*c sees b/)
  })

  test('message variables are gone with the next message and with RSET', async () => {
    const policy = `msys.registerModule("p", {
      validate_mailfrom = function(self, str, ac, vctx)
        print("sees " .. vctx:get(msys.core.VCTX_MESS, "k")) vctx:set(msys.core.VCTX_MESS, "k", "old")
        return 0 end })`
    const test = await start({ policy: { p: policy } })
    const wire = await test.dial()
    await wire.expect('220')
    await send(wire, ['a@x.example'])
    await wire.ask('MAIL FROM:<x@y.example>', '250')
    await wire.ask('RSET', '250')
    await wire.ask('MAIL FROM:<x@y.example>', '250')
    wire.end()
    expect(await test.log('paniclog.ec')).toMatch(/^(\d+:scriptlet: sees \n){3}$/)
  })
})

describe('rejections of copies', () => {
  const reject = (code: number) =>
    eachRcpt(
      `if user == "b" then vctx:set_code(${code}, "not " .. user) return msys.core.VALIDATE_DONE end`,
    )

  test('all refused: the reply is the first refusal, and nobody is told apart', async () => {
    const policy = eachRcpt('vctx:set_code(554, "not " .. user)')
    const test = await start({ policy: { p: policy } })
    expect(await sendOne(test, ['a@x.example', 'b@x.example'])).toBe('554 not a')
    expect(await test.log('rejectlog.ec')).toMatch(/E=554 M=scriptlet .* 554 not a\n.*554 not b\n$/)
    await test.server.close()
    expect(test.sink.mail).toEqual([])
  })

  test('one refused for good: 250, the others get theirs, the sender is told', async () => {
    const test = await start({ policy: { p: reject(550) } })
    expect(await sendOne(test, ['a@x.example', 'b@x.example'])).toMatch(/^250 2\.0\.0 OK 00\/00-/)
    await test.sink.waitFor(2, 10_000)
    expect(test.sink.mail.map(({ rcptto }) => rcptto).sort()).toEqual([
      'a@x.example',
      'news@sender.example',
    ])
    const notice = await simpleParser(
      Buffer.from(await copyFor(test, 'news@sender.example', 2), 'latin1'),
    )
    expect(notice.text).toContain('b@x.example')
    expect(notice.text).toContain('550 not b')
  })

  test('without generate_bounces_for_multi_recipient_policy_rejections nobody is told', async () => {
    const more = 'generate_bounces_for_multi_recipient_policy_rejections = false'
    const test = await start({ policy: { p: reject(550) }, more })
    await sendOne(test, ['a@x.example', 'b@x.example'])
    await test.sink.waitFor(1, 10_000)
    await test.server.close()
    expect(test.sink.mail.map(({ rcptto }) => rcptto)).toEqual(['a@x.example'])
  })

  test('one refused for now: so is everything, and nothing is queued', async () => {
    const test = await start({ policy: { p: reject(451) } })
    expect(await sendOne(test, ['a@x.example', 'b@x.example'])).toBe('451 not b')
    await test.server.close()
    expect(test.sink.mail).toEqual([])
  })

  test('a callout that raises for one: 421 for everything, and the session goes on', async () => {
    const policy = eachRcpt('if user == "b" then error("boom") end')
    const test = await start({ policy: { p: policy } })
    const wire = await test.dial()
    await wire.expect('220')
    expect(await send(wire, ['a@x.example', 'b@x.example'])).toBe(
      '421 mail.test temporary issue, please retry your message later',
    )
    expect(await send(wire, ['c@x.example'])).toMatch(/^250/)
    wire.end()
    await test.sink.waitFor(1, 10_000)
    expect(test.sink.mail.map(({ rcptto }) => rcptto)).toEqual(['c@x.example'])
    expect(await test.log('rejectlog.ec')).toMatch(/P="async body response" E=421 M=scriptlet/)
    expect(await test.log('paniclog.ec')).toContain('boom')
  })

  test('E021 a copy whose options are wrong: its reply for everything, nothing queued', async () => {
    const policy = eachRcpt(
      'if user == "b" then msg:context_set(M, "smtpapi_campaign_id", ("x"):rep(70)) end',
    )
    const test = await start({ policy: { p: policy } })
    expect(await sendOne(test, ['a@x.example', 'b@x.example'])).toBe(
      '550 5.6.0 smtpapi_campaign_id context is limited to 64 bytes',
    )
    await test.server.close()
    expect(test.sink.mail).toEqual([])
  })

  test('a discarded copy: success for the client, nothing for the recipient, a log line', async () => {
    const policy = eachRcpt('if user == "b" then msg:discard("550 5.7.1 spam") end')
    const test = await start({ policy: { p: policy } })
    expect(await sendOne(test, ['a@x.example', 'b@x.example'])).toMatch(/^250/)
    await test.sink.waitFor(1, 10_000)
    expect(test.sink.mail.map(({ rcptto }) => rcptto)).toEqual(['a@x.example'])
    expect(await test.log('rejectlog.ec')).toMatch(/E=550 .* 550 5\.7\.1 spam\n$/)
  })
})

test('a copy whose recipient policy changes goes there, and its routing domain is followed', async () => {
  const policy = eachRcpt('msg:rcptto("new@y.example") msg:routing_domain("Hop.Example")')
  const test = await start({ policy: { p: policy } })
  await sendOne(test, ['a@x.example'])
  expect(parts(await copyFor(test, 'new@y.example')).header).toContain('Subject: hello')
  const [injection] = await test.events(1)
  expect(injection).toMatchObject({
    rcpt_to: 'new@y.example',
    raw_rcpt_to: 'a@x.example',
    routing_domain: 'hop.example',
  })
  await expect.poll(() => test.log('mainlog.ec')).toMatch(/@D@hop\.example@/)
})

test('VERP: a sender of its own for each copy reaches the next hop, the log and the bounce', async () => {
  const policy = eachRcpt('msg:mailfrom("b+" .. user .. "@verp.example")')
  const test = await start({ policy: { p: policy } })
  await sendOne(test, ['one@x.example', 'two@x.example'])
  await test.sink.waitFor(2, 10_000)
  const senders = new Map(test.sink.mail.map(({ mailfrom, rcptto }) => [rcptto, mailfrom]))
  expect(senders.get('one@x.example')).toBe('b+one@verp.example')
  expect(senders.get('two@x.example')).toBe('b+two@verp.example')
  expect(await test.log('mainlog.ec')).toMatch(/@two@x\.example@b\+two@verp\.example@/)
})

test('100 recipients get 100 copies, each its own, from one stored message', async () => {
  const test = await start({
    policy: { p: eachRcpt('msg:header("X-Mine", user)') },
    listener: 'click_tracking_enabled = true',
  })
  const rcpttos = Array.from({ length: 100 }, (_, i) => `user${i}@x.example`)
  await sendOne(test, rcpttos, MESSAGE)
  await test.sink.waitFor(100, 20_000)
  const mine = test.sink.mail.map(({ rcptto, bytes }) => [
    rcptto,
    /X-Mine: (\S+)/.exec(bytes.toString('latin1'))?.[1],
  ])
  expect(mine.every(([rcptto, name]) => rcptto === `${name}@x.example`)).toBe(true)
  const paths = test.sink.mail.flatMap(({ bytes }) => trackedPaths(bytes.toString('latin1')))
  expect(new Set(paths).size).toBe(100)
})
