// What next hops do wrong, one fault after the other, as transcripts: what the dispatcher says to a scripted
// peer, what its observers are told, and what becomes of the message in the end.
import type { Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import type { OutboundOptions } from '../../src/config/config.ts'
import type { Script, Step } from '../support/peer.ts'
import { begin, until } from './begun.ts'
import { MESSAGE, START_MS } from './fakes.ts'

const RETRY = { retryIntervalSeconds: 100, maxRetryIntervalSeconds: 400 }
const DELIVERED = 'delivery b@to.test 9 250 2.0.0 queued'

/** The faulty script's turn, then that of a peer as it should be. */
async function twice(script: Script, options: Partial<OutboundOptions> = {}) {
  const begun = await begin(script, { ...RETRY, ...options })
  const { relay, spool, clock } = begun
  relay.enqueue(spool.add(['b@to.test']))
  await relay.idle()
  await clock.advance(106_000, relay)
  await relay.idle()
  return begun
}

describe('F21 a next hop that refuses the connection', () => {
  test('is tried when the retry interval is over, doubled, with jitter', async () => {
    const { relay, spool, peer, clock, attempts } = await begin({}, RETRY)
    await peer.close()
    const stored = spool.add(['b@to.test'])
    relay.enqueue(stored)
    await relay.idle()
    const times = [stored.copies[0]?.nextAttemptMs]
    for (const seconds of [110, 210, 410]) {
      await clock.advance(seconds * 1000, relay)
      times.push((stored.copies[0]?.nextAttemptMs ?? 0) - (clock.now() - START_MS) + 0)
    }
    expect(attempts.map(({ stage, text }) => [stage, text])).toEqual(
      Array.from({ length: 4 }, () => [
        0,
        '451 4.4.1 [internal] No valid hosts (unable to make any connections)',
      ]),
    )
    // With the dice in the middle the interval is exact: 100, 200, 400, and 400 at most.
    expect(times.map((time) => (time ?? 0) - START_MS)).toEqual([
      100_000, 200_000, 400_000, 400_000,
    ])
  })
})

describe('F22 a temporary refusal', () => {
  test.each<[Step, number, string]>([
    ['greeting', 12, '421 4.3.2 later'],
    ['EHLO', 11, '450 4.3.2 later'],
    ['MAIL', 3, '450 4.1.8 later'],
    ['RCPT', 5, '450 4.2.1 later'],
    ['DATA', 7, '451 4.3.0 later'],
    ['message', 9, '451 4.3.0 later'],
  ])('at %s defers with its stage, and is sent once in the end', async (step, stage, text) => {
    const { log, peer, spool } = await twice({ [step]: [text, USUAL[step]] })
    expect(log).toEqual([`delay b@to.test ${stage} ${text}`, DELIVERED])
    expect(peer.messages.filter((message) => message === MESSAGE)).toHaveLength(
      step === 'message' ? 2 : 1,
    )
    expect(spool.unfinished()).toEqual([])
  })
})

describe('F23 a permanent refusal', () => {
  test.each<[Step, number, string]>([
    ['greeting', 12, '554 5.7.1 no'],
    ['MAIL', 3, '550 5.7.1 no'],
    ['RCPT', 5, '550 5.1.1 no'],
    ['DATA', 7, '554 5.6.0 no'],
    ['message', 9, '554 5.6.0 no'],
  ])('at %s bounces, and the sender hears of it', async (step, stage, text) => {
    const { relay, spool, log, peer, clock } = await begin({ [step]: [text, USUAL[step]] }, RETRY)
    relay.enqueue(spool.add(['b@to.test']))
    await relay.idle()
    // A next hop that does not let us speak is left alone for a while.
    await clock.advance(25_000, relay)
    await until(() => log.length === 2)
    expect(log).toEqual([
      `bounce b@to.test ${stage} ${text}`,
      'delivery a@from.test 9 250 2.0.0 queued',
    ])
    const dsn = peer.messages.at(-1) ?? ''
    expect(dsn).toContain('Final-Recipient: rfc822; b@to.test\r\nAction: failed\r\n')
    expect(dsn).toContain(`Status: ${text.slice(4, 9)}\r\n`)
    expect(dsn).toContain(`Diagnostic-Code: smtp; ${text}\r\n`)
  })

  test('of one recipient among others is its own', async () => {
    const { relay, spool, log } = await begin(
      { RCPT: ['250 ok', '450 4.2.1 later', '550 5.1.1 no', '250 ok'] },
      RETRY,
    )
    relay.enqueue(spool.add(['b@to.test', 'c@to.test', 'd@to.test'], { mailfrom: '' }))
    await relay.idle()
    expect(log).toEqual([
      'delivery b@to.test 9 250 2.0.0 queued',
      'delay c@to.test 5 450 4.2.1 later',
      'bounce d@to.test 5 550 5.1.1 no',
    ])
    expect(spool.unfinished()).toEqual(['c@to.test'])
  })
})

test('F24 a connection that drops in the middle of DATA: deferred, and sent again as a whole', async () => {
  const { relay, spool, log, peer, clock } = await begin({ dropAfterOctets: 20 }, RETRY)
  relay.enqueue(spool.add(['b@to.test']))
  await relay.idle()
  expect(log).toHaveLength(1)
  expect(log[0]).toMatch(/^delay b@to\.test [89] 451 4\.4\.2 \[internal\] /)
  expect(peer.messages).toEqual([])
  await clock.advance(106_000, relay)
  // From MAIL on.
  expect(peer.commands.filter((line) => line.startsWith('MAIL'))).toHaveLength(2)
  expect(spool.unfinished()).toEqual(['b@to.test'])
})

test('F25 a connection that drops between the dot and its reply: sent once more', async () => {
  const { log, peer } = await twice({ message: ['drop', USUAL.message] })
  expect(log).toEqual([
    'delay b@to.test 9 451 4.4.2 [internal] connection closed by remote host',
    DELIVERED,
  ])
  expect(peer.messages).toEqual([MESSAGE, MESSAGE])
})

test('F26 a reply that comes when nobody waits for it any more hurts nobody', async () => {
  const late: Socket[] = []
  const { log, errors } = await twice(
    {
      message: [
        (socket) => {
          late.push(socket)
          setTimeout(() => socket.destroyed || socket.write('250 2.0.0 queued\r\n'), 90)
        },
        USUAL.message,
      ],
    },
    { bodyTimeoutSeconds: 0.05 },
  )
  expect(log).toEqual(['delay b@to.test 9 451 4.4.2 [internal] no BODY response', DELIVERED])
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(late).toHaveLength(1)
  expect(errors).toEqual([])
})

describe('F27 a peer that never comes to an end', () => {
  test.each<[string, string]>([
    ['endless lines', `250-${'x'.repeat(70)}\r\n`],
    ['a line of a megabyte', 'x'.repeat(1 << 16)],
    ['NULs', '\0'.repeat(1000)],
  ])('with %s is cut off, and its mail deferred', async (_, text) => {
    const { log } = await twice({ EHLO: [(socket) => flood(socket, text), USUAL.EHLO] })
    expect(log).toEqual(['delay b@to.test 11 451 4.5.0 [internal] malformed response', DELIVERED])
  })

  test('octet by octet is listened to until its time is over', async () => {
    const drip = (socket: Socket): void => {
      const timer = setInterval(
        () => (socket.destroyed ? clearInterval(timer) : socket.write('2')),
        5,
      )
    }
    const { log } = await twice(
      { RCPT: [drip, USUAL.RCPT], EHLO: '250 peer.test' },
      { rcpttoTimeoutSeconds: 0.06 },
    )
    expect(log).toEqual(['delay b@to.test 5 451 4.4.2 [internal] no RCPT TO response', DELIVERED])
  })
})

test('F28 a 421 in the middle of a pooled connection is charged to no message as final', async () => {
  const { relay, spool, log, peer, clock } = await begin(
    { MAIL: [USUAL.MAIL, '421 4.3.2 restarting', USUAL.MAIL], EHLO: '250 peer.test' },
    RETRY,
  )
  relay.enqueue(spool.add(['b@to.test']))
  await relay.idle()
  relay.enqueue(spool.add(['c@to.test']))
  await relay.idle()
  await clock.advance(106_000, relay)
  expect(log.filter((line) => line.startsWith('bounce'))).toEqual([])
  expect(log.at(-1)).toBe('delivery c@to.test 9 250 2.0.0 queued')
  expect(peer.connections()).toBe(2)
})

test('F29 behind a wedged connection mail expires all the same', async () => {
  const { relay, spool, log, clock } = await begin(
    { MAIL: 'wedge' },
    { maxOutboundConnections: 1, messageExpirationSeconds: 50 },
  )
  relay.enqueue(spool.add(['b@to.test'], { mailfrom: '' }))
  await new Promise(setImmediate)
  relay.enqueue(spool.add(['c@to.test'], { mailfrom: '' }))
  clock.tick(60_000)
  await until(() => log.length === 1)
  expect(log).toEqual([
    'bounce c@to.test 0 554 5.4.7 [internal] exceeded max time without delivery',
  ])
})

describe('F31 TLS that does not come about', () => {
  const noOffer: Script = { EHLO: '250 peer.test' }
  test('defers where it is required, without a word of the mail', async () => {
    const { relay, spool, log, peer } = await begin(noOffer, { ...RETRY, tls: 'required' })
    relay.enqueue(spool.add(['b@to.test']))
    await relay.idle()
    expect(log).toEqual([
      'delay b@to.test 11 454 4.7.0 [internal] STARTTLS is required but not offered',
    ])
    expect(peer.commands).toEqual(['EHLO us.test'])
  })

  test('is done without where it is not', async () => {
    const { relay, spool, log } = await begin(noOffer, { ...RETRY, tls: 'ifavailable' })
    relay.enqueue(spool.add(['b@to.test']))
    await relay.idle()
    expect(log).toEqual([DELIVERED])
  })
})

const USUAL = {
  greeting: '220 peer.test ESMTP',
  EHLO: '250-peer.test\r\n250 PIPELINING',
  HELO: '250 peer.test',
  LHLO: '250 peer.test',
  STARTTLS: '454 4.7.0 no',
  MAIL: '250 2.1.0 ok',
  RCPT: '250 2.1.5 ok',
  DATA: '354 go ahead',
  message: '250 2.0.0 queued',
  RSET: '250 2.0.0 reset',
  QUIT: '221 2.0.0 bye',
} satisfies Record<Step, string>

function flood(socket: Socket, text: string): void {
  socket.on('drain', () => flood(socket, text))
  while (!socket.destroyed && socket.write(text, 'latin1'));
}

test.each([
  ['back', -48 * 3_600_000],
  ['ahead', 48 * 3_600_000],
])(
  'F37 mail that comes after the system clock was set %s has its own time, no more and no less',
  async (_, ms) => {
    const options = { messageExpirationSeconds: 3_600, retryIntervalSeconds: 600 }
    const { relay, spool, log, clock, attempts } = await begin(
      { MAIL: ['250 ok', '450 4.2.0 later'] },
      options,
    )
    clock.step(ms)
    relay.enqueue(spool.add(['a@x.test'], { receivedMs: START_MS + ms }))
    await relay.idle()
    expect(log).toEqual([expect.stringMatching(/^delivery a@x\.test/)])
    expect(attempts[0]?.queuedMs).toBe(0)
    relay.enqueue(spool.add(['b@x.test'], { receivedMs: START_MS + ms }))
    await relay.idle()
    for (let i = 0; i < 5; i++) await clock.advance(650_000, relay)
    expect(log.at(-1)).toMatch(/^delay b@x\.test/)
    await clock.advance(650_000, relay)
    expect(log).toContainEqual(expect.stringMatching(/^bounce b@x\.test .*exceeded max time/))
    // Its sender is told.
    expect(log.at(-1)).toMatch(/^delay a@from\.test/)
  },
)
