// Messages that policy makes: injected, forwarded, copied, from SMTP in to the next hop.
import { join } from 'node:path'
import { simpleParser } from 'mailparser'
import { describe, expect, test } from 'vitest'
import { openSpool } from '../../src/spool/spool.ts'
import { copyFor, parts, sendOne, serverPerTest, trackedPaths } from '../support/server.ts'

const start = serverPerTest()

const script = (callouts: string): Record<string, string> => ({
  p: `local E, M = msys.core, msys.core.ECMESS_CTX_MESS msys.registerModule("p", { ${callouts} })`,
})
const eachRcpt = (body: string) =>
  `validate_data_spool_each_rcpt = function(self, msg, ac, vctx) ${body} return E.VALIDATE_CONT end`
const recipientsOf = (test: Awaited<ReturnType<typeof start>>) =>
  test.sink.mail.map(({ rcptto }) => rcptto).sort()

describe('msg:inject', () => {
  test('of a new message that was built, from one callout', async () => {
    const test = await start({
      policy: script(
        eachRcpt(`
          local new = E.ec_message_new()
          new:build({ From = "bot@x.example", Subject = "Note" }, { ["text/plain"] = "seen" }, {})
          print(tostring(new:inject("bot@x.example", "<one@x.example>, two@x.example")))`),
      ),
    })
    expect(await sendOne(test, ['a@x.example'])).toMatch(/^250 /)
    const one = await copyFor(test, 'one@x.example', 3)
    expect(recipientsOf(test)).toEqual(['a@x.example', 'one@x.example', 'two@x.example'])
    expect(test.sink.mail.find(({ rcptto }) => rcptto === 'two@x.example')?.mailfrom).toBe(
      'bot@x.example',
    )
    const mail = await simpleParser(one)
    expect([mail.subject, mail.text?.trim()]).toEqual(['Note', 'seen'])
    expect(await test.log('paniclog.ec')).toContain('scriptlet: true\n')
    const injections = (await test.events(6)).filter(({ type }) => type === 'injection')
    expect(
      injections
        .map((event) => `${String(event['rcpt_to'])} ${String(event['recv_method'])}`)
        .sort(),
    ).toEqual(['a@x.example esmtp', 'one@x.example internal', 'two@x.example internal'])
  })

  test('of a copy: changed alone, with links of its own recipient', async () => {
    const test = await start({
      listener: 'click_tracking_enabled = true',
      policy: script(
        eachRcpt(`
          local copy = msg:copy()
          copy:header("Subject", "archived")
          copy:inject("", "archive@x.example")`),
      ),
    })
    await sendOne(test, ['a@x.example'])
    const [mine, archived] = [
      await copyFor(test, 'a@x.example', 2),
      await copyFor(test, 'archive@x.example'),
    ]
    expect(mine).toContain('Subject: hello\r\n')
    expect(archived).toContain('Subject: archived\r\n')
    const paths = [...trackedPaths(mine), ...trackedPaths(archived)]
    expect(new Set(paths).size).toBe(2)
    await fetch(test.httpUrl + paths[1], { redirect: 'manual' })
    const events = await test.events(5)
    expect(events.find(({ type }) => type === 'click')?.['rcpt_to']).toBe('archive@x.example')
    expect(test.sink.mail.find(({ rcptto }) => rcptto === 'archive@x.example')?.mailfrom).toBe('')
  })

  test('after links and pixel are in sends them as they are', async () => {
    const test = await start({
      listener: 'click_tracking_enabled = true',
      policy: script(
        'core_final_validation = function(self, msg) if msg.recv_method == E.P_ESMTP then msg:inject("x@y.example", "b@x.example") end end',
      ),
    })
    await sendOne(test, ['a@x.example'])
    const [a, b] = [await copyFor(test, 'a@x.example', 2), await copyFor(test, 'b@x.example')]
    expect(parts(b).body).toBe(parts(a).body)
    expect(trackedPaths(b)).toHaveLength(1)
  })

  test('runs validate_set_binding and the final callouts, with a limit to how deep', async () => {
    const test = await start({
      policy: script(`
        validate_set_binding = function(self, msg)
          print(msg.recv_method .. " to " .. msg:rcptto())
          local ok, err = pcall(msg.inject, msg, "x@y.example", "again@x.example")
          if not ok then print(err) end
          return E.VALIDATE_CONT
        end,
        core_final_validation = function(self, msg) msg:header("X-Final", msg:rcptto()) end`),
    })
    await sendOne(test, ['a@x.example'])
    expect(await copyFor(test, 'again@x.example', 6)).toContain('X-Final: again@x.example\r\n')
    const log = await test.log('paniclog.ec')
    expect(log).toMatch(/^\d+:scriptlet: 2 to a@x.example\n/)
    expect(log.match(/0 to again@x.example/g)).toHaveLength(5)
    expect(log).toContain(
      'msg:inject: not queued: 5 messages were sent by a callout for the one before',
    )
  })

  test.each([
    ['validate_connect', 'self, ac, vctx'],
    ['validate_rcptto', 'self, msg, str, ac, vctx'],
  ])('from %s is stored at once', async (callout, args) => {
    const test = await start({
      policy: script(`
        ${callout} = function(${args})
          local new = E.ec_message_new()
          new:raw("Subject: early\\r\\n\\r\\nx\\r\\n")
          new:inject("x@y.example", "early@x.example")
          return E.VALIDATE_CONT
        end`),
    })
    const wire = await test.dial()
    await wire.expect('220')
    if (callout === 'validate_rcptto') {
      await wire.ask('EHLO c.example', '250')
      await wire.ask('MAIL FROM:<x@y.example>', '250')
      await wire.ask('RCPT TO:<a@x.example>', '250')
    }
    // The client never sends its message.
    wire.end()
    expect(parts(await copyFor(test, 'early@x.example')).body).toBe('x\r\n')
  })

  test.each([
    ['a rejection for good', 'vctx:set_code(550, "no")', '550 no', 1],
    ['a discard', 'msg:discard()', '250 ', 1],
    ['a temporary rejection', 'vctx:set_code(451, "later")', '451 later', 0],
    ['an error', 'error("oops")', '421 ', 0],
  ])('with %s', async (_, ending, reply, count) => {
    const inject = 'msg:copy():inject("x@y.example", "report@x.example")'
    for (const phase of ['validate_data', 'validate_data_spool_each_rcpt']) {
      const test = await start({
        policy: script(
          `${phase} = function(self, msg, ac, vctx) ${inject} ${ending} return E.VALIDATE_CONT end`,
        ),
      })
      expect(await sendOne(test, ['a@x.example'])).toMatch(new RegExp(`^${reply}`))
      await test.server.close()
      expect(recipientsOf(test)).toEqual(Array.from({ length: count }, () => 'report@x.example'))
    }
  })

  test.each([
    ['msg:inject("x@y.example")', 'msg:inject: bad argument #2 (string expected, got nil): rcptto'],
    ['msg:inject({}, "a@b")', 'msg:inject: bad argument #1 (string expected, got table): mailfrom'],
    ['msg:inject("x@y.example", "")', 'msg:inject: bad argument #2 (no address)'],
    [
      'msg:inject("x@y.example\\r\\nRCPT TO:<z@z>", "a@b")',
      'msg:inject: bad argument #1 (not an address)',
    ],
    ['msg:inject("x@y.example", "nobody")', 'not an address'],
    [
      'msg:forward("x@y.example", "a@b")',
      'msg:forward: bad argument #3 (string expected, got nil): text',
    ],
  ])('%s raises', async (code, message) => {
    const test = await start({
      policy: script(eachRcpt(`local ok, err = pcall(function() ${code} end) print(err)`)),
    })
    await sendOne(test, ['a@x.example'])
    expect(await test.log('paniclog.ec')).toContain(message)
    await test.server.close()
    expect(recipientsOf(test)).toEqual(['a@x.example'])
  })
})

test('what policy sends is on disk when the client hears 250', async () => {
  const test = await start({
    wayOut: 'gateway = "127.0.0.1:1"',
    policy: script(eachRcpt('msg:copy():inject("x@y.example", "b@x.example")')),
  })
  expect(await sendOne(test, ['a@x.example'])).toMatch(/^250 /)
  await test.server.close()
  const spool = await openSpool({ directory: join(test.folder, 'spool', '0'), report: () => {} })
  const entries = await Promise.all(spool.recovered.map(spool.entry))
  const stored = entries.flatMap(({ copies }) => copies.map(({ rcptto }) => rcptto))
  expect(stored.sort()).toEqual(['a@x.example', 'b@x.example'])
  await spool.close()
})

test('msg:forward attaches the message', async () => {
  const test = await start({
    policy: script(
      eachRcpt(
        'msg:forward("boss@x.example", "c@x.example,d@x.example", "Gr\\195\\188n:", "Fwd: hello", "iso-8859-1")',
      ),
    ),
  })
  await sendOne(test, ['a@x.example'])
  const mail = await simpleParser(await copyFor(test, 'd@x.example', 3))
  expect([mail.subject, mail.from?.text, mail.text?.trim()]).toEqual([
    'Fwd: hello',
    'boss@x.example',
    'Grün:',
  ])
  const inner = await simpleParser(mail.attachments[0]!.content)
  expect(inner.subject).toBe('hello')
  expect(recipientsOf(test)).toEqual(['a@x.example', 'c@x.example', 'd@x.example'])
})
