// What messages and envelopes must be like, by option, over real sockets.
import { describe, expect, test } from 'vitest'
import { copyFor, send, serverPerTest, type TestServer } from '../support/server.ts'
import { dial, type Wire } from '../support/wire.ts'

const start = serverPerTest()

async function session(server: TestServer): Promise<Wire> {
  const wire = await server.dial()
  await wire.expect('220')
  await wire.ask('EHLO client.example', '250')
  return wire
}

/** The copy without the trace field, or the reply that refused it. */
async function relayed(more: string, message: string): Promise<string> {
  const server = await start({ more })
  const wire = await session(server)
  const reply = await send(wire, ['a@x.example'], message)
  wire.end()
  if (!reply.startsWith('250')) return reply
  return (await copyFor(server, 'a@x.example')).replace(/^Received: .*\r\n(?:[ \t].*\r\n)*/, '')
}

describe('rfc2822_missing_headers', () => {
  test('a message without a header is body, by default', async () => {
    expect(await relayed('', 'hello\r\n\r\nworld\r\n')).toBe('\r\nhello\r\n\r\nworld\r\n')
  })

  test.each(['hello\r\nworld\r\n', '\r\nhello\r\n'])('reject refuses %j', async (message) => {
    expect(await relayed('rfc2822_missing_headers = reject', message)).toBe(
      '550 5.6.0 message has no header',
    )
  })
})

describe('rfc2822_date_header and rfc2822_messageid_header', () => {
  const message = 'Subject: x\r\n\r\nbody\r\n'

  test('nothing is added by default', async () => {
    expect(await relayed('', message)).toBe(message)
  })

  test('ifneeded adds what is missing, behind the header', async () => {
    const more = 'rfc2822_date_header = ifneeded rfc2822_messageid_header = ifneeded'
    expect(await relayed(more, message)).toMatch(
      /^Subject: x\r\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000\r\nMessage-ID: <00\.00-\d+-[0-9A-F]{8}@mail\.test>\r\n\r\nbody\r\n$/,
    )
    const whole = `Message-Id: <a@b>\r\ndate: now\r\n${message}`
    expect(await relayed(more, whole)).toBe(whole)
  })

  test('pedantic refuses a message without Date', async () => {
    expect(await relayed('rfc2822_date_header = pedantic', message)).toBe(
      '550 5.6.0 message has no Date field',
    )
  })
})

describe('rfc2822_max_line_length', () => {
  const lines = (length: number): string => `A: b\r\n\r\n${'x'.repeat(length)}\r\ny\r\n`

  test.each([
    ['', 5000, 'same'],
    ['rfc2822_max_line_length = pedantic', 998, 'same'],
    ['rfc2822_max_line_length = pedantic', 999, 'refused'],
    ['rfc2822_max_line_length = 2048', 5000, 'same'],
    ['rfc2822_max_line_length = 2048 rfc2822_max_line_length_policy = reject', 2048, 'same'],
    ['rfc2822_max_line_length = 2048 rfc2822_max_line_length_policy = reject', 2049, 'refused'],
    ['rfc2822_max_line_length_policy = reject', 999, 'refused'],
  ])('%j with a line of %i: %s', async (more, length, result) => {
    const copy = await relayed(more, lines(length))
    if (result === 'same') expect(copy).toBe(lines(length))
    else expect(copy).toMatch(/^550 5\.6\.0 message has a line of more than \d+ octets$/)
  })

  test.each([
    ['rfc2822_max_line_length = fix', 998],
    ['rfc2822_max_line_length = 100 rfc2822_max_line_length_policy = fix', 100],
  ])('%j breaks lines of the body', async (more, limit) => {
    const parts = ['x'.repeat(limit), 'x'.repeat(limit), 'x'].join('\r\n')
    expect(await relayed(more, lines(2 * limit + 1))).toBe(`A: b\r\n\r\n${parts}\r\ny\r\n`)
  })
})

describe('envelopes', () => {
  test.each([
    ['', 'RCPT TO:<a..b@x.example>', '501 5.5.2'],
    ['rfc2821_pedantic_address_rules = false', 'RCPT TO:<a..b@x.example>', '250'],
    ['', 'RCPT TO: <a@under_score.example>', '250'],
    ['', 'RCPT TO:<a@x.example> ', '250'],
    ['rfc2821_allow_whitespace_in_envelope = false', 'RCPT TO:<a@x.example> ', '501 5.5.2'],
    ['', 'RCPT TO:< a@x.example >', '501 5.5.2'],
    ['allow_trailing_whitespace_in_commands = true', 'RCPT TO:< a@x.example >', '250'],
    ['', 'RCPT TO:<a@[192.0.2.1]>', '250'],
    [
      'allow_ip_literal = false',
      'RCPT TO:<a@[192.0.2.1]>',
      '501 5.5.2 address literal not allowed',
    ],
    ['', 'RCPT TO:<abuse>', '501 5.5.2 domain missing'],
    ['domain_for_unqualified_recipient_addresses = "ours.example"', 'RCPT TO:<abuse>', '250'],
  ])('%j: %s gets %s', async (more, line, reply) => {
    const wire = await session(await start({ more }))
    await wire.ask('MAIL FROM:<a@b.example>', '250')
    await wire.ask(line, reply)
    wire.end()
  })

  test('addresses without a domain get the configured one; policy sees the command as it came', async () => {
    const server = await start({
      more: `domain_for_unqualified_sender_address = "from.example"
        domain_for_unqualified_recipient_addresses = "to.example"`,
      listener: 'smtp_extensions = ( XDUMPCONTEXT )',
    })
    const wire = await session(server)
    await wire.ask('MAIL FROM:<news>', '250')
    await wire.ask('RCPT TO:<postmaster>', '250')
    const dump = await wire.ask('XDUMPCONTEXT', '250')
    expect(dump).toContain('250-[message] mailfrom_string MAIL FROM:<news>\r\n')
    expect(dump).toContain('250-[message] rcptto_string RCPT TO:<postmaster>\r\n')
    await wire.ask('DATA', '354')
    await wire.ask('A: b\r\n\r\nc\r\n.', '250')
    wire.end()
    await server.sink.waitFor(1, 10_000)
    expect(server.sink.mail[0]).toMatchObject({
      mailfrom: 'news@from.example',
      rcptto: 'postmaster@to.example',
    })
  })

  test('relay_for_sending_domains lets a sender relay, for its own messages', async () => {
    const server = await start({
      listener: `relay_hosts = () smtp_extensions = ( XDUMPCONTEXT )
        relay_for_sending_domains = ( "*.ours.example" )`,
    })
    const wire = await session(server)
    await wire.ask('MAIL FROM:<a@mail.OURS.example>', '250')
    expect(await wire.ask('XDUMPCONTEXT', '250')).toContain('can_relay true')
    await wire.ask('RCPT TO:<b@x.example>', '250')
    await wire.ask('RSET', '250')
    await wire.ask('MAIL FROM:<a@theirs.example>', '250')
    expect(await wire.ask('XDUMPCONTEXT', '250')).not.toContain('can_relay')
    await wire.ask('RCPT TO:<b@x.example>', '550 5.7.1 relaying denied')
    wire.end()
  })

  test('relay_for_sending_domains without domains lets everybody', async () => {
    const listener = 'relay_hosts = () relay_for_sending_domains = ()'
    const wire = await session(await start({ listener }))
    await wire.ask('MAIL FROM:<>', '250')
    await wire.ask('RCPT TO:<b@x.example>', '250')
    wire.end()
  })
})

test('service_sessions counts over all listeners', async () => {
  const server = await start({
    listener: 'service_sessions = 2',
    more: 'esmtp_listener "second" { listen "127.0.0.2:0" {} service_sessions = 2 }',
  })
  const other = server.server.smtp[1]!
  const [first, second] = [await server.dial(), await dial(other.port, other.host)]
  await first.expect('220')
  await second.expect('220')
  const third = await dial(other.port, other.host)
  await third.expect('421 4.4.5 Service unavailable, concurrency limit reached.')
  await third.ended
  third.end()
  await first.ask('QUIT', '221')
  first.end()
  second.end()
})
