// The contract with smtp-server, and what only shows on sockets. `dialogue.test.ts` has the rest.
import { createRequire } from 'node:module'
import { Socket } from 'node:net'
import { SMTPServer } from 'smtp-server'
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js'
import { SMTPStream } from 'smtp-server/lib/smtp-stream.js'
import { afterEach, describe, expect, test } from 'vitest'
import type { Reply } from '../../src/mail/reply.ts'
import { SmtpConnection, SmtpServer } from '../../src/smtp/connection.ts'
import type { Conversation, Peer } from '../../src/smtp/conversation.ts'
import { dial, later } from '../support/wire.ts'

const OK: Reply = { code: 250, text: 'ok' }

interface Setup {
  answers?: Partial<Conversation>
  idleSeconds?: number
  dataSeconds?: number
}

const servers: SmtpServer[] = []

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.drain(0)))
})

/** A server with what its conversations did, in order. */
async function listen(setup: Setup = {}) {
  const log: string[] = []
  const peers: Peer[] = []
  const reports: unknown[] = []
  const closed = later<string>()
  const server = new SmtpServer({
    maxSessions: 0,
    idleSeconds: setup.idleSeconds ?? 60,
    dataSeconds: setup.dataSeconds ?? 60,
    maxBadCommands: 20,
    report: (error) => void reports.push(error),
    converse(peer) {
      peers.push(peer)
      return {
        greet: () => ({ code: 220, text: 'hello' }),
        command({ line, verb }) {
          log.push(line)
          return verb === 'QUIT' ? { code: 221, text: 'bye', close: true } : OK
        },
        data: () => ({ maxMessageSize: 0, loneLineEnds: 'fix' }),
        received(received) {
          log.push(received.kind === 'message' ? received.bytes.toString('latin1') : received.kind)
          return OK
        },
        violation: (reply) => void log.push(`violation ${reply.code} ${reply.enhanced}`),
        closed(aborted) {
          log.push(`closed ${aborted}`)
          closed.give(`closed ${aborted}`)
        },
        secured() {},
        ...setup.answers,
      }
    },
  })
  servers.push(server)
  const { port } = await server.bind('127.0.0.1', 0)
  return { server, port, log, peers, reports, closed: closed.promise }
}

describe('smtp-server', () => {
  test('is the version whose internals are known', () => {
    const { version } = createRequire(import.meta.url)('smtp-server/package.json')
    expect(version).toBe('3.21.6')
  })

  test.each([
    ['SMTPConnection', SMTPConnection.prototype, SmtpConnection.prototype],
    ['SMTPServer', SMTPServer.prototype, SmtpServer.prototype],
  ])('has the members of %s that are overridden', (_, theirs, ours) => {
    const own = new Set([
      'constructor',
      'start',
      'dismiss',
      'setIdleSeconds',
      'destroy',
      'awaitProxyHeader',
    ])
    for (const name of ['sessions', 'bind', 'drain']) own.add(name)
    const overridden = Object.getOwnPropertyNames(ours).filter((name) => !own.has(name))
    expect(overridden.length).toBeGreaterThan(1)
    for (const name of overridden) expect(theirs).toHaveProperty(name, expect.any(Function))
  })

  test('has the other members that are used', () => {
    expect(SMTPConnection.prototype).toHaveProperty('_setListeners', expect.any(Function))
    expect(SMTPStream.prototype).toHaveProperty('_write', expect.any(Function))
    expect(SMTPStream.prototype).toHaveProperty('_flushData', expect.any(Function))
    const server = new SMTPServer({ logger: false })
    const connection = new SMTPConnection(server, new Socket())
    expect(connection).toMatchObject({
      _closing: false,
      _closed: false,
      _socket: expect.any(Socket),
      _parser: expect.any(SMTPStream),
      remoteAddress: '',
      remotePort: 0,
      upgrade: expect.any(Function),
      _server: server,
    })
    expect(server).toMatchObject({ secureContext: expect.any(Map), options: expect.any(Object) })
    expect(new SMTPStream().isClosed).toBe(false)
    expect(server.connections.size).toBe(0)
  })

  test('says nothing of its own', async () => {
    const { port } = await listen({
      answers: { command: ({ verb }) => ({ code: 250, text: verb }) },
    })
    const wire = await dial(port)
    expect(await wire.reply()).toBe('220 hello')
    const verbs = [
      'EHLO',
      'HELO',
      'MAIL',
      'RCPT',
      'RSET',
      'NOOP',
      'VRFY',
      'HELP',
      'STARTTLS',
      'AUTH',
    ]
    for (const verb of [...verbs, 'XCLIENT', 'XFORWARD', 'WIZ', 'SHELL', 'KILL', 'XSETCONTEXT']) {
      expect(await wire.ask(`${verb} x`, '')).toBe(`250 ${verb}`)
    }
    expect(await wire.ask('DATA', '')).toBe('354 end data with <CR><LF>.<CR><LF>')
    expect(await wire.ask('.', '')).toBe('250 ok')
    expect(await wire.ask('QUIT', '')).toBe('250 QUIT')
  })
})

describe('a connection', () => {
  test('knows its peer', async () => {
    const { port, peers } = await listen()
    const wire = await dial(port)
    await wire.expect('220')
    expect(peers).toEqual([
      {
        remoteAddress: '127.0.0.1',
        remotePort: wire.socket.localPort,
        localAddress: '127.0.0.1',
        localPort: port,
      },
    ])
  })

  test('answers a pipelined transaction in one write, without Nagle', async () => {
    const { server, port } = await listen()
    const writes: string[] = []
    const noDelay: boolean[] = []
    const connect = server.connect.bind(server)
    server.connect = (socket, options) => {
      const write = socket.write.bind(socket)
      Object.assign(socket, {
        write(octets: string, encoding: 'latin1') {
          writes.push(octets)
          return write(octets, encoding)
        },
        setNoDelay: (value: boolean) => void noDelay.push(value),
      })
      connect(socket, options)
    }
    const wire = await dial(port)
    await wire.expect('220')
    wire.send('MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\nx\r\n.\r\n')
    for (const code of ['250', '250', '354', '250']) await wire.expect(code)
    const replies = '250 ok\r\n250 ok\r\n354 end data with <CR><LF>.<CR><LF>\r\n250 ok\r\n'
    expect(writes).toEqual(['220 hello\r\n', replies])
    expect(noDelay).toEqual([true])
  })

  test('greets when the greeting is known, and input waits for it', async () => {
    const greeting = later<Reply>()
    const { port, log } = await listen({ answers: { greet: () => greeting.promise } })
    const wire = await dial(port)
    wire.send('NOOP\r\nQUIT\r\n')
    const other = await dial(port)
    expect(log).toEqual([])
    greeting.give({ code: 220, text: 'late' })
    expect(await wire.reply()).toBe('220 late')
    await wire.expect('250')
    await wire.expect('221')
    await other.expect('220')
  })

  test('ends after a greeting that refuses', async () => {
    const reply = { code: 554, enhanced: '5.7.1', text: 'no', close: true }
    const { port, closed } = await listen({ answers: { greet: () => reply } })
    const wire = await dial(port)
    await wire.expect('554 5.7.1 no')
    await wire.ended
    wire.end()
    expect(await closed).toBe('closed false')
  })

  test('transports octets above 0x7F both ways', async () => {
    const { port, log } = await listen({
      answers: { command: ({ argument }) => ({ code: 250, text: argument }) },
    })
    const wire = await dial(port)
    await wire.expect('220')
    expect(await wire.ask('X \xc3\xa9\xff', '250')).toBe('250 \xc3\xa9\xff')
    await wire.ask('DATA', '354')
    await wire.ask('\0\xc3\xa9\xff\r\n.', '250')
    expect(log).toEqual(['\0\xc3\xa9\xff\r\n'])
  })

  test('ignores what follows QUIT', async () => {
    const { port, log, closed } = await listen()
    const wire = await dial(port)
    wire.send('QUIT\r\nNOOP\r\nNOOP\r\n')
    await wire.expect('220')
    await wire.expect('221')
    await wire.ended
    wire.send('NOOP\r\n')
    wire.end()
    await closed
    expect(log).toEqual(['QUIT', 'closed false'])
    expect(wire.unread).toBe('')
  })

  test('answers a client that closes its side right after the final dot', async () => {
    const answer = later<Reply>()
    const { port, closed } = await listen({ answers: { received: () => answer.promise } })
    const wire = await dial(port)
    wire.send('MAIL FROM:<>\r\nDATA\r\nx\r\n.\r\nRSET\r\nNOO')
    wire.end()
    for (const code of ['220', '250', '354']) await wire.expect(code)
    answer.give({ code: 250, text: 'spooled' })
    await wire.expect('250 spooled')
    await wire.expect('250 ok')
    await wire.ended
    expect(await closed).toBe('closed true')
  })

  test.each([
    ['before it reads the greeting', ''],
    ['between commands', 'NOOP\r\n'],
    ['inside a command', 'NOO'],
    ['inside the data', 'DATA\r\nabc\r\n'],
    ['inside the data, after a dot', 'DATA\r\nabc\r\n.'],
  ])('tells once when the client resets it %s', async (_, octets) => {
    const { server, port, log, closed } = await listen()
    const wire = await dial(port)
    if (octets) {
      await wire.expect('220')
      wire.send(octets)
      if (octets.includes('\r\n')) await wire.reply()
    }
    wire.reset()
    if (octets) expect(await closed).toBe('closed true')
    await server.drain(0)
    expect(log.filter((entry) => entry.startsWith('closed')).length).toBeLessThanOrEqual(1)
    expect(log).not.toContain('abc\r\n')
  })

  test.each([
    ['QUIT', 'QUIT\r\n', 'closed false'],
    ['nothing', '', 'closed true'],
  ])('tells how it ended after %s and the end of input', async (_, octets, entry) => {
    const { port, closed } = await listen()
    const wire = await dial(port)
    wire.send(octets)
    wire.end()
    await wire.ended
    expect(await closed).toBe(entry)
  })

  test('reads all clients into one buffer, and loses nothing of them that has to wait', async () => {
    const slow = later<Reply>()
    const { port, log } = await listen({
      answers: { command: ({ line }) => (log.push(line), line === 'SLOW' ? slow.promise : OK) },
    })
    const [first, second] = [await dial(port), await dial(port)]
    for (const wire of [first, second]) await wire.expect('220')
    first.send('SLOW\r\nNOOP 1\r\nDATA\r\n')
    while (!log.includes('SLOW')) await second.ask('NOOP', '250')
    await second.ask('DATA', '354')
    await second.ask(`${'2'.repeat(1_000)}\r\n.`, '250')
    slow.give(OK)
    for (const code of ['250', '250', '354']) await first.expect(code)
    // Each chunk ends in octets that mean something only with the next one.
    first.send('1\r')
    await second.ask('NOOP 2', '250')
    first.send('\n.')
    await second.ask('NOOP 3', '250')
    first.send('\r\n')
    await first.expect('250')
    expect(log.filter((line) => line !== 'NOOP')).toEqual([
      'SLOW',
      `${'2'.repeat(1_000)}\r\n`,
      'NOOP 1',
      'NOOP 2',
      'NOOP 3',
      '1\r\n',
    ])
  })

  test('stops reading while a command is worked on, and goes on after it', async () => {
    const slow = later<Reply>()
    const { server, port } = await listen({
      answers: { command: ({ line }) => (line === 'SLOW' ? slow.promise : OK) },
    })
    const wire = await dial(port)
    await wire.expect('220')
    const [connection] = server.connections
    const input = connection?._parser as SMTPStream
    const other = await dial(port)
    await other.expect('220')
    wire.send('SLOW\r\n')
    await other.ask('NOOP', '250')
    const count = 200_000
    wire.send('NOOP\r\n'.repeat(count))
    while (input.writableLength === 0) await other.ask('NOOP', '250')
    for (let i = 0; i < 100; i++) await other.ask('NOOP', '250')
    expect(input.writableLength).toBeLessThanOrEqual(262_144)
    slow.give(OK)
    for (let i = 0; i <= count; i++) await wire.expect('250')
  })

  test('survives an answer that comes after the client has gone', async () => {
    const answer = later<Reply>()
    const asked = later<string>()
    const { port, log, closed } = await listen({
      answers: {
        received({ kind }) {
          asked.give(kind)
          return answer.promise
        },
      },
    })
    const wire = await dial(port)
    await wire.expect('220')
    await wire.ask('DATA', '354')
    wire.send('x\r\n.\r\nNOOP\r\n')
    await asked.promise
    wire.reset()
    await closed
    answer.give(OK)
    await (await dial(port)).expect('220')
    expect(log).toEqual(['closed true'])
  })

  test('ends for an endless line and keeps none of it', async () => {
    const { port, log, closed } = await listen()
    const wire = await dial(port)
    await wire.expect('220')
    const megabyte = Buffer.alloc(1_000_000, 'a')
    for (let i = 0; i < 20; i++) wire.send(megabyte)
    await wire.expect('500 5.5.2')
    await wire.ended
    wire.reset()
    expect(await closed).toBe('closed false')
    expect(log[0]).toBe('violation 500 5.5.2')
  })
})

test('a server survives errors of accepting', async () => {
  const { server, port, reports } = await listen()
  const tooManyFiles = new Error('accept EMFILE')
  // As node:net tells of a failed accept(2).
  server.server.emit('error', tooManyFiles)
  expect(reports).toEqual([tooManyFiles])
  await (await dial(port)).expect('220')
})

describe('deadlines', () => {
  test('a silent client is told and left', async () => {
    const { port, log, closed } = await listen({ idleSeconds: 0.05 })
    const wire = await dial(port)
    await wire.expect('220')
    await wire.expect('421 4.4.2')
    await wire.ended
    wire.end()
    await closed
    expect(log).toEqual(['violation 421 4.4.2', 'closed false'])
  })

  test('single octets of a command buy no time', async () => {
    const { port } = await listen({ idleSeconds: 0.05 })
    const wire = await dial(port)
    const ticking = setInterval(() => wire.send('x'), 5)
    await wire.expect('220')
    await wire.expect('421 4.4.2')
    clearInterval(ticking)
  })

  test('single octets of data buy no time beyond the time for all data', async () => {
    const { port, log } = await listen({ dataSeconds: 0.1 })
    const wire = await dial(port)
    await wire.expect('220')
    await wire.ask('DATA', '354')
    const ticking = setInterval(() => wire.send('x'), 5)
    await wire.expect('421 4.4.2')
    clearInterval(ticking)
    await wire.ended
    expect(log).toEqual(['violation 421 4.4.2'])
  })

  test('data that stops comes to its end', async () => {
    const { port } = await listen({ idleSeconds: 0.05 })
    const wire = await dial(port)
    await wire.expect('220')
    await wire.ask('DATA', '354')
    await wire.expect('421 4.4.2')
  })

  test('do not run while the client waits for us', async () => {
    const answer = new Promise<Reply>((resolve) => {
      setTimeout(() => resolve({ code: 250, text: 'slow' }), 200)
    })
    const { port } = await listen({ idleSeconds: 0.05, answers: { command: () => answer } })
    const wire = await dial(port)
    await wire.expect('220')
    await wire.ask('NOOP', '250 slow')
    await wire.expect('421 4.4.2')
  })
})
