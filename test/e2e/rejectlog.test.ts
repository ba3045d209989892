// What rejectlog says, in the form that parsers of Momentum's log read: the samples of its manual
// ("implementing.policy.scriptlets", "log_formats.rejectlog"), with their commands and their contexts.
import { expect, test } from 'vitest'
import { send, serverPerTest, type TestServer } from '../support/server.ts'
import type { Wire } from '../support/wire.ts'

const start = serverPerTest()

interface Rejection {
  readonly head: string
  readonly connection: readonly string[]
  readonly message: readonly string[]
  readonly reason: string
}

/** Pairs come sorted: their order means nothing. */
async function rejections(server: TestServer): Promise<Rejection[]> {
  const lines = (await server.log('rejectlog.ec')).split('\n').filter((line) => line !== '')
  return lines.map((line) => {
    const [, head, connection, message, reason] = LINE.exec(line) ?? []
    if (head === undefined) throw new Error(`not a rejectlog line: ${line}`)
    return { head, connection: pairs(connection), message: pairs(message), reason: reason ?? '' }
  })
}

const LINE =
  /^\d{10}: R="127\.0\.0\.1:\d+" L="127\.0\.0\.1:\d+" C="[0-9A-F]{2}\/00-\d+-[0-9A-F]{8}" (.*?) CTXCONN=\[(.*)\] CTXMESS=\[(.*)\] (.*)$/

function pairs(text = ''): string[] {
  return [...text.matchAll(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g)].map(([pair]) => pair).toSorted()
}

async function session(server: TestServer, hello: string): Promise<Wire> {
  const wire = await server.dial()
  await wire.expect('220')
  await wire.ask(hello, '250')
  return wire
}

const refuse = (callout: string, code: number, text: string): Record<string, string> => ({
  p: `msys.registerModule("p", { ${callout} = function(self, ...)
        local vctx = select(select("#", ...), ...)
        vctx:set_code(${code}, [[${text}]]) return msys.core.VALIDATE_DONE end })`,
})

const CONTEXT_AT_RCPT = {
  connection: [
    'can_relay=true',
    'connection_message_count=1',
    'connection_rcpt_count=1',
    'ehlo_domain=kubuntu',
    'ehlo_string="EHLO kubuntu"',
    'message_rcpt_count=1',
    'pathway=default',
  ],
  message: [
    'mailfrom_domain=kubuntu.lan',
    'mailfrom_localpart=peter',
    'mailfrom_string="MAIL FROM:<peter@kubuntu.lan>"',
    'rcptto_domain=yahoo.com',
    'rcptto_localpart=noreply',
    'rcptto_string="RCPT TO:<noreply@yahoo.com>"',
  ],
}

test('a recipient that policy refuses: the sample of the scriptlet manual', async () => {
  const server = await start({ policy: refuse('validate_rcptto', 550, 'No such address') })
  const wire = await session(server, 'EHLO kubuntu')
  await wire.ask('MAIL FROM:<peter@kubuntu.lan>', '250')
  expect(await wire.ask('RCPT TO:<noreply@yahoo.com>', '550')).toBe('550 No such address')
  wire.end()
  expect(await rejections(server)).toEqual([
    {
      head: 'PATH="default" PATH_GRP="default" P="awaiting rcptto" E=550 M=scriptlet',
      ...CONTEXT_AT_RCPT,
      reason: '550 No such address',
    },
  ])
})

test('a script that cannot run: the second sample', async () => {
  const server = await start({
    policy: { p: 'msys.registerModule("p", { validate_data = function() error("x") end })' },
  })
  const wire = await session(server, 'EHLO kubuntu')
  await wire.ask('MAIL FROM:<peter@kubuntu.lan>', '250')
  await wire.ask('RCPT TO:<noreply@yahoo.com>', '250')
  await wire.ask('DATA', '354')
  const text = '421 mail.test temporary issue, please retry your message later'
  expect(await wire.ask('Date: Mon, 31 Aug 2009 10:00:00 +0000\r\n\r\nx\r\n.', '421')).toBe(text)
  await wire.ask('NOOP', '250')
  wire.end()
  expect(await rejections(server)).toEqual([
    {
      head: 'PATH="default" PATH_GRP="default" P="reading body" E=421 M=scriptlet',
      ...CONTEXT_AT_RCPT,
      reason: text,
    },
  ])
})

test('a null sender that policy refuses: the sample of the log format', async () => {
  const server = await start({
    policy: refuse('validate_mailfrom', 550, 'relaying denied'),
    listener: 'relay_hosts = ()',
  })
  const wire = await session(server, 'EHLO rh52-node1')
  await wire.ask('MAIL FROM:<>', '550 relaying denied')
  wire.end()
  expect(await rejections(server)).toEqual([
    {
      head: 'PATH="default" PATH_GRP="default" P="awaiting mailfrom" E=550 M=scriptlet',
      connection: ['ehlo_domain=rh52-node1', 'ehlo_string="EHLO rh52-node1"', 'pathway=default'],
      message: ['mailfrom_domain=', 'mailfrom_localpart=', 'mailfrom_string="MAIL FROM:<>"'],
      reason: '550 relaying denied',
    },
  ])
})

test('counters of the message before are not there at MAIL', async () => {
  const server = await start({ listener: 'smtp_extensions = ( XDUMPCONTEXT )' })
  const wire = await session(server, 'EHLO kubuntu')
  expect(await send(wire, ['noreply@yahoo.com'])).toMatch(/^250/)
  await wire.ask('MAIL FROM:<peter@kubuntu.lan>', '250')
  expect(await wire.ask('XDUMPCONTEXT', '250')).not.toContain('message_rcpt_count')
  await wire.ask('RCPT TO:<noreply@yahoo.com>', '250')
  const dump = await wire.ask('XDUMPCONTEXT', '250')
  wire.end()
  for (const count of [
    'message_rcpt_count 1',
    'connection_rcpt_count 2',
    'connection_message_count 2',
  ]) {
    expect(dump).toContain(`250-[connection] ${count}\r\n`)
  }
})

test.each([
  ['validate_connect', 'just connected'],
  ['validate_ehlo', 'awaiting ehlo/helo'],
  ['validate_mailfrom', 'awaiting mailfrom'],
  ['validate_rcptto', 'awaiting rcptto'],
  ['validate_data', 'reading body'],
  ['validate_rcptto_list', 'rcptto list response'],
  ['validate_rcptto_list_final', 'rcptto list final response'],
  ['validate_data_spool', 'async body response'],
  ['validate_data_spool_each_rcpt', 'async body response'],
])('%s rejects in the phase "%s"', async (callout, phase) => {
  const server = await start({ policy: refuse(callout, 554, 'go, "away"') })
  const wire = await server.dial()
  wire.send('EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n')
  // Bad commands where DATA was refused.
  wire.send('A: b\r\n\r\nc\r\n.\r\nQUIT\r\n')
  await wire.ended
  wire.end()
  expect(wire.unread).toContain('554 go, "away"\r\n')
  const [first] = await rejections(server)
  expect(first?.head).toBe(`PATH="default" PATH_GRP="default" P="${phase}" E=554 M=scriptlet`)
  expect(first?.reason).toBe('554 go, "away"')
})
