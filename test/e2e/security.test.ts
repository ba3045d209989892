// TLS, AUTH, XCLIENT, XREMOTEIP and the PROXY protocol, over real sockets.
import { writeFile } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { send, serverPerTest, type TestServer } from '../support/server.ts'
import { dial, type Wire, wireOf } from '../support/wire.ts'

const start = serverPerTest()

const PEM = new URL('../corpus/tls/', import.meta.url).pathname
const pem = (name: string): Buffer => readFileSync(join(PEM, name))
const TLS = `
  tls_certificate = "${PEM}server.pem" tls_key = "${PEM}server-key.pem"
  smtp_extensions = ( STARTTLS XDUMPCONTEXT XSETCONTEXT "AUTH PLAIN" "AUTH LOGIN" )`
const USERS =
  'authplainparameters = [ uri = "file://users" log_authentication = "true" ] authloginparameters = [ uri = "file://users" ]'
const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64')

async function session(test: TestServer): Promise<Wire> {
  const wire = await test.dial()
  await wire.expect('220')
  await wire.ask('EHLO client.example', '250')
  return wire
}

async function overTls(wire: Wire, options: object = {}): Promise<Wire> {
  await wire.ask('STARTTLS', '220')
  return secure(wire, options)
}

async function secure(wire: Wire, options: object = {}): Promise<Wire> {
  wire.socket.removeAllListeners('data')
  const socket = connectTls({
    socket: wire.socket,
    ca: pem('ca.pem'),
    servername: 'server.example',
    ...options,
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve)
    socket.once('error', reject)
  })
  return wireOf(socket)
}

describe('STARTTLS', () => {
  test('carries mail, forgets what was said before and tells policy', async () => {
    const test = await start({ listener: `${TLS} context = [ conf = "kept" ]` })
    const clear = await session(test)
    await clear.ask('XSETCONTEXT injected=1', '250')
    const wire = await overTls(clear)
    await wire.ask('MAIL FROM:<a@x.example>', '250')
    await wire.ask('RSET', '250')
    const dump = await wire.ask('XDUMPCONTEXT', '250')
    expect(dump).toContain('250-[connection] conf kept\r\n')
    expect(dump).toContain('250-[connection] tls on\r\n')
    expect(dump).toMatch(/\[connection\] tls_cipher \S+\r\n/)
    expect(dump).toMatch(/\[connection\] tls_cipher_algbits (?:128|256)\r\n/)
    expect(dump).not.toMatch(/ehlo|injected|client_cert/)
    const hello = await wire.ask('EHLO again.example', '250')
    expect(hello).not.toContain('STARTTLS')
    await wire.ask('STARTTLS', '503')
    expect(await send(wire, ['a@x.example'])).toMatch(/^250 /)
    await test.sink.waitFor(1, 10_000)
    wire.end()
  })

  test('is offered with a certificate only', async () => {
    const wire = await session(await start({ listener: 'smtp_extensions = ( STARTTLS )' }))
    expect(await wire.ask('EHLO x', '250')).not.toContain('STARTTLS')
    await wire.ask('STARTTLS', '454')
    await wire.ask('STARTTLS now', '501')
    wire.end()
  })

  test('with commands behind it is refused, logged and ends the connection', async () => {
    const test = await start({ listener: TLS })
    const wire = await session(test)
    wire.send('STARTTLS\r\nMAIL FROM:<evil@x.example>\r\n')
    expect(await wire.reply()).toMatch(/^554 5\.5\.1 commands sent behind STARTTLS/)
    await wire.ended
    expect(wire.unread).toBe('')
    expect(await test.log('rejectlog.ec')).toMatch(/E=554 .*commands sent behind STARTTLS/)
  })

  test('drops commands behind it where the policy says ignore', async () => {
    const test = await start({ listener: `${TLS} starttls_injection_policy = "ignore"` })
    const clear = await session(test)
    clear.send('STARTTLS\r\nMAIL FROM:<evil@x.example>\r\n')
    await clear.expect('220')
    const wire = await secure(clear)
    await wire.ask('EHLO client.example', '250')
    await wire.ask('RCPT TO:<a@x.example>', '503')
    wire.end()
  })

  test('shows a client certificate to policy; a bad one ends nothing', async () => {
    const test = await start({
      listener: `${TLS} tls_client_ca = "${PEM}ca.pem" tls_verified_peer_can_relay = true`,
    })
    const good = await overTls(await session(test), {
      cert: pem('client.pem'),
      key: pem('client-key.pem'),
    })
    const dump = await good.ask('XDUMPCONTEXT', '250')
    expect(dump).toContain(
      '[connection] tls_client_cert_subject /C=XX/O=Example/CN=client.example\r\n',
    )
    expect(dump).toContain('[connection] tls_client_cert_subject_cn client.example\r\n')
    expect(dump).toContain('[connection] tls_client_cert_issuer_cn Test CA\r\n')
    expect(dump).toContain('[connection] tls_client_verified yes\r\n')
    good.end()
    const none = await overTls(await session(test))
    expect(await none.ask('XDUMPCONTEXT', '250')).not.toContain('client_')
    none.end()
  })

  test('a client that speaks no TLS after it is let go, and others go on', async () => {
    const test = await start({ listener: TLS })
    const wire = await session(test)
    await wire.ask('STARTTLS', '220')
    wire.send('EHLO in clear\r\n')
    await wire.ended
    const other = await session(test)
    await other.ask('NOOP', '250')
    other.end()
  })
})

test('use_ssl speaks TLS before the greeting', async () => {
  const test = await start({ listener: `${TLS} use_ssl = true` })
  const wire = await secure(await test.dial())
  await wire.expect('220')
  await wire.ask('EHLO client.example', '250')
  expect(await send(wire, ['a@x.example'])).toMatch(/^250 /)
  wire.end()
})

describe('AUTH', () => {
  const users = async (more = 'relay_hosts = ( 10.0.0.0/8 ) auth_without_tls = true') => {
    const test = await start({
      listener: `${TLS} ${more}`,
      policy: { p: 'msys.registerModule("p", { validate_connect = function() return 0 end })' },
    })
    await writeFile(join(test.folder, 'users'), '# comment\nanna:secret\nbert:with:colon\n')
    await test.reload((text) => text.replace(TLS, `${TLS} ${USERS}`))
    return test
  }

  test.each([
    ['PLAIN at once', [[`AUTH PLAIN ${base64('\0anna\0secret')}`, '235']]],
    [
      'PLAIN asked',
      [
        ['AUTH PLAIN', '334'],
        [base64('\0bert\0with:colon'), '235'],
      ],
    ],
    [
      'LOGIN',
      [
        ['AUTH LOGIN', '334 VXNlcm5hbWU6'],
        [base64('anna'), '334 UGFzc3dvcmQ6'],
        [base64('secret'), '235'],
      ],
    ],
    [
      'LOGIN with a name',
      [
        [`auth login ${base64('anna')}`, '334 UGFzc3dvcmQ6'],
        [base64('secret'), '235'],
      ],
    ],
  ])('%s lets a known user relay', async (_, lines) => {
    const test = await users()
    const wire = await session(test)
    expect(await wire.ask('EHLO x', '250')).toMatch(/^250-AUTH PLAIN LOGIN\r?$/m)
    for (const [line, reply] of lines) await wire.ask(line!, reply!)
    const dump = await wire.ask('XDUMPCONTEXT', '250')
    expect(dump).toContain('[connection] auth_status pass\r\n')
    expect(dump).toContain('[connection] can_relay true\r\n')
    await wire.ask('AUTH PLAIN', '503')
    expect(await send(wire, ['a@x.example'])).toMatch(/^250 /)
    wire.end()
  })

  test.each([
    [[`AUTH PLAIN ${base64('\0anna\0wrong')}`, '535']],
    [[`AUTH PLAIN ${base64('\0nobody\0')}`, '535']],
    [[`AUTH PLAIN ${base64('anna\0secret')}`, '501']],
    [['AUTH PLAIN ???', '501']],
    [
      ['AUTH PLAIN', '334'],
      ['*', '501'],
    ],
    [
      ['AUTH LOGIN', '334'],
      [base64('anna'), '334'],
      ['=', '535'],
    ],
    [['AUTH CRAM-MD5', '504']],
    [['AUTH', '504']],
    [['AUTH PLAIN a b', '501']],
    [
      ['AUTH PLAIN', '334'],
      ['A'.repeat(5000), '500'],
      ['NOOP', '250'],
    ],
  ])('%j', async (...lines) => {
    const wire = await session(await users())
    for (const [line, reply] of lines) await wire.ask(line!, reply!)
    await wire.ask('MAIL FROM:<a@x.example>', '250')
    await wire.ask('RCPT TO:<a@x.example>', '550')
    wire.end()
  })

  test('is neither offered nor taken in clear unless the configuration allows it', async () => {
    const test = await users('relay_hosts = ( 10.0.0.0/8 )')
    const clear = await session(test)
    expect(await clear.ask('EHLO x', '250')).not.toContain('AUTH')
    await clear.ask(`AUTH PLAIN ${base64('\0anna\0secret')}`, '538')
    const wire = await overTls(clear)
    expect(await wire.ask('EHLO x', '250')).toContain('AUTH PLAIN LOGIN')
    await wire.ask(`AUTH PLAIN ${base64('\0anna\0secret')}`, '235')
    wire.end()
  })

  test('ends the session after too many failures, and acctlog has them', async () => {
    const test = await users()
    const wire = await session(test)
    const guess = `AUTH PLAIN ${base64('\0an@na\0wrong')}`
    await wire.ask(guess, '535')
    await wire.ask(guess, '535')
    await wire.ask(guess, '421')
    await wire.ended
    expect(await test.log('acctlog.ec')).toMatch(
      /^\d{10}@N@127\.0\.0\.1:\d+@127\.0\.0\.1:\d+@an\\@na@0$/m,
    )
  })

  test('asks the scheme that policy registered, and the callout', async () => {
    const policy = `
      local auth = {}
      function auth:authenticate(filename, parameters, user, password)
        if user == "error" then return msys.core.EC_AUTH_ERROR end
        if user == "raise" then error("oops") end
        return user == filename and password == parameters.word and msys.core.EC_AUTH_OK or msys.core.EC_AUTH_FAIL
      end
      local mod = {}
      function mod:init() msys.registerAuth("mine", auth) return true end
      function mod:ac_auth_perform_auth(user, password, ac, response)
        return user == tostring(ac.remote_addr):match("^[%d.]+") and msys.core.EC_AUTH_OK or msys.core.EC_AUTH_FAIL
      end
      msys.registerModule("auth", mod)`
    const test = await start({
      policy: { p: policy },
      listener: `${TLS} auth_without_tls = true
        authplainparameters = [ uri = "mine://file" word = "w" ] authloginparameters = [ uri = "ac_auth://" ]`,
    })
    const plain = (user: string, word: string): string =>
      `AUTH PLAIN ${base64(`\0${user}\0${word}`)}`
    const wire = await session(test)
    await wire.ask(plain('error', ''), '454')
    await wire.ask(plain('raise', ''), '454')
    await wire.ask(plain('file', 'x'), '535')
    await wire.ask(plain('file', 'w'), '235')
    wire.end()
    const other = await session(test)
    await other.ask(`AUTH LOGIN ${base64('127.0.0.1')}`, '334')
    await other.ask('=', '235')
    other.end()
    expect(await test.log('paniclog.ec')).toMatch(/authentication: .*oops/)
  })
})

describe('XREMOTEIP', () => {
  const listener = `
    smtp_extensions = ( XREMOTEIP XDUMPCONTEXT )
    relay_hosts = ( 127.0.0.1 )
    peer "192.0.2.0/24" { context = [ from = "doc" ] smtp_extensions = ( XDUMPCONTEXT ) }`

  test('looks access lists, context and extensions up again', async () => {
    const wire = await session(await start({ listener }))
    await wire.ask('XREMOTEIP nonsense', '501')
    await wire.ask('XREMOTEIP 192.0.2.9', '250')
    const dump = await wire.ask('XDUMPCONTEXT', '250')
    expect(dump).toContain('[connection] from doc\r\n')
    expect(dump).not.toContain('can_relay')
    await wire.ask('XREMOTEIP 127.0.0.1', '500')
    wire.end()
  })

  test.each(['2001:db8::1', 'IPV6:2001:db8::1'])('takes %s', async (address) => {
    const policy = `msys.registerModule("p", { validate_mailfrom = function(self, str, ac, vctx)
      vctx:set_code(250, tostring(ac.remote_addr)) return 0 end })`
    const wire = await session(await start({ listener, policy: { p: policy } }))
    await wire.ask(`XREMOTEIP ${address}`, '250')
    expect(await wire.ask('MAIL FROM:<>', '250')).toBe('250 2001:db8::1.0')
    wire.end()
  })
})

describe('XCLIENT', () => {
  const policy = `msys.registerModule("p", {
    validate_connect = function(self, ac, vctx)
      print("connect " .. tostring(ac.remote_addr) .. " " .. tostring(ac.inst.address))
      if tostring(ac.remote_addr):match("^192%.0%.2%.66") then vctx:disconnect(554, "not you") end
      return 0 end })`
  const listener = 'smtp_extensions = ( XCLIENT XDUMPCONTEXT ) relay_hosts = ( 10.0.0.0/8 )'

  test('begins the session anew for another client', async () => {
    const test = await start({ listener, policy: { p: policy } })
    const wire = await session(test)
    expect(await wire.ask('EHLO x', '250')).toContain(
      'XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT',
    )
    const command =
      'XCLIENT ADDR=192.0.2.1 PORT=77 HELO=mx+2Eclient.example LOGIN=anna DESTADDR=198.51.100.1 NAME=[UNAVAILABLE]'
    await wire.ask(command, '220')
    expect(await test.log('paniclog.ec')).toContain('connect 192.0.2.1:77 198.51.100.1:')
    const dump = await wire.ask('XDUMPCONTEXT', '250')
    expect(dump).toContain('[connection] ehlo_domain mx.client.example\r\n')
    expect(dump).toContain('[connection] auth_user anna\r\n')
    expect(dump).toContain('[connection] can_relay true\r\n')
    await wire.ask('XCLIENT LOGIN=[UNAVAILABLE]', '220')
    expect(await wire.ask('XDUMPCONTEXT', '250')).not.toMatch(/auth_|can_relay/)
    await wire.ask('MAIL FROM:<a@x.example>', '250')
    await wire.ask('XCLIENT ADDR=192.0.2.1', '503')
    wire.end()
  })

  test.each(['', 'ADDR', 'ADDR=', 'ADDR=1.2.3', 'NOPE=1', 'PORT=99999', 'HELO=a+0Db', 'HELO=a+2'])(
    '%j is refused whole',
    async (argument) => {
      const wire = await session(await start({ listener, policy: { p: policy } }))
      await wire.ask(
        `XCLIENT LOGIN=anna ${argument}`.trim() === 'XCLIENT LOGIN=anna'
          ? 'XCLIENT'
          : `XCLIENT LOGIN=anna ${argument}`,
        '501',
      )
      expect(await wire.ask('XDUMPCONTEXT', '250')).not.toContain('auth_user')
      wire.end()
    },
  )

  test('policy may refuse the new client', async () => {
    const wire = await session(await start({ listener, policy: { p: policy } }))
    await wire.ask('XCLIENT ADDR=192.0.2.66', '554 not you')
    await wire.ended
  })
})

describe('proxy_protocol', () => {
  const policy = `msys.registerModule("p", { validate_connect = function(self, ac, vctx)
    print("connect " .. tostring(ac.remote_addr) .. " " .. tostring(ac.inst.address)) return 0 end })`

  test('takes the client from the header, which may come with more behind it', async () => {
    const test = await start({
      policy: { p: policy },
      listener:
        'proxy_protocol = true smtp_extensions = ( XDUMPCONTEXT ) peer "192.0.2.0/24" { context = [ via = "proxy" ] }',
    })
    const wire = await test.dial()
    wire.send('PROXY TCP4 192.0.2.7 198.51.100.1 5000 25\r\nEHLO x\r\n')
    await wire.expect('220')
    await wire.expect('250')
    expect(await wire.ask('XDUMPCONTEXT', '250')).toContain('[connection] via proxy\r\n')
    expect(await test.log('paniclog.ec')).toContain('connect 192.0.2.7:5000 198.51.100.1:25')
    wire.end()
  })

  test('a client without the header gets no banner', async () => {
    const test = await start({ listener: 'proxy_protocol = true' })
    const wire = await test.dial()
    wire.send('EHLO x\r\n')
    await wire.ended
    expect(wire.unread).toBe('')
  })

  test('from peers that are not listed it is no header but a bad command', async () => {
    const test = await start({ listener: 'peer "192.0.2.0/24" { proxy_protocol = true }' })
    const wire = await dial(test.smtpPort)
    await wire.expect('220')
    await wire.ask('PROXY TCP4 192.0.2.7 198.51.100.1 5000 25', '500')
    wire.end()
  })
})
