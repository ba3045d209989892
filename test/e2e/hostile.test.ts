// Clients that mean harm, over real sockets: relay probes, commands out of place, sizes that are not
// true, names that are traps, connections that are held open.
import { describe, expect, test } from 'vitest'
import { MESSAGE, send, serverPerTest, type TestServer } from '../support/server.ts'
import type { Wire } from '../support/wire.ts'

const start = serverPerTest()

const PEM = new URL('../corpus/tls/', import.meta.url).pathname
const TLS = `tls_certificate = "${PEM}server.pem" tls_key = "${PEM}server-key.pem"`
const VERBS = 'smtp_extensions = ( STARTTLS XSETCONTEXT XDUMPCONTEXT XREMOTEIP XCLIENT )'

async function session(server: TestServer): Promise<Wire> {
  const wire = await server.dial()
  await wire.expect('220')
  return wire
}

describe('relaying for strangers', () => {
  const closed = { listener: 'relay_hosts = ()', more: 'relay_domains = ( ours.example )' }

  test('is refused however the recipient is written, whoever sends', async () => {
    const wire = await session(await start(closed))
    const recipients = [
      'x@theirs.example',
      'x@theirs.example.',
      '"x"@theirs.example',
      '"x@theirs.example"',
      '"x@ours.example"@theirs.example',
      '@ours.example:x@theirs.example',
      '@ours.example,@theirs.example:x@theirs.example',
      'x@[127.0.0.1]',
      'x@[192.0.2.1]',
      'x@[IPv6:::1]',
      'x@mail.test',
      'x@localhost',
      'x@sub.ours.example',
      'x@notours.example',
      'x@ours.example@theirs.example',
      'x@theirs.example@ours.example',
      'theirs.example!x',
      'x@ours.example\\@theirs.example',
      'x@ours.example> SIZE=1 RCPT TO:<x@theirs.example',
      'x@theirs.example\0@ours.example',
    ]
    for (const mailfrom of ['', 'a@b.example', 'a@ours.example', 'a@mail.test', 'a@[127.0.0.1]']) {
      await wire.ask(`MAIL FROM:<${mailfrom}>`, '250')
      for (const rcptto of recipients) {
        const reply = await wire.ask(`RCPT TO:<${rcptto}>`, '')
        expect(`${rcptto}: ${reply}`).toMatch(/: (?:5|421)/)
        if (reply.startsWith('421')) return
      }
      await wire.ask('RSET', '250')
    }
    wire.end()
  })

  test.each([
    ['theirs.example!x@ours.example', '@R@theirs.example!x@ours.example@'],
    ['x%theirs.example@ours.example', '@R@x%theirs.example@ours.example@'],
    ['"x@theirs.example "@ours.example', '@R@"x\\@theirs.example "@ours.example@'],
  ])('what stands before the last @ is a name at our domain: %s', async (rcptto, fields) => {
    const server = await start(closed)
    const wire = await session(server)
    expect(await send(wire, [rcptto])).toMatch(/^250/)
    wire.end()
    expect(await server.log('mainlog.ec')).toContain(fields)
  })
})

describe('commands out of place', () => {
  test.each([
    [['BDAT 5 LAST'], '500 5.5.2 unrecognized command'],
    [['STARTTLS now'], '501'],
    [['MAIL FROM:<a@b.example>', 'STARTTLS'], '503'],
    [['MAIL FROM:<a@b.example>', 'XCLIENT ADDR=192.0.2.1'], '503'],
    [['MAIL FROM:<a@b.example>', 'RCPT TO:<a+0D+0A@b.example>', 'RCPT TO:<x\ry@b.example>'], '50'],
    [[`MAIL FROM:<${'a'.repeat(5000)}@b.example>`], '500'],
    [[`EHLO ${'a'.repeat(2000)}`], '500'],
  ])('%j: %s', async (lines, reply) => {
    const server = await start({ listener: `${TLS} ${VERBS}` })
    const wire = await session(server)
    for (const line of lines.slice(0, -1)) await wire.ask(line, '250')
    await wire.ask(lines.at(-1) ?? '', reply)
    await wire.ask('RSET', '250')
    expect(await wire.ask('XDUMPCONTEXT', '250')).toContain('[connection] pathway default')
    wire.end()
  })

  test.each(['XSETCONTEXT a=b', 'XDUMPCONTEXT', 'XREMOTEIP 192.0.2.1', 'XCLIENT ADDR=192.0.2.1'])(
    '%s of a client that may not use it is no command, and not offered',
    async (line) => {
      const listener = `peer "192.0.2.0/24" { ${VERBS} }`
      const wire = await session(await start({ listener }))
      expect(await wire.ask('EHLO x', '250')).not.toMatch(/-X/)
      await wire.ask(line, '500 5.5.2')
      wire.end()
    },
  )
})

describe('sizes', () => {
  test('a message that is larger than its SIZE said is judged by what came', async () => {
    const server = await start({ listener: 'max_message_size = 1000' })
    const wire = await session(server)
    await wire.ask('MAIL FROM:<a@b.example> SIZE=1', '250')
    await wire.ask('RCPT TO:<c@d.example>', '250')
    await wire.ask('DATA', '354')
    wire.send(`${MESSAGE}${'x\r\n'.repeat(1000)}.\r\n`)
    await wire.expect('552 5.3.4')
    await wire.ask('NOOP', '250')
    wire.end()
  })

  test('a recipient that is named again gets one more copy, as in Momentum', async () => {
    const server = await start()
    const wire = await session(server)
    expect(await send(wire, ['a@x.example', 'a@x.example'])).toMatch(/^250/)
    wire.end()
    expect((await server.log('mainlog.ec')).match(/@R@a@x\.example@/g)).toHaveLength(2)
  })
})

describe('names that are traps', () => {
  test('context variables and policy see them as any other name', async () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '__index']
    const policy = `msys.registerModule("p", { validate_mailfrom = function(self, str, ac, vctx)
      local seen = {}
      for _, name in ipairs { "${names.join('", "')}", "valueOf" } do
        seen[#seen + 1] = name .. "=" .. tostring(vctx:get(msys.core.VCTX_CONN, name))
      end
      vctx:set_code(550, table.concat(seen, " ")) return msys.core.VALIDATE_DONE end })`
    const server = await start({ listener: VERBS, policy: { p: policy } })
    const wire = await session(server)
    for (const name of names) await wire.ask(`XSETCONTEXT ${name}=+3C${name}+3E`, '250')
    const dump = await wire.ask('XDUMPCONTEXT', '250')
    for (const name of names) expect(dump).toContain(`[connection] ${name} <${name}>\r\n`)
    await wire.ask(
      'MAIL FROM:<a@b.example>',
      `550 ${names.map((name) => `${name}=<${name}>`).join(' ')} valueOf=`,
    )
    wire.end()
  })
})

describe('connections that are held open', () => {
  test('up to listener_sessions; one more is told and left, and mail flows on', async () => {
    const server = await start({ listener: 'listener_sessions = 200' })
    const idle = await Promise.all(Array.from({ length: 199 }, () => session(server)))
    const busy = await session(server)
    const late = await server.dial()
    await late.expect('421')
    await late.ended
    expect(await send(busy, ['a@x.example'])).toMatch(/^250/)
    for (const wire of [...idle, busy]) wire.end()
  })

  test('a client that begins no handshake after STARTTLS is left', async () => {
    const server = await start({ listener: `${TLS} ${VERBS} idle_time = 1` })
    const wire = await session(server)
    await wire.ask('STARTTLS', '220')
    await wire.ended
  })
})

test('random octets get errors only, and the session ends', async () => {
  const server = await start()
  const wire = await session(server)
  let seed = 1
  const octets = Buffer.alloc(200_000)
  for (let i = 0; i < octets.length; i++) {
    seed = (seed * 48_271) % 2_147_483_647
    octets[i] = seed >> 8
  }
  wire.send(octets)
  await wire.ended
  expect(wire.unread).toMatch(/^(?:500 [^\n]*\n)*(?:421 [^\n]*\n)?$/)
  const next = await session(server)
  await next.ask('NOOP', '250')
  next.end()
})
