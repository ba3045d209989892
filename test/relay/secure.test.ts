// STARTTLS and AUTH of the client against a server that we did not write, and against peers that fail.
import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { join } from 'node:path'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { afterEach, describe, expect, test } from 'vitest'
import { type Client, openClient } from '../../src/relay/client.ts'
import type { Outcome } from '../../src/relay/outcome.ts'
import type { Profile, TlsProfile } from '../../src/relay/profile.ts'
import { type Peer, type Script, startPeer } from '../support/peer.ts'
import { PROFILE } from './fakes.ts'

const PEM = new URL('../corpus/tls/', import.meta.url).pathname
const pem = (name: string): Buffer => readFileSync(join(PEM, name))
const CA = pem('ca.pem')
const AUTH = { user: 'us', password: 's3cret', type: undefined }
const MESSAGE = {
  mailfrom: 'a@from.test',
  recipients: ['b@to.test'],
  bytes: Buffer.from('Subject: x\r\n\r\nbody\r\n'),
}

const ends: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

interface Seen {
  readonly mail: { isSecure: boolean; user: string; text: string }[]
  readonly port: number
}

async function startServer(options: SMTPServerOptions = {}): Promise<Seen> {
  const mail: Seen['mail'] = []
  const server = new SMTPServer({
    key: pem('server-key.pem'),
    cert: pem('server.pem'),
    authOptional: true,
    allowInsecureAuth: true,
    logger: false,
    onAuth({ username = '', password = '' }, _, done) {
      if (username === 'us' && password === 's3cret') done(null, { user: username })
      else done(new Error('wrong password'))
    },
    onData(stream, session, done) {
      let text = ''
      stream.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
      stream.on('end', () => {
        mail.push({
          isSecure: session.secure,
          user: typeof session.user === 'string' ? session.user : '',
          text,
        })
        done()
      })
    },
    ...options,
  })
  server.on('error', () => {
    // Of connections that end in the middle of TLS: what the client makes of it is what counts.
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  ends.push(() => new Promise<void>((resolve) => server.close(resolve)))
  const address = server.server.address()
  return { mail, port: typeof address === 'object' && address ? address.port : 0 }
}

async function open(
  port: number,
  tls: Partial<TlsProfile>,
  more: Partial<Profile> = {},
  name = 'server.example',
): Promise<Client | Outcome> {
  const client = await openClient({
    id: 'c1',
    address: '127.0.0.1',
    port,
    name,
    profile: { ...PROFILE, ...more, tls: { ...PROFILE.tls, ...tls } },
  })
  if (!('kind' in client)) ends.unshift(client.destroy)
  return client
}

async function deliver(...to: Parameters<typeof open>): Promise<unknown> {
  const client = await open(...to)
  if ('kind' in client) return [client.kind, client.stage, client.text]
  const [outcome] = await client.deliver(MESSAGE)
  return outcome?.kind
}

describe('STARTTLS', () => {
  test.each([
    ['no', false],
    ['ifavailable', true],
    ['required', true],
  ] as const)('tls = %s: secure %s', async (mode, isSecure) => {
    const { mail, port } = await startServer()
    expect(await deliver(port, { mode })).toBe('delivered')
    expect(mail).toEqual([{ isSecure, user: '', text: 'Subject: x\r\n\r\nbody\r\n' }])
  })

  test.each<[verify: TlsProfile['verify'], isVouched: boolean, name: string, unknown]>([
    ['no', false, 'server.example', 'delivered'],
    ['optional', false, 'other.example', 'delivered'],
    ['ca', true, 'server.example', 'delivered'],
    ['ca', true, 'other.example', 'delivered'],
    ['host', true, 'server.example', 'delivered'],
    ['ca', false, 'server.example', /^454 4\.7\.5 \[internal\] TLS certificate not accepted: /],
    ['host', true, 'other.example', /TLS certificate not accepted: ERR_TLS_CERT_ALTNAME_INVALID$/],
  ])('tls_verify = %s, with a CA: %s, as %s', async (verify, isVouched, name, expected) => {
    const { mail, port } = await startServer()
    // Also where clear text would do: somebody else may be there.
    const result = await deliver(
      port,
      { mode: 'ifavailable', verify, ca: isVouched ? CA : undefined },
      {},
      name,
    )
    if (expected === 'delivered') expect(result).toBe(expected)
    else expect(result).toEqual(['deferred', 18, expect.stringMatching(expected as RegExp)])
    expect(mail).toHaveLength(expected === 'delivered' ? 1 : 0)
  })

  test('shows a certificate of ours to a peer that asks for one', async () => {
    const subjects: unknown[] = []
    const { port } = await startServer({
      requestCert: true,
      rejectUnauthorized: false,
      onSecure(socket, _, done) {
        const peer: unknown = (socket as TLSSocket).getPeerCertificate().subject
        subjects.push(peer)
        done()
      },
    })
    const certificate = pem('client.pem')
    expect(await deliver(port, { mode: 'required' })).toBe('delivered')
    expect(await deliver(port, { mode: 'required', certificate, key: pem('client-key.pem') })).toBe(
      'delivered',
    )
    expect(subjects).toEqual([undefined, expect.objectContaining({ CN: expect.any(String) })])
  })

  test('a certificate whose time is over is not accepted, whoever vouches for it', async () => {
    const { mail, port } = await startServer({
      key: pem('expired-key.pem'),
      cert: pem('expired.pem'),
    })
    const verified = { verify: 'ca', ca: pem('expired.pem') } as const
    for (const mode of ['required', 'ifavailable'] as const) {
      expect(await deliver(port, { mode, ...verified })).toEqual([
        'deferred',
        18,
        '454 4.7.5 [internal] TLS certificate not accepted: CERT_HAS_EXPIRED',
      ])
    }
    expect(mail).toEqual([])
  })

  test('reads the extensions anew, and trusts nothing that was said in clear', async () => {
    const { port } = await startServer({ size: 10 })
    const client = await open(port, { mode: 'required' })
    if ('kind' in client) throw new Error(client.text)
    expect((await client.deliver(MESSAGE))[0]?.text).toBe(
      '552 5.3.4 [internal] message size limit of next hop exceeded',
    )
  })
})

const EHLO = '250-peer.test\r\n250 STARTTLS'
/** Agrees, and answers the handshake with what is none. */
function garble(socket: Socket): void {
  socket.write('220 go\r\n')
  socket.removeAllListeners('data')
  socket.once('data', () => socket.write('500 what?\r\n'))
}

describe('TLS that fails (F31)', () => {
  const FAILURES: readonly [string, Script, stage: number, text: RegExp][] = [
    [
      'stripped from EHLO',
      {},
      11,
      /^454 4\.7\.0 \[internal\] STARTTLS is required but not offered$/,
    ],
    ['refused', { EHLO, STARTTLS: '454 4.7.0 not now' }, 16, /^454 4\.7\.0 not now$/],
    ['refused for good', { EHLO, STARTTLS: '502 5.5.1 what?' }, 16, /^502 5\.5\.1 what\?$/],
    ['no TLS behind 220', { EHLO, STARTTLS: garble }, 18, /TLS handshake failed/],
    ['a drop', { EHLO, STARTTLS: dropAfter220 }, 18, /TLS handshake failed/],
  ]
  test.each(FAILURES)('%s defers where TLS is required', async (_, script, stage, text) => {
    const peer = await startScripted(script)
    const result = await open(peer.port, { mode: 'required' })
    expect(result).toMatchObject({ kind: 'deferred', stage, text: expect.stringMatching(text) })
    expect(peer.commands.some((command) => command.startsWith('MAIL'))).toBe(false)
  })

  test.each(FAILURES)('%s goes on in clear where that will do', async (_, script) => {
    const peer = await startScripted(script)
    expect(await deliver(peer.port, { mode: 'ifavailable', fallsBack: true })).toBe('delivered')
  })

  test.each(FAILURES.slice(1))(
    '%s defers without tls_ifavailable_fallback',
    async (_, script, stage) => {
      const peer = await startScripted(script)
      expect(await open(peer.port, { mode: 'ifavailable', fallsBack: false })).toMatchObject({
        kind: 'deferred',
        stage,
      })
    },
  )

  test('takes no command for a reply that was slipped in behind the agreement', async () => {
    const peer = await startScripted({ EHLO, STARTTLS: '220 go\r\n250 injected' })
    expect(await open(peer.port, { mode: 'required' })).toMatchObject({
      kind: 'deferred',
      stage: 18,
      text: '451 4.5.0 [internal] malformed response',
    })
  })
})

describe('AUTH', () => {
  test.each([
    ['PLAIN', undefined],
    ['LOGIN', 'LOGIN'],
  ] as const)('%s makes us known', async (method, type) => {
    const { mail, port } = await startServer({ authMethods: [method] })
    expect(await deliver(port, { mode: 'required' }, { auth: { ...AUTH, type } })).toBe('delivered')
    expect(mail).toMatchObject([{ isSecure: true, user: 'us' }])
  })

  test.each<[string, Partial<SMTPServerOptions>, Partial<TlsProfile>, RegExp]>([
    ['a wrong password', { onAuth: (_, __, done) => done(new Error('wrong')) }, {}, /^535 /],
    [
      'no mechanism that we know',
      { authMethods: ['CRAM-MD5'] },
      {},
      /no AUTH that we could use is offered$/,
    ],
    ['no TLS to hide the password', { hideSTARTTLS: true }, {}, /no TLS to authenticate under$/],
  ])('%s defers', async (_, options, tls, text) => {
    const { mail, port } = await startServer(options)
    const result = await open(port, { mode: 'ifavailable', ...tls }, { auth: AUTH })
    expect(result).toMatchObject({ kind: 'deferred', stage: 11, text: expect.stringMatching(text) })
    expect(mail).toEqual([])
  })

  test('in clear where no TLS is wanted', async () => {
    const { mail, port } = await startServer()
    expect(await deliver(port, { mode: 'no' }, { auth: AUTH })).toBe('delivered')
    expect(mail).toMatchObject([{ isSecure: false, user: 'us' }])
  })

  test('not after TLS has failed', async () => {
    const peer = await startScripted({ EHLO, STARTTLS: garble })
    expect(await open(peer.port, { mode: 'ifavailable' }, { auth: AUTH })).toMatchObject({
      kind: 'deferred',
      text: '454 4.7.0 [internal] no TLS to authenticate under',
    })
    expect(peer.commands).toEqual(['EHLO us.test', 'STARTTLS'])
  })
})

async function startScripted(script: Script): Promise<Peer> {
  const peer = await startPeer(script)
  ends.push(peer.close)
  return peer
}

function dropAfter220(socket: Socket): void {
  socket.write('220 go\r\n')
  socket.end()
}
