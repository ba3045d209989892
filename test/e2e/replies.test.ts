// The replies that Momentum's manual lists (page "message_responses"), each in the place that it belongs
// to, and what policy's own words become.
import { describe, expect, test } from 'vitest'
import { MESSAGE, send, serverPerTest, type TestServer } from '../support/server.ts'
import type { Wire } from '../support/wire.ts'

const start = serverPerTest()

async function session(server: TestServer): Promise<Wire> {
  const wire = await server.dial()
  await wire.expect('220')
  return wire
}

const MAIL = 'MAIL FROM:<a@b.example>'
const RCPT = 'RCPT TO:<c@d.example>'

describe('the table', () => {
  test.each([
    ['', [], 'NONSENSE', '500 5.5.2 unrecognized command'],
    ['', [], '', '500 5.5.2 unrecognized command'],
    ['', [], 'EHLO', '501 5.5.2 invalid EHLO'],
    ['', [], 'HELO a b', '501 5.5.2 invalid HELO'],
    ['', [], 'MAIL', '501 5.5.2 expected FROM:<address>'],
    ['', [], 'MAIL FROM:<a b@c>', '501 5.5.2 bad address'],
    ['', [MAIL], 'RCPT TO:<>', '501 5.5.2 empty recipient'],
    ['', [MAIL], 'RCPT TO:<a@>', '501 5.5.2 bad domain'],
    ['', [MAIL], MAIL, '501 5.5.1 MAIL FROM already established'],
    ['', [], 'RSET now', '501 5.5.4 invalid arguments to RSET'],
    ['', [MAIL, RCPT], 'DATA now', '501 5.5.4 unexpected argument to DATA'],
    [
      'smtp_extensions = ( XDUMPCONTEXT )',
      [],
      'XDUMPCONTEXT now',
      '501 5.5.4 no parameters allowed',
    ],
    ['', [], RCPT, '503 5.5.1 RCPT TO without MAIL FROM'],
    ['', [], 'DATA', '503 5.5.1 DATA without MAIL FROM'],
    ['', [MAIL], 'DATA', '503 5.5.1 DATA without RCPT TO'],
    ['require_ehlo = true', [], MAIL, '550 5.5.1 HELO/EHLO needed'],
    ['relay_hosts = ()', [MAIL], RCPT, '550 5.7.1 relaying denied'],
    [
      'allow_null_envelope_sender = false',
      [],
      'MAIL FROM:<>',
      '550 5.7.1 null envelope sender not allowed',
    ],
    ['max_message_size = 9', [], `${MAIL} SIZE=10`, '552 5.3.4 message size limit exceeded'],
    ['max_recipients_per_message = 1', [MAIL, RCPT], RCPT, '452 4.5.3 recipient limit reached'],
    [
      'max_recipients_per_connection = 1',
      [MAIL, RCPT, 'RSET', MAIL],
      RCPT,
      '452 4.5.3 recipient limit reached',
    ],
  ])('%s %j: %s', async (listener, before, line, reply) => {
    const wire = await session(await start({ listener }))
    for (const command of before) await wire.ask(command, '250')
    expect(await wire.ask(line, '')).toBe(reply)
    await wire.ask('NOOP', '250')
    wire.end()
  })

  test.each([
    ['rfc2822_lone_lf_in_body = pedantic', 'A: b\r\n\r\nx\ny\r\n', /^550 5\.6\.0 .*stands alone/],
    ['rfc2822_date_header = pedantic', 'A: b\r\n\r\nx\r\n', /^550 5\.6\.0 /],
  ])('%s refuses at the final dot', async (more, message, reply) => {
    const server = await start({ more })
    const wire = await session(server)
    expect(await send(wire, ['a@x.example'], message)).toMatch(reply)
    wire.end()
    expect(await server.log('rejectlog.ec')).toContain('P="reading body" E=550 M=esmtp_listener')
  })

  test('a replaced configuration ends a session at its next MAIL or RSET', async () => {
    const server = await start({ listener: 'reconfig_message = "4.3.2 back soon"' })
    const [one, two] = [await session(server), await session(server)]
    await server.reload((text) => text)
    await one.ask('NOOP', '250')
    expect(await one.ask(MAIL, '421')).toBe('421 4.3.2 back soon')
    expect(await two.ask('RSET', '421')).toBe('421 4.3.2 back soon')
    await Promise.all([one.ended, two.ended])
    one.end()
    two.end()
  })
})

describe("policy's own words", () => {
  const says = (callout: string, code: number | string, text: string): Record<string, string> => ({
    p: `msys.registerModule("p", { ${callout} = function(self, ...)
      local vctx = select(select("#", ...), ...)
      vctx:set_code(${JSON.stringify(code)}, ${JSON.stringify(text)}) return msys.core.VALIDATE_DONE end })`,
  })

  test.each([
    ['validate_mailfrom', 550, 'no', '550 no'],
    ['validate_mailfrom', 550, '5.7.1 no', '550 5.7.1 no'],
    ['validate_mailfrom', '550', 'as text', '550 as text'],
    ['validate_mailfrom', 451, '4.7.1  two  blanks ', '451 4.7.1  two  blanks '],
    ['validate_mailfrom', 550, 'one\ntwo\r\nthree', '550-one\r\n550-two\r\n550 three'],
    ['validate_mailfrom', 250, 'welcome\nback', '250-welcome\r\n250 back'],
    ['validate_mailfrom', 550, '', '550 '],
    ['validate_rcptto', 550, 'not him\nnor her', '550-not him\r\n550 nor her'],
    ['validate_data', 554, 'no\nnever', '554-no\r\n554 never'],
    ['validate_data_spool_each_rcpt', 554, 'no\nnever', '554-no\r\n554 never'],
  ])('%s says %s %j', async (callout, code, text, reply) => {
    const wire = await session(await start({ policy: says(callout, code, text) }))
    const replies = [await wire.ask(MAIL, '')]
    if (callout !== 'validate_mailfrom') replies.push(await wire.ask(RCPT, ''))
    if (callout.includes('data')) {
      await wire.ask('DATA', '354')
      replies.push(await wire.ask(`${MESSAGE}.`, ''))
    }
    expect(replies.at(-1)).toBe(reply)
    await wire.ask('NOOP', '250')
    wire.end()
  })
})

describe('several recipients', () => {
  /** The local part is what policy says: `550`, `451`, `ok`, `gone`. */
  const policy = {
    p: `msys.registerModule("p", { validate_data_spool_each_rcpt = function(self, msg, ac, vctx)
      local word = msg:rcptto():match("^%w+")
      if tonumber(word) then vctx:set_code(word, "for " .. msg:rcptto()) end
      if word == "gone" then msg:discard("550 5.7.1 gone") end
      return msys.core.VALIDATE_CONT end })`,
  }

  test.each([
    [['ok1', 'ok2'], /^250 2\.0\.0 OK /, ['ok1', 'ok2'], false],
    [['550'], /^550 for 550@x\.example$/, [], false],
    [['550', '554'], /^550 for 550@x\.example$/, [], false],
    [['554', '550'], /^554 for 554@x\.example$/, [], false],
    [['ok', '451'], /^451 for 451@x\.example$/, [], false],
    [['550', 'ok', '421'], /^421 for 421@x\.example$/, [], false],
    [['ok', '550'], /^250 2\.0\.0 OK /, ['ok'], true],
    [['gone', 'ok'], /^250 2\.0\.0 OK /, ['ok'], false],
    [['gone'], /^250 2\.0\.0 OK /, [], false],
    [['550', 'gone'], /^250 2\.0\.0 OK /, [], true],
  ])('%j', async (names, reply, delivered, isTold) => {
    const server = await start({ policy })
    const wire = await session(server)
    await wire.ask('EHLO c', '250')
    const sent = await send(
      wire,
      names.map((name) => `${name}@x.example`),
    )
    expect(sent).toMatch(reply)
    wire.end()
    await server.sink.waitFor(delivered.length + (isTold ? 1 : 0), 10_000)
    const mail = server.sink.mail.map(({ rcptto }) => rcptto).toSorted()
    const expected = delivered.map((name) => `${name}@x.example`)
    expect(mail).toEqual([...expected, ...(isTold ? ['news@sender.example'] : [])].toSorted())
    const rejected = names.filter((name) => !name.startsWith('ok'))
    const lines = (await server.log('rejectlog.ec')).trim().split('\n').filter(Boolean)
    const isTemporary = sent.startsWith('4')
    if (!isTemporary) expect(lines).toHaveLength(rejected.length)
  })
})
