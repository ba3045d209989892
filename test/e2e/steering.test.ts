// What policy says of the way out: TLS of each message by core_get_outbound_tls_parameters, credentials by
// outbound_smtp_auth_config, towards an SMTP server that we did not write.
import { copyFile } from 'node:fs/promises'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { describe, expect, onTestFinished, test } from 'vitest'
import { sendOne, serverPerTest, type TestServer } from '../support/server.ts'

const start = serverPerTest()
const PEM = new URL('../corpus/tls/', import.meta.url).pathname
const pem = (name: string): Buffer => readFileSync(join(PEM, name))

interface Seen {
  readonly to: string
  readonly isSecure: boolean
  readonly certificate: string
  readonly cipher: string
  readonly version: string
  readonly user: string
}

interface NextHop {
  readonly port: number
  readonly seen: Seen[]
  /** When that many have arrived. */
  mails(count: number): Promise<Seen[]>
}

/** Refuses so many recipients for now, and takes those that come after them. */
function refusing(count: number): SMTPServerOptions {
  let refused = 0
  return {
    onRcptTo: (_address, _session, done) =>
      refused++ < count ? done(Object.assign(new Error('later'), { responseCode: 451 })) : done(),
  }
}

async function startNextHop(options: SMTPServerOptions = {}): Promise<NextHop> {
  const seen: Seen[] = []
  const arrivals = new Set<() => void>()
  const server = new SMTPServer({
    key: pem('server-key.pem'),
    cert: pem('server.pem'),
    ca: [pem('ca.pem')],
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    authOptional: true,
    allowInsecureAuth: true,
    logger: false,
    onAuth: ({ username = '', password = '', accessToken }, _, done) =>
      password === `of ${username}` || accessToken === `token of ${username}`
        ? done(null, { user: username })
        : done(new Error('wrong password')),
    onData(stream, session, done) {
      stream.resume().on('end', () => {
        const socket = (this as unknown as { connections: Set<{ _socket: TLSSocket }> }).connections
        const tls = [...socket].find(({ _socket }) => _socket.remotePort === session.remotePort)
        const isSecure = session.secure
        seen.push({
          to: session.envelope.rcptTo.map(({ address }) => address).join(' '),
          isSecure,
          certificate: isSecure ? String(tls?._socket.getPeerCertificate().subject?.CN ?? '') : '',
          cipher: isSecure ? (tls?._socket.getCipher().name ?? '') : '',
          version: isSecure ? (tls?._socket.getProtocol() ?? '') : '',
          user: typeof session.user === 'string' ? session.user : '',
        })
        done()
        for (const arrival of arrivals) arrival()
      })
    },
    ...options,
  })
  server.on('error', () => {
    // Of connections that end in the middle of TLS: what the client makes of it is what counts.
  })
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())))
  const address = server.server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    seen,
    mails: (count) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (seen.length >= count) resolve(seen)
        }
        arrivals.add(check)
        check()
      }),
  }
}

async function serve(hop: NextHop, body: string, more = ''): Promise<TestServer> {
  const policy = `local mod = {} local set
    require("msys.tls_params")
    ${body}
    msys.registerModule("p", mod)`
  const server = await start({
    policy: { p: policy },
    wayOut: `gateway = "127.0.0.1:${hop.port}"`,
    more: `ec_logger { } retry_interval = 3600 ${more}`,
  })
  for (const name of ['client.pem', 'client-key.pem', 'ca.pem', 'server-key.pem']) {
    await copyFile(join(PEM, name), join(server.folder, name))
  }
  return server
}

/** The first line of mainlog that begins an outcome. */
async function outcomeOf(server: TestServer): Promise<string> {
  for (;;) {
    const line = /^\d+@.*@[DTP]@.*$/m.exec(await server.log('mainlog.ec'))?.[0]
    if (line) return line
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

describe('core_get_outbound_tls_parameters', () => {
  test('shows a certificate, chooses cipher and version, for one message and not for another', async () => {
    const hop = await startNextHop()
    const server = await serve(
      hop,
      `function mod:core_get_outbound_tls_parameters(msg, params)
        if msg:rcptto() ~= "partner@x.example" then return 0 end
        assert(params.use_tls == 0 and params.certfile == nil)
        params.use_tls = 2
        params.tls_verify = 1
        msys.tls_params.set(params, "certfile", "client.pem")
        msys.tls_params.set(params, "keyfile", "client-key.pem")
        msys.tls_params.set(params, "ca", "ca.pem")
        msys.tls_params.set(params, "cipherlist", "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-GCM-SHA384")
        msys.tls_params.set(params, "protocols", "+TLSv1.2")
        assert(params.certfile == "client.pem" and params.keyfile == "client-key.pem" and params.ca == "ca.pem")
        assert(params.protocols == "+TLSv1.2" and params.cipherlist:find("AES256"))
        return 0
      end`,
    )
    await sendOne(server, ['plain@x.example', 'partner@x.example', 'other@x.example'])
    const mails = (await hop.mails(3)).toSorted((a, b) => (a.to < b.to ? -1 : 1))
    const clear = { isSecure: false, certificate: '', cipher: '', version: '', user: '' }
    expect(mails[0]).toEqual({ ...clear, to: 'other@x.example' })
    expect(mails[1]).toMatchObject({ to: 'partner@x.example', isSecure: true, version: 'TLSv1.2' })
    expect(mails[1]?.certificate).not.toBe('')
    expect(mails[1]?.cipher).toMatch(/AES256-GCM-SHA384/)
    expect(mails[2]).toEqual({ ...clear, to: 'plain@x.example' })
  })

  test.each([
    [
      'params.use_tls = 2 params.tls_verify = 1',
      '454 4.7.5 [internal] TLS certificate not accepted',
    ],
    ['params.use_tls = 3', '451 4.3.0 [internal] policy failed to say how to deliver this'],
    ['error("no")', '451 4.3.0 [internal] policy failed to say how to deliver this'],
    [
      'msys.tls_params.set(params, "certfile", "client.pem") msys.tls_params.set(params, "keyfile", "server-key.pem")',
      '451 4.3.0 [internal] policy failed to say how to deliver this',
    ],
  ])('%s: the copy waits', async (code, text) => {
    const hop = await startNextHop()
    const server = await serve(
      hop,
      `function mod:core_get_outbound_tls_parameters(msg, params) ${code} return 0 end`,
    )
    await sendOne(server, ['a@x.example'])
    expect(await outcomeOf(server)).toContain(text)
    expect(hop.seen).toEqual([])
  })

  test.each([
    ['set(params, "certfile", "none.pem")', /certfile: .*none\.pem/],
    ['set(params, "certfile", "../../etc/passwd")', /certfile: /],
    ['set(params, "ca", "p.lua")', /ca: no PEM that OpenSSL takes: p\.lua/],
    ['set(params, "cipherlist", "NOPE")', /cipherlist: OpenSSL does not take "NOPE"/],
    ['set(params, "protocols", "+SSLv3")', /protocols: OpenSSL does not take/],
    ['set(params, "colour", "red")', /there is no parameter "colour" \(known: certfile, /],
    ['set({}, "ca", "ca.pem")', /bad argument #1 \(tls_params expected, got table\): params/],
    ['params.certfile = "client.pem"', /certfile/],
    ['kept = kept or params assert(kept ~= params) set(kept, "ca", "ca.pem")', /assertion failed/],
  ])('%s raises', async (code, expected) => {
    const hop = await startNextHop()
    const server = await serve(
      hop,
      `function mod:core_get_outbound_tls_parameters(msg, params)
        local set = msys.tls_params.set
        print("said " .. tostring(select(2, pcall(function() ${code} end))))
      end`,
    )
    await sendOne(server, ['a@x.example'])
    await hop.mails(1)
    expect(/said (.*)/.exec(await server.log('paniclog.ec'))?.[1]).toMatch(expected)
  })

  test('params are gone when the hook is over', async () => {
    const hop = await startNextHop()
    const server = await serve(
      hop,
      `function mod:core_get_outbound_tls_parameters(msg, params)
        if kept then print("said " .. tostring(select(2, pcall(msys.tls_params.set, kept, "ca", "ca.pem")))) end
        kept = params
      end`,
    )
    await sendOne(server, ['a@x.example', 'b@x.example'])
    await hop.mails(2)
    expect(await server.log('paniclog.ec')).toContain('said tls_params is gone (the hook is over)')
  })
})

describe('outbound_smtp_auth_config', () => {
  const AUTH = `function mod:outbound_smtp_auth_config(msg, ac, vctx)
      local name = msg:rcptto():match("^[^@]+")
      msg:context_set(msys.core.VCTX_MESS, "outbound_smtp_auth_user", name)
      msg:context_set(msys.core.VCTX_MESS, "outbound_smtp_auth_pass", "of " .. name)
    end`

  test('says who each message is from: copies of one message use connections of their own', async () => {
    const hop = await startNextHop()
    const server = await serve(hop, AUTH)
    await sendOne(server, ['anna@x.example', 'bert@x.example', 'anna@y.example'])
    const mails = await hop.mails(3)
    expect(mails.map(({ to, user }) => `${to} ${user}`).sort()).toEqual([
      'anna@x.example anna',
      'anna@y.example anna',
      'bert@x.example bert',
    ])
  })

  test('sees what a hook has set after the attempt before', async () => {
    const hop = await startNextHop(refusing(1))
    const server = await serve(
      hop,
      `function mod:core_pre_mailq_message_requeue(msg)
        msg:context_set(msys.core.VCTX_MESS, "account", "bert")
      end
      function mod:outbound_smtp_auth_config(msg)
        local name = msg:context_get(msys.core.VCTX_MESS, "account")
        if name == "" then name = "anna" end
        msg:context_set(msys.core.VCTX_MESS, "outbound_smtp_auth_user", name)
        msg:context_set(msys.core.VCTX_MESS, "outbound_smtp_auth_pass", "of " .. name)
      end`,
      'retry_interval = 1',
    )
    await sendOne(server, ['a@x.example'])
    expect((await hop.mails(1)).map(({ user }) => user)).toEqual(['bert'])
  })

  test('overrules the configuration, and XOAUTH2 takes a token', async () => {
    const hop = await startNextHop({ authMethods: ['XOAUTH2'] })
    const server = await serve(
      hop,
      `function mod:outbound_smtp_auth_config(msg)
        msg:context_set(msys.core.VCTX_MESS, "outbound_smtp_auth_type", "XOAUTH2")
        msg:context_set(msys.core.VCTX_MESS, "outbound_smtp_auth_user", "us")
        msg:context_set(msys.core.VCTX_MESS, "outbound_smtp_auth_pass", "token of us")
      end`,
      'outbound_smtp_auth_user = "them" outbound_smtp_auth_pass = "wrong"',
    )
    await sendOne(server, ['a@x.example'])
    expect((await hop.mails(1))[0]?.user).toBe('us')
  })

  test('a token that is refused delays the copy with the code that comes after the challenge', async () => {
    const hop = await startNextHop({ authMethods: ['XOAUTH2'] })
    const server = await serve(
      hop,
      '',
      'outbound_smtp_auth_user = "us" outbound_smtp_auth_pass = "stale" outbound_smtp_auth_type = "XOAUTH2"',
    )
    await sendOne(server, ['a@x.example'])
    expect(await outcomeOf(server)).toMatch(/@T@.*@535 /)
  })

  test('changes neither the message nor what is kept of it', async () => {
    const hop = await startNextHop()
    const server = await serve(
      hop,
      `function mod:outbound_smtp_auth_config(msg)
        print("said " .. tostring(select(2, pcall(msg.header, msg, "X-A", "1"))))
        msg:context_set(msys.core.VCTX_MESS, "seen", "yes")
      end
      function mod:core_log_delivery_v1(msg)
        print("later " .. msg:context_get(msys.core.VCTX_MESS, "seen") .. ".")
      end`,
    )
    await sendOne(server, ['a@x.example'])
    await hop.mails(1)
    await outcomeOf(server)
    const text = await server.log('paniclog.ec')
    expect(text).toMatch(/said msg:header: .*/)
    expect(text).not.toContain('said true')
    expect(text).toContain('later .')
  })
})

test('an account that a hook sets for another attempt is that of its copy alone', async () => {
  const hop = await startNextHop(refusing(2))
  const server = await serve(
    hop,
    `function mod:core_pre_mailq_message_requeue(msg)
      local name = msg:rcptto():match("^[^@]+")
      msg:context_set(msys.core.VCTX_MESS, "outbound_smtp_auth_user", name)
      msg:context_set(msys.core.VCTX_MESS, "outbound_smtp_auth_pass", "of " .. name)
    end`,
    'retry_interval = 1',
  )
  await sendOne(server, ['anna@x.example', 'bert@x.example'])
  const mails = await hop.mails(2)
  expect(mails.map(({ to, user }) => `${to} ${user}`).sort()).toEqual([
    'anna@x.example anna',
    'bert@x.example bert',
  ])
})

test('tls_ciphers and tls_protocols of a domain hold for the way out', async () => {
  const hop = await startNextHop()
  const domain = (name: string, rules: string): string =>
    `domain "${name}" { routes = ( "smtp://127.0.0.1?port=${hop.port}" ) tls = "required" ${rules} }`
  const server = await serve(
    hop,
    '',
    `${domain('old.example', 'tls_protocols = "+ALL:-TLSv1.3" tls_ciphers = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256"')}
     ${domain('new.example', 'tls_protocols = "+TLSv1.3"')}`,
  )
  await sendOne(server, ['a@old.example', 'a@new.example'])
  const mails = (await hop.mails(2)).toSorted((a, b) => (a.to < b.to ? -1 : 1))
  expect(mails.map(({ version }) => version)).toEqual(['TLSv1.3', 'TLSv1.2'])
  expect(mails[1]?.cipher).toMatch(/AES128-GCM-SHA256/)
})

test('core_pre_mailq_message_requeue runs before a copy waits for its next attempt', async () => {
  const hop = await startNextHop({
    onRcptTo: (_address, _session, done) =>
      done(Object.assign(new Error('later'), { responseCode: 451 })),
  })
  const server = await serve(
    hop,
    `function mod:core_pre_mailq_message_requeue(msg, now)
      print("said " .. msg:rcptto() .. " " .. msg:code() .. " " .. type(now))
    end`,
  )
  await sendOne(server, ['a@x.example'])
  await outcomeOf(server)
  expect(/said (.*)/.exec(await server.log('paniclog.ec'))?.[1]).toBe(
    'a@x.example 451 later number',
  )
})
