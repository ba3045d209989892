// The SMTP conversation: replies, order, relay control, the two verbs for context variables.
import { afterEach, describe, expect, test } from 'vitest'
import { send, startServer, type TestServer, type TestServerOptions } from '../support/server.ts'
import type { Wire } from '../support/wire.ts'

let running: TestServer | undefined
const wires: Wire[] = []

afterEach(async () => {
  for (const wire of wires.splice(0)) wire.reset()
  await running?.close()
  running = undefined
})

async function open(options?: TestServerOptions): Promise<Wire> {
  running = await startServer(options)
  const wire = await running.dial()
  wires.push(wire)
  await wire.expect('220 mail.test ESMTP eachrcpt')
  return wire
}

const CONTEXT_VERBS = { listener: 'smtp_extensions = ( XSETCONTEXT XDUMPCONTEXT )' }

describe('replies', () => {
  test('EHLO tells what there is', async () => {
    const wire = await open(CONTEXT_VERBS)
    expect((await wire.ask('EHLO c.example', '250')).split('\r\n')).toEqual([
      '250-mail.test says EHLO to 127.0.0.1',
      '250-PIPELINING',
      '250-8BITMIME',
      '250-SMTPUTF8',
      '250-ENHANCEDSTATUSCODES',
      '250-SIZE 52428800',
      '250-XDUMPCONTEXT',
      '250 XSETCONTEXT',
    ])
    expect(await wire.ask('HELO c.example', '250')).toBe('250 mail.test says HELO to 127.0.0.1')
  })

  test.each([
    ['EHLO', '501 5.5.2'],
    ['FOO', '500 5.5.2 unrecognized command'],
    ['XSETCONTEXT a=b', '500 5.5.2 unrecognized command'],
    ['XDUMPCONTEXT', '500 5.5.2 unrecognized command'],
    ['RCPT TO:<a@b.example>', '503 5.5.1 RCPT TO without MAIL FROM'],
    ['DATA', '503 5.5.1 DATA without MAIL FROM'],
    ['RSET x', '501 5.5.4 invalid arguments to RSET'],
    ['RSET', '250 2.0.0'],
    ['NOOP', '250 2.0.0'],
    ['VRFY a', '252 2.0.0'],
    ['MAIL FROM:a@b', '501 5.5.2'],
    ['MAIL FROM:<a@b> SIZE=99999999999', '552 5.3.4'],
    ['MAIL FROM:<a@b> SIZE=x', '501 5.5.4'],
    ['MAIL FROM:<a@b> FOO=1', '555 5.5.4 parameter FOO is not supported'],
    ['MAIL FROM:<> SIZE=10 BODY=8BITMIME SMTPUTF8', '250 2.0.0'],
    ['QUIT', '221 2.0.0 mail.test closing connection'],
  ])('%s gets %s', async (line, reply) => {
    const wire = await open()
    await wire.ask(line, reply)
  })

  test('a transaction keeps its order', async () => {
    const wire = await open()
    await wire.ask('MAIL FROM:<a@b.example>', '250')
    await wire.ask('MAIL FROM:<a@b.example>', '501 5.5.1 MAIL FROM already established')
    await wire.ask('DATA', '503 5.5.1 DATA without RCPT TO')
    await wire.ask('RCPT TO:<c@d.example>', '250')
    await wire.ask('DATA x', '501 5.5.4')
    await wire.ask('RSET', '250')
    await wire.ask('DATA', '503 5.5.1 DATA without MAIL FROM')
  })

  test('limits answer as configured', async () => {
    const wire = await open({
      listener:
        'max_recipients_per_message = 2 max_message_size = 100 max_receptions_per_connection = 2 require_ehlo = true',
    })
    await wire.ask('MAIL FROM:<a@b.example>', '550 5.5.1 HELO/EHLO needed')
    await wire.ask('EHLO c', '250')
    await wire.ask('MAIL FROM:<a@b.example>', '250')
    await wire.ask('RCPT TO:<1@d.example>', '250')
    await wire.ask('RCPT TO:<2@d.example>', '250')
    await wire.ask('RCPT TO:<3@d.example>', '452 4.5.3')
    await wire.ask('DATA', '354')
    wire.send(`${'x'.repeat(200)}\r\n.\r\n`)
    await wire.expect('552 5.3.4 message size limit exceeded')
    expect(await send(wire, ['1@d.example'], 'A: b\r\n\r\nok\r\n')).toMatch(/^250/)
    await wire.ask('MAIL FROM:<a@b.example>', '421')
    await wire.ended
  })

  test('a header of more than 64 KiB is refused, and 100 hops are enough', async () => {
    const wire = await open()
    expect(await send(wire, ['a@x.example'], `X: ${'y'.repeat(70_000)}\r\n\r\nb\r\n`)).toMatch(
      /^552 5\.3\.4/,
    )
    expect(await send(wire, ['a@x.example'], `${'Received: x\r\n'.repeat(101)}\r\nb\r\n`)).toMatch(
      /^554 5\.4\.6/,
    )
  })
})

describe('relay control', () => {
  const closed = {
    listener: 'relay_hosts = () smtp_extensions = ( XSETCONTEXT )',
    more: 'relay_domains = ( ours.example )',
  }

  test('only recipients of our domains are taken from strangers', async () => {
    const wire = await open(closed)
    await wire.ask('MAIL FROM:<a@b.example>', '250')
    await wire.ask('RCPT TO:<x@theirs.example>', '550 5.7.1 relaying denied')
    await wire.ask('RCPT TO:<x@OURS.example>', '250')
    await wire.ask('RCPT TO:<x@theirs.example@ours.example>', '501')
    await wire.ask('RCPT TO:<x%theirs.example@ours.example>', '250')
    expect(await running?.log('rejectlog.ec')).toMatch(
      /P="relaying denied" E=550 .* 550 5\.7\.1 relaying denied\n/,
    )
  })

  test('a client that injects can_relay gains nothing', async () => {
    const wire = await open(closed)
    await wire.ask('XSETCONTEXT can_relay=true', '250')
    await wire.ask('MAIL FROM:<a@b.example>', '250')
    await wire.ask('RCPT TO:<x@theirs.example>', '550 5.7.1')
  })

  test('policy may grant relaying', async () => {
    const policy = `msys.registerModule("p", { validate_connect = function(self, ac, vctx)
      vctx:set(msys.core.VCTX_CONN, "can_relay", "true") return 0 end })`
    const wire = await open({ ...closed, policy: { p: policy } })
    await wire.ask('MAIL FROM:<a@b.example>', '250')
    await wire.ask('RCPT TO:<x@theirs.example>', '250')
  })
})

describe('policy in the conversation', () => {
  const refuse = (callout: string, code = 550) => ({
    policy: {
      p: `msys.registerModule("p", { ${callout} = function(self, ...)
        local vctx = select(select("#", ...), ...) vctx:set_code(${code}, "no\\nnever") return 1 end })`,
    },
  })

  test('a refused connection is out of order until it quits', async () => {
    running = await startServer(refuse('validate_connect', 554))
    const wire = await running.dial()
    expect(await wire.reply()).toBe('554-no\r\n554 never')
    await wire.ask('EHLO x', '503')
    await wire.ask('QUIT', '221')
  })

  test.each([
    ['validate_ehlo', ['EHLO x']],
    ['validate_mailfrom', ['MAIL FROM:<a@b.example>']],
    ['validate_rcptto', ['MAIL FROM:<a@b.example>', 'RCPT TO:<c@d.example>']],
    ['validate_data', ['MAIL FROM:<a@b.example>', 'RCPT TO:<c@d.example>', 'DATA', 'x\r\n.']],
    ['validate_data_spool', ['MAIL FROM:<a@b.example>', 'RCPT TO:<c@d.example>', 'DATA', 'x\r\n.']],
  ])('%s refuses its own command', async (callout, lines) => {
    const wire = await open(refuse(callout))
    for (const line of lines.slice(0, -1)) await wire.ask(line, line === 'DATA' ? '354' : '250')
    expect(await wire.ask(lines.at(-1)!, '550')).toBe('550-no\r\n550 never')
    await wire.ask('NOOP', '250')
  })

  test('disconnect ends the session after the reply', async () => {
    const policy = `msys.registerModule("p", { validate_mailfrom = function(self, str, ac, vctx)
      vctx:disconnect(421, "bye " .. tostring(str)) return 1 end })`
    const wire = await open({ policy: { p: policy } })
    expect(await wire.ask('MAIL FROM:<a@b.example> SIZE=1', '421')).toBe(
      '421 bye MAIL FROM:<a@b.example> SIZE=1',
    )
    await wire.ended
  })

  test("2xx with a text of policy's own replaces the success text", async () => {
    const policy = `msys.registerModule("p", { validate_data = function(self, msg, ac, vctx)
      vctx:set_code(250, "2.6.0 taken " .. msg.id) return 0 end })`
    const wire = await open({ policy: { p: policy } })
    expect(await send(wire, ['a@x.example'])).toMatch(/^250 2\.6\.0 taken 00\/00-\d+-[0-9A-F]{8}$/)
  })

  test('callouts see the variables of their phase', async () => {
    const say = (name: string, keys: string) =>
      `${name} = function(self, ...) local vctx = select(select("#", ...), ...)
         for dict, names in pairs({ [msys.core.VCTX_CONN] = "${keys}" }) do
           for k in names:gmatch("%S+") do print("${name} " .. k .. "=" .. vctx:get(dict, k) .. vctx:get(1, k)) end
         end return 0 end`
    const wire = await open({
      policy: {
        p: `msys.registerModule("p", {
          ${say('validate_connect', 'can_relay pathway')},
          ${say('validate_ehlo', 'ehlo_domain ehlo_string')},
          ${say('validate_mailfrom', 'mailfrom_string mailfrom_localpart mailfrom_domain')},
          ${say('validate_rcptto', 'rcptto_string rcptto_localpart rcptto_domain message_rcpt_count connection_rcpt_count connection_message_count')},
          ${say('validate_data_spool_each_rcpt', 'rcptto_domain message_rcpt_count connection_message_count')} })`,
      },
    })
    await wire.ask('ehlo C.example', '250')
    await send(wire, ['a@x.example', 'b@Y.example'])
    expect(
      (await running!.log('paniclog.ec'))
        .replace(/^\d+:scriptlet: /gm, '')
        .trim()
        .split('\n'),
    ).toEqual([
      'validate_connect can_relay=true',
      'validate_connect pathway=default',
      'validate_ehlo ehlo_domain=C.example',
      'validate_ehlo ehlo_string=ehlo C.example',
      'validate_mailfrom mailfrom_string=MAIL FROM:<news@sender.example>',
      'validate_mailfrom mailfrom_localpart=news',
      'validate_mailfrom mailfrom_domain=sender.example',
      'validate_rcptto rcptto_string=RCPT TO:<a@x.example>',
      'validate_rcptto rcptto_localpart=a',
      'validate_rcptto rcptto_domain=x.example',
      'validate_rcptto message_rcpt_count=1',
      'validate_rcptto connection_rcpt_count=1',
      'validate_rcptto connection_message_count=1',
      'validate_rcptto rcptto_string=RCPT TO:<b@Y.example>',
      'validate_rcptto rcptto_localpart=b',
      'validate_rcptto rcptto_domain=Y.example',
      'validate_rcptto message_rcpt_count=2',
      'validate_rcptto connection_rcpt_count=2',
      'validate_rcptto connection_message_count=1',
      'validate_data_spool_each_rcpt rcptto_domain=x.example',
      'validate_data_spool_each_rcpt message_rcpt_count=2',
      'validate_data_spool_each_rcpt connection_message_count=1',
      'validate_data_spool_each_rcpt rcptto_domain=Y.example',
      'validate_data_spool_each_rcpt message_rcpt_count=2',
      'validate_data_spool_each_rcpt connection_message_count=1',
    ])
  })
})

describe('XSETCONTEXT and XDUMPCONTEXT', () => {
  test('a connection has room for 1,000 variables, in however many commands', async () => {
    const wire = await open(CONTEXT_VERBS)
    const pairs = (from: number): string =>
      Array.from({ length: 300 }, (_, i) => `n${from + i}=x`).join(' ')
    for (const from of [0, 300, 600]) await wire.ask(`XSETCONTEXT ${pairs(from)}`, '250')
    await wire.ask(`XSETCONTEXT ${pairs(900)}`, '501 5.5.4 too many variables')
    await wire.ask(`XSETCONTEXT ${pairs(0)}`, '250')
  })

  test('set connection variables for the session, and show both dictionaries', async () => {
    const wire = await open(CONTEXT_VERBS)
    await wire.ask('XSETCONTEXT a=1 b=x+3Dy+20z c=', '250 2.0.0')
    await wire.ask('XSETCONTEXT a=2 evil=+0D+0A250+20x', '250 2.0.0')
    await wire.ask('MAIL FROM:<m@n.example>', '250')
    const dump = (await wire.ask('XDUMPCONTEXT', '250')).split('\r\n')
    expect(dump).toEqual([
      '250-[connection] a 2',
      '250-[connection] b x=y z',
      '250-[connection] c ',
      '250-[connection] can_relay true',
      '250-[connection] evil \\x0D\\x0A250 x',
      '250-[connection] pathway default',
      '250-[message] mailfrom_domain n.example',
      '250-[message] mailfrom_localpart m',
      '250-[message] mailfrom_string MAIL FROM:<m@n.example>',
      '250 XDUMPCONTEXT complete',
    ])
  })

  test.each([
    'XSETCONTEXT',
    'XSETCONTEXT a',
    'XSETCONTEXT =b',
    'XSETCONTEXT ok=1 a=+ZZ',
    'XSETCONTEXT a=+00',
    'XDUMPCONTEXT x',
  ])('%s is refused and sets nothing', async (line) => {
    const wire = await open(CONTEXT_VERBS)
    await wire.ask(line, '501 5.5.4')
    expect(await wire.ask('XDUMPCONTEXT', '250')).not.toContain('ok')
  })

  test('xsetcontext_deny keeps names out', async () => {
    const listener = `${CONTEXT_VERBS.listener} xsetcontext_deny = ( "^secret_" )`
    const wire = await open({ listener })
    await wire.ask('XSETCONTEXT a=1 secret_b=2', '501 5.5.4')
    await wire.ask('XSETCONTEXT a=1', '250')
  })
})

test('pipelined commands are answered in order, and a whole mail fits into one write', async () => {
  const wire = await open()
  wire.send(
    'EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nSubject: x\r\n\r\ny\r\n.\r\nQUIT\r\n',
  )
  for (const start of ['250', '250', '250', '354', '250', '221']) await wire.expect(start)
  await wire.ended
})
