// Which notifications a sender wants (RFC 3461), from MAIL and RCPT to what it is told.
import { describe, expect, test } from 'vitest'
import { MESSAGE, serverPerTest } from '../support/server.ts'

const start = serverPerTest()

/** Policy refuses the recipients whose name begins with `no`, after 250 to their RCPT. */
const policy = {
  p: `msys.registerModule("p", { validate_data_spool_each_rcpt = function(self, msg, ac, vctx)
    if msg:rcptto():find("^no") then vctx:set_code(550, "5.1.1 not here") end
    return msys.core.VALIDATE_CONT end })`,
}

describe('parameters', () => {
  test.each([
    ['MAIL FROM:<a@b.example> RET=HDRS ENVID=QQ314159+2D', '250'],
    ['MAIL FROM:<a@b.example> ret=full', '250'],
    ['MAIL FROM:<a@b.example> RET=ALL', '501 5.5.4 invalid value of RET'],
    ['MAIL FROM:<a@b.example> ENVID=a+0D+0Ab', '501 5.5.4 invalid value of ENVID'],
    [`MAIL FROM:<a@b.example> ENVID=${'a'.repeat(101)}`, '501 5.5.4'],
    ['MAIL FROM:<a@b.example> NOTIFY=NEVER', '555 5.5.4'],
  ])('%s gets %s', async (line, reply) => {
    const wire = await (await start()).dial()
    await wire.expect('220')
    await wire.ask(line, reply)
    wire.end()
  })

  test.each([
    ['NOTIFY=NEVER ORCPT=rfc822;c+2Bd@e.example', '250'],
    ['notify=success,Failure,DELAY', '250'],
    ['NOTIFY=NEVER,DELAY', '501 5.5.4 invalid value of NOTIFY'],
    ['NOTIFY=sometimes', '501 5.5.4'],
    ['ORCPT=c@d', '501 5.5.4 invalid value of ORCPT'],
    ['ORCPT=rfc822;a+0Ab', '501 5.5.4'],
    ['RET=FULL', '555 5.5.4'],
  ])('RCPT with %s gets %s', async (parameters, reply) => {
    const wire = await (await start()).dial()
    await wire.expect('220')
    await wire.ask('MAIL FROM:<a@b.example>', '250')
    await wire.ask(`RCPT TO:<c@d.example> ${parameters}`, reply)
    wire.end()
  })

  test('DSN is offered where it is listed', async () => {
    const wire = await (await start({ listener: 'smtp_extensions = ( DSN )' })).dial()
    await wire.expect('220')
    expect(await wire.ask('EHLO c', '250')).toContain('250 DSN')
    wire.end()
  })
})

test('NOTIFY=NEVER silences what policy refuses, and a recipient without it is told of', async () => {
  const server = await start({ policy })
  const wire = await server.dial()
  await wire.expect('220')
  wire.send(
    'EHLO c\r\nMAIL FROM:<me@b.example>\r\nRCPT TO:<ok@x.example>\r\n' +
      'RCPT TO:<no1@x.example> NOTIFY=NEVER\r\nRCPT TO:<no2@x.example> NOTIFY=SUCCESS\r\n' +
      `RCPT TO:<no3@x.example>\r\nDATA\r\n${MESSAGE}.\r\nQUIT\r\n`,
  )
  await wire.ended
  wire.end()
  await server.sink.waitFor(2, 10_000)
  const notice = server.sink.mail.find(({ rcptto }) => rcptto === 'me@b.example')
  const text = notice?.bytes.toString('latin1') ?? ''
  expect(text).toContain('Final-Recipient: rfc822; no3@x.example')
  expect(text).not.toMatch(/no1@|no2@/)
})
