// Messages that go as a chunk, together with their envelope (RFC 3030), to peers of our own.
import { afterEach, expect, test } from 'vitest'
import { type Client, openClient } from '../../src/relay/client.ts'
import type { Outcome } from '../../src/relay/outcome.ts'
import type { Profile } from '../../src/relay/profile.ts'
import type { Transaction } from '../../src/relay/protocol.ts'
import { type Peer, type Script, startPeer } from '../support/peer.ts'
import { PROFILE } from './fakes.ts'

const EHLO = '250-peer.test\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 8BITMIME'
const MESSAGE: Transaction = {
  mailfrom: 'a@from.test',
  recipients: ['b@to.test'],
  bytes: Buffer.from('Subject: x\r\n\r\n.dot\r\n'),
}
const QUEUED = ['delivered', 9, '250 2.0.0 queued']

const ends: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

test('envelope and message leave in one write, without dots', async () => {
  const { peer, client, outcomes } = await deliver({})
  expect(brief(outcomes)).toEqual([QUEUED])
  expect(brief(await client.deliver(MESSAGE))).toEqual([QUEUED])
  const sent =
    'MAIL FROM:<a@from.test>\r\nRCPT TO:<b@to.test>\r\nBDAT 20 LAST\r\nSubject: x\r\n\r\n.dot\r\n'
  expect(peer.chunks.slice(1)).toEqual([sent, sent])
})

test('a last line without an end gets one', async () => {
  const { peer } = await deliver({}, { ...MESSAGE, bytes: Buffer.from('\r\nx') })
  expect([peer.commands.at(-1), peer.messages]).toEqual(['BDAT 5 LAST', ['\r\nx\r\n']])
})

const line = 'x'.repeat(998).concat('\r\n')

test.each<[string, string, Partial<Profile>, number]>([
  ['the option is off', EHLO, { sendsChunks: false }, 1],
  ['the peer does not offer it', '250-peer.test\r\n250 PIPELINING', {}, 1],
  ['the peer takes no pipeline', '250-peer.test\r\n250 CHUNKING', {}, 1],
  ['the method is LMTP', EHLO, { method: 'lmtp' }, 1],
  ['the message is larger than a mebibyte', EHLO, {}, 1049],
])('DATA is used where %s', async (_, offered, profile, lines) => {
  const bytes = Buffer.from(`\r\n${line.repeat(lines)}`)
  const script = { EHLO: offered, LHLO: offered }
  const { peer, outcomes } = await deliver(script, { ...MESSAGE, bytes }, profile)
  expect(brief(outcomes)).toEqual([QUEUED])
  expect(peer.commands.at(-1)).toBe('DATA')
  expect(peer.messages[0]).toHaveLength(bytes.length)
})

test('a CR or LF that stands alone is never sent', async () => {
  const { peer, outcomes } = await deliver({}, { ...MESSAGE, bytes: Buffer.from('a\nb\r\n') })
  expect(brief(outcomes)).toEqual([['failed', 11, '550 5.6.0 [internal] Lone CR or LF in message']])
  expect(peer.commands).toEqual(['EHLO us.test'])
})

test('gives each recipient its own outcome', async () => {
  const RCPT = ['250 ok', '450 4.2.1 later', '550 5.1.1 unknown']
  const recipients = ['a@to.test', 'b@to.test', 'c@to.test']
  const { outcomes } = await deliver({ RCPT }, { ...MESSAGE, recipients })
  expect(brief(outcomes)).toEqual([
    QUEUED,
    ['deferred', 5, '450 4.2.1 later'],
    ['failed', 5, '550 5.1.1 unknown'],
  ])
})

test.each<[Script, unknown]>([
  [{ MAIL: ['550 5.7.1 no', '250 ok'] }, ['failed', 3, '550 5.7.1 no']],
  [{ RCPT: ['450 4.2.1 later', '250 ok'] }, ['deferred', 5, '450 4.2.1 later']],
])(
  'an envelope refused %o: its chunk is for nothing, and the next goes',
  async (refusal, first) => {
    const message = ['503 5.5.1 no recipients', '250 2.0.0 queued']
    const { peer, client, outcomes } = await deliver({ ...refusal, message })
    expect(brief(outcomes)).toEqual([first])
    expect(brief(await client.deliver(MESSAGE))).toEqual([QUEUED])
    expect(peer.commands.filter((command) => command === 'RSET')).toHaveLength(1)
  },
)

test('a refused chunk fails its recipients, and leaves nothing behind', async () => {
  const message = ['552 5.2.2 too much', '250 2.0.0 queued']
  const { peer, client, outcomes } = await deliver({ message })
  expect(brief(outcomes)).toEqual([['failed', 9, '552 5.2.2 too much']])
  for (let i = 0; i < 2; i++) expect(brief(await client.deliver(MESSAGE))).toEqual([QUEUED])
  expect(peer.commands.filter((command) => command === 'RSET')).toHaveLength(1)
})

test.each<[Script, unknown]>([
  [{ message: 'drop' }, ['deferred', 9, '451 4.4.2 [internal] connection closed by remote host']],
  [{ message: '354 go' }, ['deferred', 9, '451 4.5.0 [internal] malformed response']],
  [{ MAIL: '421 4.3.2 down' }, ['deferred', 3, '421 4.3.2 down']],
])('a chunk answered %o is tried again later', async (script, expected) => {
  const { client, outcomes } = await deliver(script)
  expect(brief(outcomes)).toEqual([expected])
  expect(client.isUsable()).toBe(false)
})

function brief(outcomes: readonly Outcome[]): unknown[] {
  return outcomes.map(({ kind, stage, text }) => [kind, stage, text])
}

async function deliver(
  script: Script,
  transaction = MESSAGE,
  profile: Partial<Profile> = {},
): Promise<{ peer: Peer; client: Client; outcomes: readonly Outcome[] }> {
  const peer = await startPeer({ EHLO, ...script })
  ends.push(peer.close)
  const client = await openClient({
    id: 'c1',
    address: '127.0.0.1',
    port: peer.port,
    name: 'mx.test',
    profile: { ...PROFILE, sendsChunks: true, ...profile },
  })
  if ('kind' in client) throw new Error(client.text)
  ends.unshift(client.destroy)
  return { peer, client, outcomes: await client.deliver(transaction) }
}
