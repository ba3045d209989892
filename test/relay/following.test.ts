// Messages over one connection where the peer takes PIPELINING: the next one's commands stand behind the final dot of
// the one before, and what becomes of it does not depend on that one.
import type { Socket } from 'node:net'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { OutboundOptions } from '../../src/config/config.ts'
import { type Client, openClient } from '../../src/relay/client.ts'
import type { Outcome } from '../../src/relay/outcome.ts'
import type { Script } from '../support/peer.ts'
import { begin, start, until } from './begun.ts'
import { PROFILE } from './fakes.ts'

const BODY = 'Subject: x\r\n\r\nbody\r\n'
const ENVELOPE = (i: number): string =>
  `MAIL FROM:<a@from.test> SIZE=${BODY.length}\r\nRCPT TO:<u${i}@to.test>\r\nDATA\r\n`
const OK = '250 2.0.0 queued'
const EHLO = '250-peer.test\r\n250-PIPELINING\r\n250 SIZE 1000000'

afterEach(() => void vi.useRealTimers())

/** A peer that confirms a message when it is too late for the one behind it. */
function slowPeer() {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  let socket: Socket | undefined
  return {
    late(heard: Socket): void {
      heard.removeAllListeners('data')
      socket = heard
    },
    async confirm() {
      await until(() => socket !== undefined)
      await vi.advanceTimersByTimeAsync(5_000)
      socket?.write(`${OK}\r\n`)
    },
    /** The connection has been ended by us. */
    async isLeft() {
      socket?.resume()
      await until(() => socket?.closed === true)
    },
  }
}

/** Messages 0, 1, … over one connection, each begun when the one before leaves, if that may be. */
async function converse(script: Script, count: number) {
  const peer = await start({ EHLO, ...script })
  const opened = await openClient({
    id: 'c1',
    address: '127.0.0.1',
    port: peer.port,
    name: 'mx.test',
    profile: PROFILE,
  })
  if ('kind' in opened) throw new Error(opened.text)
  const client: Client = opened
  onTestFinished(client.destroy)
  const asked: number[] = []
  const all: Promise<readonly Outcome[]>[] = []
  const send = (i: number): Promise<readonly Outcome[]> => {
    const transaction = {
      mailfrom: 'a@from.test',
      recipients: [`u${i}@to.test`],
      bytes: Buffer.from(BODY),
    }
    return client.deliver(transaction, () => {
      asked.push(i)
      const isFollowed = i + 1 < count
      if (isFollowed) all[i + 1] = Promise.resolve(i + 1).then(send)
      return isFollowed
    })
  }
  for (let i = 0; i < count; i++) await (all[i] ??= send(i))
  const outcomes = await Promise.all(all)
  const brief = outcomes.map((each) => each.map(({ kind, text }) => `${kind} ${text}`).join())
  return { peer, client, asked, brief }
}

describe('a client', () => {
  test('sends the next commands together with the message, once the peer has been seen to be quick', async () => {
    const { peer, brief, asked, client } = await converse({}, 4)
    expect(brief).toEqual(Array.from({ length: 4 }, () => `delivered ${OK}`))
    expect(peer.chunks).toEqual([
      'EHLO us.test\r\n',
      ENVELOPE(0),
      `${BODY}.\r\n`,
      ENVELOPE(1),
      `${BODY}.\r\n${ENVELOPE(2)}`,
      `${BODY}.\r\n${ENVELOPE(3)}`,
      `${BODY}.\r\n`,
    ])
    expect([asked, client.isUsable()]).toEqual([[1, 2, 3], true])
  })

  test('asks nobody where the peer takes no PIPELINING', async () => {
    const { brief, asked } = await converse({ EHLO: '250 peer.test' }, 3)
    expect([brief.length, asked]).toEqual([3, []])
  })

  test('sends what leaves without a follower at once', async () => {
    const { peer, brief } = await converse({}, 2)
    expect(brief).toHaveLength(2)
    expect(peer.messages).toEqual([BODY, BODY])
  })

  test.each<[string, Script, string[]]>([
    [
      'refused',
      { message: [OK, '550 5.7.1 no', OK] },
      [`delivered ${OK}`, 'failed 550 5.7.1 no', `delivered ${OK}`],
    ],
    [
      'not confirmed by a peer that goes',
      { message: [OK, 'drop', OK] },
      [
        `delivered ${OK}`,
        expect.stringMatching(/^deferred 4/),
        expect.stringMatching(/^deferred 4/),
      ],
    ],
    [
      'followed by one that is refused',
      { MAIL: ['250 ok', '250 ok', '450 4.1.8 later'], DATA: ['354 go', '354 go', '503 no'] },
      [`delivered ${OK}`, `delivered ${OK}`, 'deferred 450 4.1.8 later'],
    ],
  ])('tells messages apart when one is %s', async (_, script, expected) => {
    const { brief } = await converse(script, 3)
    expect(brief).toEqual(expected)
  })

  test('withdraws what was to follow when the peer does not confirm in time, and is no use then', async () => {
    const { late, confirm } = slowPeer()
    const done = converse({ message: [OK, late] }, 3)
    await confirm()
    const { brief, client, peer } = await done
    expect(brief).toEqual([`delivered ${OK}`, `delivered ${OK}`, ''])
    expect([client.isUsable(), peer.messages.length]).toEqual([false, 2])
  })
})

describe('a lane with one connection', () => {
  const ONE = { maxOutboundConnections: 1, retryIntervalSeconds: 100 }
  async function lane(script: Script, options: Partial<OutboundOptions> = {}, count = 4) {
    const begun = await begin({ EHLO, ...script }, { ...ONE, ...options })
    for (let i = 0; i < count; i++) begun.relay.enqueue(begun.spool.add([`u${i}@to.test`]))
    await begun.relay.idle()
    return begun
  }
  const delivered = (...numbers: number[]): string[] =>
    numbers.map((i) => `delivery u${i}@to.test 9 ${OK}`)
  /** Where commands came together with a message. */
  const followed = (chunks: readonly string[]): number =>
    chunks.filter((chunk) => chunk.includes('.\r\nMAIL')).length

  test('sends one message behind the other', async () => {
    const { log, peer } = await lane({})
    expect([log, peer.connections(), followed(peer.chunks)]).toEqual([delivered(0, 1, 2, 3), 1, 2])
  })

  test('charges nobody but the message that was not confirmed when the peer goes', async () => {
    const { log, peer } = await lane({ message: [OK, 'drop', OK] })
    expect(log.toSorted()).toEqual([
      expect.stringMatching(/^delay u1@to\.test 9 4/),
      ...delivered(0, 2, 3),
    ])
    expect(peer.connections()).toBe(2)
  })

  test('fails the message that is refused, and not the one behind it', async () => {
    const { log } = await lane({ message: [OK, '550 5.7.1 no', OK] })
    // The sender is told, too.
    expect(log.filter((line) => line.includes('@to.test')).toSorted()).toEqual([
      'bounce u1@to.test 9 550 5.7.1 no',
      ...delivered(0, 2, 3),
    ])
  })

  test('gives each connection no more messages than it may have', async () => {
    const { log, peer } = await lane({}, { maxDeliveriesPerConnection: 3 }, 6)
    expect(log).toEqual(delivered(0, 1, 2, 3, 4, 5))
    expect([peer.connections(), followed(peer.chunks)]).toEqual([2, 2])
    expect(peer.commands.filter((line) => line === 'QUIT').length).toBeGreaterThan(0)
  })

  test('sends what was withdrawn over another connection, and charges nobody', async () => {
    const { late, confirm, isLeft } = slowPeer()
    const done = lane({ message: [OK, late, OK] })
    await confirm()
    const { log, peer, attempts } = await done
    await isLeft()
    expect(log.toSorted()).toEqual(delivered(0, 1, 2, 3))
    expect([peer.connections(), attempts.every(({ retries }) => retries === 0)]).toEqual([2, true])
  })

  test('does not send behind a message while messages are limited in time', async () => {
    const { log, peer } = await lane({}, { throttleMessages: { count: 2, seconds: 60 } }, 3)
    expect([log, followed(peer.chunks)]).toEqual([delivered(0, 1), 0])
  })
})
