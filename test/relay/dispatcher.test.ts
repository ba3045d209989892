import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { parseConfig } from '../../src/config/load.ts'
import { SpoolError } from '../../src/spool/error.ts'
import { begin, start, until } from './begun.ts'
import { DEFAULTS, MESSAGE, START_MS } from './fakes.ts'

test('delivers each copy and finishes it', async () => {
  const { relay, peer, log, spool } = await begin({})
  relay.enqueue(spool.add(['b@to.test', 'c@to.test'], { personal: true }))
  await relay.idle()
  expect(log).toEqual([
    'delivery b@to.test 9 250 2.0.0 queued',
    'delivery c@to.test 9 250 2.0.0 queued',
  ])
  expect(peer.messages.toSorted()).toEqual([`${MESSAGE}b@to.test\r\n`, `${MESSAGE}c@to.test\r\n`])
  expect(spool.unfinished()).toEqual([])
})

test('tells what the logs need to know', async () => {
  const { relay, spool, attempts, clock } = await begin({})
  const stored = spool.add(['b@to.test'])
  clock.set(START_MS + 2500)
  relay.enqueue(stored)
  await relay.idle()
  expect(attempts[0]).toEqual({
    stored,
    entry: await spool.spool.entry(stored),
    copyIndex: 0,
    remoteAddress: '127.0.0.1',
    outboundConnectionId: 'connection 1',
    code: 250,
    text: '250 2.0.0 queued',
    stage: 9,
    retries: 0,
    queuedMs: 2500,
    startedMs: START_MS + 2500,
    sizeBytes: MESSAGE.length,
  })
})

test('sends copies with equal bytes in one transaction, as far as the limit goes', async () => {
  const { relay, peer, spool } = await begin({}, { maxRecipientsPerBatch: 2 })
  relay.enqueue(spool.add(['b@to.test', 'c@to.test', 'd@to.test']))
  await relay.idle()
  const rcpts = peer.commands.filter((command) => command.startsWith('RCPT'))
  expect([peer.messages.length, rcpts.length]).toEqual([2, 3])
  expect(spool.unfinished()).toEqual([])
})

test('gives each recipient of a transaction its own outcome', async () => {
  const { relay, spool, log } = await begin({ RCPT: ['250 ok', '450 later', '550 5.1.1 no'] })
  relay.enqueue(spool.add(['b@to.test', 'c@to.test', 'd@to.test']))
  await relay.idle()
  expect(log.slice(0, 3)).toEqual([
    'delivery b@to.test 9 250 2.0.0 queued',
    'delay c@to.test 5 450 later',
    'bounce d@to.test 5 550 5.1.1 no',
  ])
  expect(spool.unfinished()).toEqual(['c@to.test'])
})

test('tries again when the retry interval is over, doubled each time', async () => {
  const { relay, spool, log, attempts, clock } = await begin({ RCPT: ['450 a', '450 b', '250 ok'] })
  const stored = spool.add(['b@to.test'])
  relay.enqueue(stored)
  await relay.idle()
  expect(stored.copies[0]).toEqual({
    done: false,
    attempts: 1,
    nextAttemptMs: START_MS + 1_200_000,
    note: '450 a',
  })
  await clock.advance(1_199_000, relay)
  expect(log).toEqual(['delay b@to.test 5 450 a'])
  await clock.advance(1_000, relay)
  await clock.advance(2_399_000, relay)
  expect(log).toHaveLength(2)
  await clock.advance(1_000, relay)
  expect(log).toEqual([
    'delay b@to.test 5 450 a',
    'delay b@to.test 5 450 b',
    'delivery b@to.test 9 250 2.0.0 queued',
  ])
  expect(attempts.map(({ retries, queuedMs }) => [retries, queuedMs])).toEqual([
    [0, 0],
    [1, 1_200_000],
    [2, 3_600_000],
  ])
})

test('tries again in time when the retry interval is short', async () => {
  const { relay, spool, log, clock } = await begin(
    { RCPT: ['450 later', '250 ok'] },
    { retryIntervalSeconds: 5 },
  )
  relay.enqueue(spool.add(['b@to.test']))
  await relay.idle()
  await clock.advance(5_000, relay)
  expect(log).toEqual(['delay b@to.test 5 450 later', 'delivery b@to.test 9 250 2.0.0 queued'])
})

test('does not wait for a time that only a wrong clock could have written down', async () => {
  const { relay, spool, log, clock } = await begin({}, { messageExpirationSeconds: 999_999_999 })
  const stored = spool.add(['b@to.test'])
  const nextAttemptMs = START_MS + 10 * 365 * 86_400_000
  spool.spool.defer(stored, 0, { attempts: 1, nextAttemptMs, note: '' })
  relay.enqueue(stored)
  await clock.advance(50_000_000, relay)
  expect(log).toEqual(['delivery b@to.test 9 250 2.0.0 queued'])
})

test('goes on where the last run ended', async () => {
  const { relay, spool, peer, clock } = await begin({})
  const stored = spool.add(['b@to.test', 'c@to.test', 'd@to.test'], { personal: true })
  spool.spool.finish(stored, [0])
  spool.spool.defer(stored, 1, { attempts: 3, nextAttemptMs: START_MS + 5_000, note: '' })
  relay.enqueue(stored)
  await relay.idle()
  expect(peer.messages).toEqual([`${MESSAGE}d@to.test\r\n`])
  await clock.advance(5_000, relay)
  expect(peer.messages).toHaveLength(2)
})

test('sends the sender a DSN about a copy that failed, finished in the same record', async () => {
  const { relay, peer, spool, log } = await begin({ RCPT: ['550 5.1.1 unknown', '250 ok'] })
  const stored = spool.add(['b@to.test'])
  relay.enqueue(stored)
  await relay.idle()
  expect(log).toEqual([
    'bounce b@to.test 5 550 5.1.1 unknown',
    'delivery a@from.test 9 250 2.0.0 queued',
  ])
  expect(spool.replaced).toEqual([{ stored, copies: [0] }])
  expect(peer.commands.at(-3)).toMatch(/^MAIL FROM:<> SIZE=\d+$/)
  expect(peer.messages[1]).toContain('Diagnostic-Code: smtp; 550 5.1.1 unknown\r\n')
  expect(peer.messages[1]).toContain('\r\n\r\nSubject: x\r\nFrom: a@from.test\r\n\r\n--')
  expect(spool.unfinished()).toEqual([])
})

test.each([
  ['for the null sender', '', {}],
  ['where the configuration wants none', 'a@from.test', { generateBounces: false }],
])('makes no DSN %s', async (_, mailfrom, options) => {
  const { relay, spool, log } = await begin({ RCPT: '550 no' }, options)
  relay.enqueue(spool.add(['b@to.test'], { mailfrom }))
  await relay.idle()
  expect(log).toEqual(['bounce b@to.test 5 550 no'])
  expect(spool.replaced).toEqual([])
  expect(spool.unfinished()).toEqual([])
})

test('keeps a failed copy when the spool has no room for its DSN', async () => {
  const { relay, spool, log, errors, clock } = await begin({ RCPT: ['550 no', '550 no', '250 ok'] })
  spool.rejectNext(new SpoolError('no room', 'disk full'))
  relay.enqueue(spool.add(['b@to.test']))
  await relay.idle()
  expect([log, errors.length]).toEqual([[], 1])
  await clock.advance(60_000, relay)
  expect(log).toEqual(['bounce b@to.test 5 550 no', 'delivery a@from.test 9 250 2.0.0 queued'])
})

test('fails a copy at its expiry instead of trying it again', async () => {
  const { relay, spool, log, clock } = await begin(
    { RCPT: ['450 later', '250 ok'] },
    { messageExpirationSeconds: 60 },
  )
  relay.enqueue(spool.add(['b@to.test']))
  await relay.idle()
  await clock.advance(59_000, relay)
  expect(log).toHaveLength(1)
  await clock.advance(1_000, relay)
  expect(log.slice(0, 2)).toEqual([
    'delay b@to.test 5 450 later',
    'bounce b@to.test 0 554 5.4.7 [internal] exceeded max time without delivery',
  ])
})

test('fails a copy whose last attempt ends after its expiry', async () => {
  const { relay, spool, log, clock } = await begin(
    { RCPT: (socket) => (clock.set(START_MS + 61_000), socket.write('450 later\r\n')) },
    { messageExpirationSeconds: 60 },
  )
  relay.enqueue(spool.add(['b@to.test'], { mailfrom: '' }))
  await relay.idle()
  expect(log).toEqual([
    'bounce b@to.test 5 554 5.4.7 [internal] exceeded max time without delivery',
  ])
})

test('fails what expires behind a wedged connection', async () => {
  const { relay, spool, log, clock } = await begin(
    { MAIL: 'wedge' },
    { messageExpirationSeconds: 60, maxOutboundConnections: 1 },
  )
  relay.enqueue(spool.add(['b@to.test'], { mailfrom: '' }))
  relay.enqueue(spool.add(['c@to.test'], { mailfrom: '' }))
  clock.tick(60_000)
  // What the message says is read first.
  await new Promise(setImmediate)
  expect(log).toEqual([
    'bounce c@to.test 0 554 5.4.7 [internal] exceeded max time without delivery',
  ])
})

test('charges one copy at a time while nobody can be reached', async () => {
  const { relay, spool, peer, log, clock } = await begin(
    { greeting: ['421 a', '421 b', '220 hello'] },
    { maxOutboundConnections: 1 },
  )
  for (const name of ['b', 'c', 'd']) relay.enqueue(spool.add([`${name}@to.test`]))
  await relay.idle()
  expect(log).toEqual(['delay b@to.test 12 421 a'])
  await clock.advance(30_000, relay)
  expect(log).toEqual(['delay b@to.test 12 421 a', 'delay c@to.test 12 421 b'])
  await clock.advance(30_000, relay)
  expect(log[2]).toBe('delivery d@to.test 9 250 2.0.0 queued')
  expect(peer.connections()).toBe(3)
})

test('fails what expires while nobody can be reached', async () => {
  const { relay, spool, log, clock } = await begin(
    { greeting: '421 a' },
    { messageExpirationSeconds: 20, maxOutboundConnections: 1 },
  )
  for (const name of ['b', 'c']) relay.enqueue(spool.add([`${name}@to.test`], { mailfrom: '' }))
  await relay.idle()
  await clock.advance(30_000, relay)
  expect(log.toSorted()).toEqual([
    'bounce b@to.test 0 554 5.4.7 [internal] exceeded max time without delivery',
    'bounce c@to.test 0 554 5.4.7 [internal] exceeded max time without delivery',
    'delay b@to.test 12 421 a',
  ])
})

test('opens no more connections than a next hop bears, and charges nobody for that', async () => {
  const { relay, spool, log } = await begin({
    greeting: ['220 hello', '220 hello', '421 too many'],
  })
  const names = Array.from({ length: 50 }, (_, i) => `c${i}@to.test`)
  relay.enqueue(spool.add(names, { personal: true }))
  await relay.idle()
  expect(log.filter((line) => line.startsWith('delivery'))).toHaveLength(50)
})

test('charges one copy when all connections are refused at once', async () => {
  const { relay, spool, log } = await begin({ greeting: '421 no' })
  const names = Array.from({ length: 50 }, (_, i) => `c${i}@to.test`)
  relay.enqueue(spool.add(names, { personal: true }))
  await relay.idle()
  expect(log.map((line) => line.split(' ').slice(2).join(' '))).toEqual(['12 421 no'])
})

test('takes an idle connection again, and a new one when the peer has closed it', async () => {
  const { relay, spool, peer, log } = await begin({
    MAIL: ['250 ok', '250 ok', '421 enough', '250 ok'],
  })
  for (const name of ['b', 'c', 'd']) {
    relay.enqueue(spool.add([`${name}@to.test`]))
    await relay.idle()
  }
  expect(log.map((line) => line.split(' ')[0])).toEqual(['delivery', 'delivery', 'delivery'])
  expect(peer.connections()).toBe(2)
})

test.each([
  [1, 3],
  [2, 2],
])('carries %d messages over a connection where that is the limit', async (limit, connections) => {
  const { relay, spool, peer } = await begin({}, { maxDeliveriesPerConnection: limit })
  for (const name of ['b', 'c', 'd']) {
    relay.enqueue(spool.add([`${name}@to.test`]))
    await relay.idle()
  }
  expect(peer.connections()).toBe(connections)
})

test('keeps to the limit of connections', async () => {
  const { relay, spool, peer } = await begin({}, { maxOutboundConnections: 2 })
  const names = Array.from({ length: 50 }, (_, i) => `c${i}@to.test`)
  relay.enqueue(spool.add(names, { personal: true }))
  await relay.idle()
  expect(peer.messages).toHaveLength(50)
  expect(peer.connections()).toBe(2)
})

test('lets mail with priority go first', async () => {
  const { relay, spool, log } = await begin({}, { maxOutboundConnections: 1 })
  relay.enqueue(spool.add(['a@to.test', 'b@to.test'], { personal: true }))
  relay.enqueue(spool.add(['c@to.test', 'd@to.test'], { personal: true, priority: 1 }))
  await relay.idle()
  expect(log.map((line) => line.split(' ')[1])).toEqual([
    'a@to.test',
    'c@to.test',
    'd@to.test',
    'b@to.test',
  ])
})

test('keeps the mail of one binding apart from that of another', async () => {
  const { relay, spool, peer } = await begin({})
  const { config } = parseConfig(
    `gateway = "127.0.0.1:${peer.port}"
    binding_group g {
      binding one { bind_address = 127.0.0.2 ehlo_hostname = one.test }
      binding two { bind_address = 127.0.0.3 ehlo_hostname = __message__ }
    }`,
    'eachrcpt.conf',
    { lenient: false, defaultHostname: 'us.test', folder: '/conf' },
  )
  relay.reconfigure(config)
  for (const binding of ['one', 'two']) {
    relay.enqueue(spool.add(['b@to.test'], { egress: { binding, group: 'g' } }))
    await relay.idle()
  }
  relay.enqueue(spool.add(['b@to.test']))
  await relay.idle()
  expect(peer.commands.filter((command) => command.startsWith('EHLO'))).toEqual([
    'EHLO one.test',
    'EHLO from.test',
    'EHLO us.test',
  ])
  expect(peer.clients).toEqual(['127.0.0.2', '127.0.0.3', '127.0.0.1'])
})

test('opens no more connections in a window than the throttle allows', async () => {
  const { relay, spool, log, clock, peer } = await begin(
    {},
    { throttleConnections: { count: 2, seconds: 60 }, maxDeliveriesPerConnection: 1 },
  )
  relay.enqueue(spool.add(['a@to.test', 'b@to.test', 'c@to.test'], { personal: true }))
  await relay.idle()
  expect([log.length, peer.connections()]).toEqual([2, 2])
  await clock.advance(60_000, relay)
  expect([log.length, peer.connections()]).toEqual([3, 3])
  expect(log.every((line) => line.startsWith('delivery'))).toBe(true)
})

test('keeps to the throttle when the configuration changes', async () => {
  const throttled = { throttleMessages: { count: 2, seconds: 60 } }
  const { relay, spool, log, clock, config } = await begin({}, throttled)
  relay.enqueue(spool.add(['a@to.test', 'b@to.test', 'c@to.test'], { personal: true }))
  await relay.idle()
  expect(log).toHaveLength(2)
  relay.reconfigure(config)
  await relay.idle()
  expect(log).toHaveLength(2)
  await clock.advance(60_000, relay)
  expect(log).toHaveLength(3)
})

test('keeps suspended mail apart from other mail of the same gateway', async () => {
  const { relay, spool, log, config } = await begin({})
  const suspending = {
    ...config,
    outbound: (domain: string) => ({
      ...config.outbound(domain),
      suspendDelivery: domain === 'held.test',
    }),
  }
  relay.reconfigure(suspending)
  relay.enqueue(spool.add(['a@held.test', 'b@to.test']))
  await relay.idle()
  expect(log).toEqual(['delivery b@to.test 9 250 2.0.0 queued'])
  relay.reconfigure(config)
  await relay.idle()
  expect(log.at(-1)).toBe('delivery a@held.test 9 250 2.0.0 queued')
})

test('sends no more in a window than the throttle allows', async () => {
  const throttleMessages = { count: 2, seconds: 60 }
  const { relay, spool, clock, peer } = await begin({}, { throttleMessages })
  const names = Array.from({ length: 5 }, (_, i) => `c${i}@to.test`)
  relay.enqueue(spool.add(names))
  await relay.idle()
  const counts = [peer.commands.filter((command) => command.startsWith('RCPT')).length]
  for (const ms of [59_000, 1_000, 60_000]) {
    await clock.advance(ms, relay)
    counts.push(peer.commands.filter((command) => command.startsWith('RCPT')).length)
  }
  expect(counts).toEqual([2, 2, 4, 5])
  expect(spool.unfinished()).toEqual([])
})

test.each([
  [{ neverRetry: true }, 0],
  [{ maxRetries: 2 }, 2],
])('gives up after its retries: %j', async (options, retries) => {
  const { relay, spool, clock, log } = await begin({ RCPT: '450 later' }, options)
  relay.enqueue(spool.add(['b@to.test'], { mailfrom: '' }))
  await relay.idle()
  for (let i = 0; i < 4; i++) await clock.advance(3_000_000, relay)
  const delays = Array.from({ length: retries }, () => 'delay b@to.test 5 450 later')
  expect(log).toEqual([
    ...delays,
    'bounce b@to.test 5 554 5.4.7 [internal] exceeded max retries without delivery',
  ])
})

test('fails mail of a black hole without trying it', async () => {
  const { relay, spool, log, peer } = await begin({}, { blackhole: 'internal' })
  relay.enqueue(spool.add(['b@to.test'], { mailfrom: '' }))
  await relay.idle()
  expect([log, peer.connections()]).toEqual([
    ['bounce b@to.test 0 554 5.7.0 [internal] Blackholed'],
    0,
  ])
})

test('does not let one next hop hold up another', async () => {
  const { relay, spool, log, peer } = await begin({})
  const wedged = await start({ greeting: 'wedge' })
  relay.reconfigure({
    hostname: 'us.test',
    outbound: (domain) => ({
      ...DEFAULTS,
      gateway: { host: '127.0.0.1', port: domain === 'wedged.test' ? wedged.port : peer.port },
    }),
  })
  relay.enqueue(spool.add(['b@wedged.test', 'c@to.test'], { personal: true }))
  await until(() => log.length > 0)
  expect(log).toEqual(['delivery c@to.test 9 250 2.0.0 queued'])
})

test('sends what waits to where a new configuration says', async () => {
  const { relay, spool, log } = await begin({ RCPT: '450 later' })
  const other = await start({})
  relay.enqueue(spool.add(['b@to.test']))
  await relay.idle()
  relay.reconfigure({
    hostname: 'us.test',
    outbound: () => ({ ...DEFAULTS, gateway: { host: '127.0.0.1', port: other.port } }),
  })
  await spool.clock.advance(1_200_000, relay)
  expect(log).toEqual(['delay b@to.test 5 450 later', 'delivery b@to.test 9 250 2.0.0 queued'])
  expect(other.messages).toHaveLength(1)
})

test('forgets a message that the spool found damaged, and tries others again', async () => {
  const { relay, spool, errors, peer, clock } = await begin({})
  spool.failReads(new SpoolError('damaged', 'damaged'), new Error('EIO'))
  relay.enqueue(spool.add(['b@to.test']))
  await relay.idle()
  relay.enqueue(spool.add(['c@to.test']))
  await relay.idle()
  expect([errors.length, peer.messages.length]).toEqual([2, 0])
  await clock.advance(60_000, relay)
  expect(peer.commands.filter((command) => command.startsWith('RCPT'))).toEqual([
    'RCPT TO:<c@to.test>',
  ])
})

test('delivers nothing while the spool is broken', async () => {
  const { relay, spool, peer } = await begin({})
  spool.break()
  relay.enqueue(spool.add(['b@to.test']))
  await relay.idle()
  expect(peer.connections()).toBe(0)
})

test('finishes a delivery even if an observer throws', async () => {
  const { relay, spool, errors } = await begin({}, {}, () => {
    throw new Error('log full')
  })
  relay.enqueue(spool.add(['b@to.test']))
  await relay.idle()
  expect([errors.length, spool.unfinished()]).toEqual([1, []])
})

test('fails mail for a domain that does not exist', async () => {
  const { relay, spool, log } = await begin({})
  relay.reconfigure({ hostname: 'us.test', outbound: () => DEFAULTS })
  relay.enqueue(spool.add(['b@to.test'], { mailfrom: '' }))
  await relay.idle()
  expect(log).toEqual(['bounce b@to.test 0 554 5.1.2 [internal] Domain Lookup Failed'])
})

test('delivers to a maildir', async () => {
  const maildir = await mkdtemp(join(tmpdir(), 'maildir-'))
  onTestFinished(() => rm(maildir, { recursive: true }))
  const { relay, spool, log } = await begin({})
  relay.reconfigure({ hostname: 'us.test', outbound: () => ({ ...DEFAULTS, maildir }) })
  relay.enqueue(spool.add(['b@to.test', 'c@to.test']))
  await relay.idle()
  expect(log).toEqual([
    'delivery b@to.test 9 250 2.0.0 [internal] delivered to maildir',
    'delivery c@to.test 9 250 2.0.0 [internal] delivered to maildir',
  ])
  const names = await readdir(join(maildir, 'new'))
  expect(names).toHaveLength(2)
  const text = await readFile(join(maildir, 'new', names[0] ?? ''), 'latin1')
  expect(text).toMatch(
    /^Return-Path: <a@from\.test>\r\nDelivered-To: [bc]@to\.test\r\nSubject: x\r\n/,
  )
})

test('lets a running attempt finish when it closes, and begins no other', async () => {
  const { relay, spool, peer, log } = await begin({}, { maxOutboundConnections: 1 })
  relay.enqueue(spool.add(['b@to.test', 'c@to.test'], { personal: true }))
  await relay.close({ graceMs: 10_000 })
  expect(log).toEqual(['delivery b@to.test 9 250 2.0.0 queued'])
  expect(peer.commands.at(-1)).toBe('QUIT')
  expect(spool.unfinished()).toEqual(['c@to.test'])
})

test('leaves an attempt in the spool that does not end in time', async () => {
  const { relay, spool, log, peer, clock } = await begin({ message: 'wedge' })
  relay.enqueue(spool.add(['b@to.test']))
  await until(() => peer.messages.length === 1)
  const closed = relay.close({ graceMs: 5_000 })
  clock.tick(5_000)
  await closed
  await relay.idle()
  expect(log).toEqual([])
  expect(spool.unfinished()).toEqual(['b@to.test'])
})
