import { createServer, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { type Client, openClient } from '../../src/relay/client.ts'
import type { Outcome } from '../../src/relay/outcome.ts'
import { type Profile, TIMEOUTS, type Timeouts } from '../../src/relay/profile.ts'
import type { Transaction } from '../../src/relay/protocol.ts'
import { type Peer, portOf, type Script, startPeer } from '../support/peer.ts'
import { PROFILE } from './fakes.ts'

/** Impatient at the one step where the peer says nothing: elsewhere a busy machine may take its time. */
const impatient = (...steps: (keyof Timeouts)[]): Timeouts => ({
  ...TIMEOUTS,
  ...Object.fromEntries(steps.map((step) => [step, 60])),
})
const PLAIN_EHLO = '250-peer.test\r\n250 SIZE 1000000'
const PIPELINED_EHLO = '250-peer.test\r\n250 PIPELINING'
const MESSAGE: Transaction = {
  mailfrom: 'a@from.test',
  recipients: ['b@to.test'],
  bytes: Buffer.from('Subject: x\r\n\r\n.dot\r\n'),
}

const ends: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

test('sends the envelope in one write and the message in another when pipelining', async () => {
  const { peer, outcomes } = await deliver({})
  expect(brief(outcomes)).toEqual([['delivered', 9, '250 2.0.0 queued']])
  expect(peer.chunks).toEqual([
    'EHLO us.test\r\n',
    'MAIL FROM:<a@from.test> SIZE=20\r\nRCPT TO:<b@to.test>\r\nDATA\r\n',
    'Subject: x\r\n\r\n..dot\r\n.\r\n',
  ])
})

test('asks step by step without PIPELINING', async () => {
  const { peer, outcomes } = await deliver({ EHLO: PLAIN_EHLO })
  expect(brief(outcomes)).toEqual([['delivered', 9, '250 2.0.0 queued']])
  expect(peer.chunks.slice(1)).toEqual([
    'MAIL FROM:<a@from.test> SIZE=20\r\n',
    'RCPT TO:<b@to.test>\r\n',
    'DATA\r\n',
    'Subject: x\r\n\r\n..dot\r\n.\r\n',
  ])
})

test('says HELO to a peer that knows no EHLO, and uses no extension then', async () => {
  const { peer, outcomes } = await deliver({ EHLO: '502 5.5.1 what?' })
  expect(brief(outcomes)).toEqual([['delivered', 9, '250 2.0.0 queued']])
  expect(peer.commands.slice(0, 3)).toEqual([
    'EHLO us.test',
    'HELO us.test',
    'MAIL FROM:<a@from.test>',
  ])
})

test('reads replies that come octet by octet', async () => {
  const { outcomes } = await deliver({ isBytewise: true })
  expect(brief(outcomes)).toEqual([['delivered', 9, '250 2.0.0 queued']])
})

test('declares 8-bit octets where the peer takes them', async () => {
  const bytes = Buffer.from('\r\n\xe9\r\n', 'latin1')
  const { peer } = await deliver({}, { ...MESSAGE, bytes })
  expect(peer.commands[1]).toBe('MAIL FROM:<a@from.test> SIZE=5 BODY=8BITMIME')
  expect(peer.messages).toEqual(['\r\n\xe9\r\n'])
})

test('says nothing of 8-bit octets with send_8bitmime = no, and sends them', async () => {
  const bytes = Buffer.from('\r\n\xe9\r\n', 'latin1')
  const peer = await start({})
  const client = await open(peer, TIMEOUTS, { declares8Bit: false })
  if ('kind' in client) throw new Error(client.text)
  await client.deliver({ ...MESSAGE, bytes })
  expect(peer.commands[1]).toBe('MAIL FROM:<a@from.test> SIZE=5')
  expect(peer.messages).toEqual(['\r\n\xe9\r\n'])
})

const OPENING: readonly [string, Script, unknown][] = [
  ['a 4xx banner', { greeting: '421 4.3.2 busy' }, ['deferred', 12, '421 4.3.2 busy']],
  ['a 5xx banner', { greeting: '554 5.7.1 no' }, ['failed', 12, '554 5.7.1 no']],
  ['no banner', { greeting: 'wedge' }, ['deferred', 12, '451 4.4.2 [internal] no banner']],
  ['a dropped banner', { greeting: 'drop' }, ['deferred', 12, CLOSED()]],
  ['a banner that is none', { greeting: 'SSH-2.0-x' }, ['deferred', 12, MALFORMED()]],
  ['a 4xx to EHLO', { EHLO: '450 4.3.2 later' }, ['deferred', 11, '450 4.3.2 later']],
  ['a 5xx to HELO', { EHLO: '500 ?', HELO: '550 5.7.1 no' }, ['failed', 11, '550 5.7.1 no']],
  [
    'no answer to EHLO',
    { EHLO: 'wedge' },
    ['deferred', 11, '451 4.4.2 [internal] no HELO/EHLO response'],
  ],
  ['a 3xx to EHLO', { EHLO: '354 ?' }, ['deferred', 11, MALFORMED()]],
  [
    'endless lines to EHLO',
    { EHLO: (socket) => flood(socket, `250-${'x'.repeat(70)}\r\n`) },
    ['deferred', 11, MALFORMED()],
  ],
  [
    'an endless line',
    { EHLO: (socket) => flood(socket, 'x'.repeat(1000)) },
    ['deferred', 11, MALFORMED()],
  ],
  [
    'NULs',
    { greeting: (socket) => flood(socket, '\0'.repeat(1000)) },
    ['deferred', 12, MALFORMED()],
  ],
]

test.each(OPENING)('does not open a connection after %s', async (_, script, expected) => {
  const peer = await start(script)
  const steps = [
    ...(script.greeting === 'wedge' ? (['greetingMs'] as const) : []),
    ...(script.EHLO === 'wedge' ? (['ehloMs'] as const) : []),
  ]
  const result = await open(peer, impatient(...steps))
  expect('kind' in result && brief([result])[0]).toEqual(expected)
})

test('reports a refused connection', async () => {
  const peer = await start({})
  await peer.close()
  const result = await open(peer)
  expect('kind' in result && brief([result])).toEqual([
    ['deferred', 0, '451 4.4.1 [internal] No valid hosts (unable to make any connections)'],
  ])
})

const STAGES: readonly [step: 'MAIL' | 'RCPT' | 'DATA' | 'message', stage: number, name: string][] =
  [
    ['MAIL', 3, 'MAIL FROM'],
    ['RCPT', 5, 'RCPT TO'],
    ['DATA', 7, 'DATA'],
    ['message', 9, 'BODY'],
  ]
const CLOCKS = {
  MAIL: 'mailMs',
  RCPT: 'rcptMs',
  DATA: 'dataMs',
  message: 'finalMs',
} as const
const AT_STAGES = STAGES.flatMap(([step, stage, name]) =>
  [PIPELINED_EHLO, PLAIN_EHLO].flatMap((EHLO) => [
    { EHLO, step, answer: '450 4.2.0 later', expected: ['deferred', stage, '450 4.2.0 later'] },
    { EHLO, step, answer: '550 5.1.1 no', expected: ['failed', stage, '550 5.1.1 no'] },
    { EHLO, step, answer: '550-no\r\n550 way', expected: ['failed', stage, '550-no 550 way'] },
    { EHLO, step, answer: '421 4.3.2 bye', expected: ['deferred', stage, '421 4.3.2 bye'] },
    { EHLO, step, answer: 'drop', expected: ['deferred', stage, CLOSED()] },
    { EHLO, step, answer: 'garbage', expected: ['deferred', stage, MALFORMED()] },
    {
      EHLO,
      step,
      answer: 'wedge',
      expected: ['deferred', stage, `451 4.4.2 [internal] no ${name} response`],
    },
  ]),
)

test.each(AT_STAGES)('$expected when $step is answered $answer ($EHLO)', async (row) => {
  const { client, outcomes } = await deliver(
    { EHLO: row.EHLO, [row.step]: row.answer },
    MESSAGE,
    row.answer === 'wedge' ? impatient(CLOCKS[row.step]) : TIMEOUTS,
  )
  expect(brief(outcomes)).toEqual([row.expected])
  expect(client.isUsable()).toBe(/^[45]50/.test(row.answer))
})

test.each([PIPELINED_EHLO, PLAIN_EHLO])(
  'gives each recipient its own outcome (%s)',
  async (EHLO) => {
    const RCPT = ['250 ok', '450 4.2.1 later', '550 5.1.1 unknown', '251 forwarded']
    const recipients = ['a@to.test', 'b@to.test', 'c@to.test', 'd@to.test']
    const { peer, outcomes } = await deliver({ EHLO, RCPT }, { ...MESSAGE, recipients })
    expect(brief(outcomes)).toEqual([
      ['delivered', 9, '250 2.0.0 queued'],
      ['deferred', 5, '450 4.2.1 later'],
      ['failed', 5, '550 5.1.1 unknown'],
      ['delivered', 9, '250 2.0.0 queued'],
    ])
    expect(peer.messages).toHaveLength(1)
  },
)

test('charges no recipient a permanent failure for what follows 421', async () => {
  const RCPT = ['421 4.7.0 closing', '503 5.5.1 too late']
  const recipients = ['a@to.test', 'b@to.test']
  const { outcomes } = await deliver({ RCPT, DATA: '503 5.5.1' }, { ...MESSAGE, recipients })
  expect(brief(outcomes)).toEqual([
    ['deferred', 5, '421 4.7.0 closing'],
    ['deferred', 5, '421 4.7.0 closing'],
  ])
})

test('sends a lone dot when DATA goes ahead without a recipient, and stays usable', async () => {
  const { peer, client, outcomes } = await deliver({ RCPT: ['550 5.1.1 no', '250 ok'] })
  expect(brief(outcomes)).toEqual([['failed', 5, '550 5.1.1 no']])
  expect(peer.messages).toEqual([''])
  expect(brief(await client.deliver(MESSAGE))).toEqual([['delivered', 9, '250 2.0.0 queued']])
  expect(peer.commands).not.toContain('RSET')
})

test.each([
  ['DATA is refused', { DATA: ['451 later', '354 go'] }],
  ['no recipient is accepted', { EHLO: PLAIN_EHLO, RCPT: ['550 no', '250 ok'] }],
])('resets the transaction that the peer still holds after %s', async (_, script) => {
  const { peer, client } = await deliver(script)
  for (let i = 0; i < 2; i++) {
    expect(brief(await client.deliver(MESSAGE))).toEqual([['delivered', 9, '250 2.0.0 queued']])
  }
  expect(peer.commands.filter((command) => command === 'RSET')).toHaveLength(1)
  expect(client.deliveries()).toBe(3)
})

test('ends a connection that cannot be reset', async () => {
  const { client } = await deliver({ DATA: '451 later', RSET: '500 no' })
  expect(brief(await client.deliver(MESSAGE))).toEqual([['deferred', 14, '500 no']])
  expect(client.isUsable()).toBe(false)
})

test.each([
  [{ ...MESSAGE, bytes: Buffer.from('a\nb\r\n') }, '550 5.6.0 [internal] Lone CR or LF in message'],
  [{ ...MESSAGE, mailfrom: 'a@b\r\nRSET' }, '553 5.1.7 [internal] MAIL FROM syntax error'],
  [{ ...MESSAGE, recipients: ['a@b> X=y'] }, '553 5.1.3 [internal] RCPT TO syntax error'],
  [{ ...MESSAGE, recipients: [''] }, '553 5.1.3 [internal] RCPT TO syntax error'],
  [
    { ...MESSAGE, recipients: ['\xc3\xa9@to.test'] },
    '550 5.6.7 [internal] next hop does not offer SMTPUTF8',
  ],
  [
    { ...MESSAGE, bytes: Buffer.alloc(1000001, 'a') },
    '552 5.3.4 [internal] message size limit of next hop exceeded',
  ],
])('never sends what the peer must not see (%#)', async (transaction, text) => {
  const { peer, client, outcomes } = await deliver({ EHLO: PLAIN_EHLO }, transaction)
  expect(outcomes.map((outcome) => [outcome.kind, outcome.text])).toEqual([['failed', text]])
  expect(client.isUsable()).toBe(true)
  expect(peer.commands).toEqual(['EHLO us.test'])
})

test('sends to the other recipients when one needs SMTPUTF8 in vain', async () => {
  const recipients = ['\xc3\xa9@to.test', 'b@to.test']
  const { peer, outcomes } = await deliver({ EHLO: PIPELINED_EHLO }, { ...MESSAGE, recipients })
  expect(outcomes.map(({ kind }) => kind)).toEqual(['failed', 'delivered'])
  expect(peer.commands).toEqual([
    'EHLO us.test',
    'MAIL FROM:<a@from.test>',
    'RCPT TO:<b@to.test>',
    'DATA',
  ])
})

test('defers a message that is cut off on its way', async () => {
  const bytes = Buffer.from('x'.repeat(78).concat('\r\n').repeat(20_000))
  const { outcomes } = await deliver(
    { dropAfterOctets: 1000, EHLO: PIPELINED_EHLO },
    { ...MESSAGE, bytes },
  )
  expect(outcomes[0]?.kind).toBe('deferred')
  expect([8, 9]).toContain(outcomes[0]?.stage)
})

test('gives up on a peer that stops reading the message', async () => {
  const server = createServer((socket) => {
    ends.push(() => void socket.destroy())
    socket.write(`220 peer\r\n${PIPELINED_EHLO}\r\n250 ok\r\n250 ok\r\n354 go\r\n`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  ends.push(() => void server.close())
  const client = await open({ port: portOf(server) }, impatient('blockMs'))
  if ('kind' in client) throw new Error(client.text)
  const outcomes = await client.deliver({ ...MESSAGE, bytes: Buffer.alloc(20_000_000, 'a') })
  expect(brief(outcomes)).toEqual([['deferred', 8, '451 4.4.2 [internal] send BODY failed']])
})

test('ignores a reply that comes after the time for it is over', async () => {
  const waiting: Socket[] = []
  const script: Script = { message: (socket) => void waiting.push(socket) }
  const { client, outcomes } = await deliver(script, MESSAGE, impatient('finalMs'))
  waiting[0]?.write('250 ok\r\n')
  expect(brief(outcomes)).toEqual([['deferred', 9, '451 4.4.2 [internal] no BODY response']])
  expect(client.isUsable()).toBe(false)
})

test('does not use a connection again on which more arrived than was asked for', async () => {
  const { client, outcomes } = await deliver({ message: '250 ok\r\n250 again' })
  expect(brief(outcomes)).toEqual([['delivered', 9, '250 ok']])
  expect(client.isUsable()).toBe(false)
})

test('ends a transaction that takes too long in all', async () => {
  const timeouts = { ...TIMEOUTS, transactionMs: 60 }
  const { outcomes } = await deliver({ message: 'wedge' }, MESSAGE, timeouts)
  expect(brief(outcomes)).toEqual([['deferred', 9, CLOSED()]])
})

test('speaks LMTP, with a reply for each recipient', async () => {
  const script = {
    RCPT: ['250 ok', '550 5.1.1 unknown', '250 ok', '250 ok'],
    message: '250 2.0.0 one\r\n452 4.2.2 full\r\n250 2.0.0 four',
  }
  const recipients = ['a@to.test', 'b@to.test', 'c@to.test', 'd@to.test']
  const { peer, client, outcomes } = await deliver(script, { ...MESSAGE, recipients }, TIMEOUTS, {
    method: 'lmtp',
  })
  expect(peer.commands[0]).toBe('LHLO us.test')
  expect(brief(outcomes)).toEqual([
    ['delivered', 9, '250 2.0.0 one'],
    ['failed', 5, '550 5.1.1 unknown'],
    ['deferred', 9, '452 4.2.2 full'],
    ['delivered', 9, '250 2.0.0 four'],
  ])
  expect(client.isUsable()).toBe(true)
})

test('greets with HELO where the method is smtp', async () => {
  const { peer } = await deliver({}, MESSAGE, TIMEOUTS, { method: 'smtp' })
  expect(peer.commands[0]).toBe('HELO us.test')
})

test.each([
  [
    'ifneeded',
    'delivered',
    'Subject: x\r\nContent-Transfer-Encoding: quoted-printable\r\nMIME-Version: 1.0\r\n\r\n=E9\r\n',
  ],
  ['no', 'delivered', 'Subject: x\r\n\r\n\xe9\r\n'],
] as const)('sends 8-bit octets to a peer that takes none: %s', async (sevenBit, kind, sent) => {
  const bytes = Buffer.from('Subject: x\r\n\r\n\xe9\r\n', 'latin1')
  const message = { ...MESSAGE, bytes }
  const { peer, outcomes } = await deliver({ EHLO: PIPELINED_EHLO }, message, TIMEOUTS, {
    sevenBit,
  })
  expect([outcomes[0]?.kind, peer.messages[0]]).toEqual([kind, sent])
})

test('fails a signed message with 8-bit octets where re-encoding is strict', async () => {
  const bytes = Buffer.from('DKIM-Signature: v=1\r\n\r\n\xe9\r\n', 'latin1')
  const profile = { sevenBit: 'strict' } as const
  const { outcomes } = await deliver(
    { EHLO: PIPELINED_EHLO },
    { ...MESSAGE, bytes },
    TIMEOUTS,
    profile,
  )
  expect(brief(outcomes)).toEqual([
    ['failed', 11, '554 5.6.3 [internal] next hop does not offer 8BITMIME'],
  ])
})

test('says QUIT', async () => {
  const { peer, client } = await deliver({})
  await client.quit()
  expect(peer.commands.at(-1)).toBe('QUIT')
  expect(client.isUsable()).toBe(false)
})

function CLOSED(): string {
  return '451 4.4.2 [internal] connection closed by remote host'
}

function MALFORMED(): string {
  return '451 4.5.0 [internal] malformed response'
}

function brief(outcomes: readonly Outcome[]): unknown[] {
  return outcomes.map(({ kind, stage, text }) => [kind, stage, text])
}

function flood(socket: Socket, text: string): void {
  while (socket.write(text.repeat(1000)));
  socket.once('drain', () => flood(socket, text))
}

async function start(script: Script): Promise<Peer> {
  const peer = await startPeer(script)
  ends.push(peer.close)
  return peer
}

async function open(
  peer: { port: number },
  timeouts = TIMEOUTS,
  profile: Partial<Profile> = {},
): Promise<Client | Outcome> {
  const client = await openClient({
    id: 'c1',
    address: '127.0.0.1',
    port: peer.port,
    name: 'mx.test',
    profile: { ...PROFILE, timeouts, ...profile },
  })
  if (!('kind' in client)) ends.unshift(client.destroy)
  return client
}

async function deliver(
  script: Script,
  transaction = MESSAGE,
  timeouts = TIMEOUTS,
  profile: Partial<Profile> = {},
): Promise<{ peer: Peer; client: Client; outcomes: readonly Outcome[] }> {
  const peer = await start(script)
  const client = await open(peer, timeouts, profile)
  if ('kind' in client) throw new Error(client.text)
  return { peer, client, outcomes: await client.deliver(transaction) }
}
