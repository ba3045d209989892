import { expect, test } from 'vitest'
import { makeFeed } from '../src/observing/feed.ts'
import { makeInstruments } from '../src/observing/instruments.ts'
import { accept } from '../src/acceptance.ts'
import { makeIds } from '../src/mail/ids.ts'
import { SmtpError } from '../src/mail/reply.ts'
import { countsFrom } from '../src/observing/observers.ts'
import type { Acceptance } from '../src/smtp/reception.ts'
import type { Parcel } from '../src/smtp/parcel.ts'
import type { Session } from '../src/smtp/state.ts'
import type { EntryCopy } from '../src/spool/entry.ts'
import { SpoolError } from '../src/spool/error.ts'
import type { Spool } from '../src/spool/spool.ts'
import type { Stored } from '../src/spool/stored.ts'

const parcel = (batchId: string, copies = 1): Parcel => ({
  entry: {
    batchId,
    connectionId: 'c',
    receivedMs: 0,
    mailfrom: 'from@x.example',
    facts: {},
    context: { connection: {}, message: {} },
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing looks into them
    copies: Array.from({ length: copies }, () => ({}) as EntryCopy),
  },
  data: Buffer.alloc(0),
})

/** Accepts a message with two that policy sends; `refuse` names the one that the spool cannot take. */
async function acceptWith(refuse: string) {
  const log: string[] = []
  const names = new Map<Stored, string>()
  const spool: Pick<Spool, 'append' | 'finish'> = {
    append(entry) {
      log.push(`append ${entry.batchId}`)
      if (entry.batchId === refuse) return Promise.reject(new SpoolError('no room', 'full'))
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a fake
      const stored = { copies: entry.copies.map(() => ({})) } as unknown as Stored
      names.set(stored, entry.batchId)
      return Promise.resolve(stored)
    },
    finish: (stored, copies) => void log.push(`finish ${names.get(stored)} ${copies.join()}`),
  }
  const session = {
    peer: { remoteAddress: '' },
    surroundings: { journal: { reception: () => {} }, options: {}, now: () => 0 },
  }
  const acceptance = {
    session: session as unknown as Session,
    ...parcel('main', 2),
    injected: [parcel('one'), parcel('two', 3)],
    explains: [],
    refused: [],
    received: [],
    originalHeader: Buffer.alloc(0),
  } satisfies Acceptance
  const done = accept(
    {
      spool: { ...spool, failure: undefined },
      dispatcher: {
        enqueue: (stored: Stored) => void log.push(`enqueue ${names.get(stored)}`),
      },
      space: { shortage: undefined },
      counts: countsFrom(0),
      storing: makeInstruments().storing,
      feed: makeFeed(() => 0),
      ids: makeIds(1, Buffer.alloc(8), () => 0),
    },
    acceptance,
  )
  log.push('—')
  return { log, error: await done.catch((error: unknown) => error) }
}

test('what policy sends goes to the spool in the same turn, and to the relay when all is stored', async () => {
  const { log, error } = await acceptWith('nothing')
  expect(error).toBeUndefined()
  expect(log).toEqual([
    'append one',
    'append two',
    'append main',
    '—',
    'enqueue one',
    'enqueue two',
    'enqueue main',
  ])
})

test.each(['one', 'two', 'main'])(
  'nothing is sent when the spool has no room for %s',
  async (name) => {
    const { log, error } = await acceptWith(name)
    expect(error).toBeInstanceOf(SmtpError)
    expect(error instanceof SmtpError && error.reply.code).toBe(452)
    const others = ['finish one 0', 'finish two 0,1,2', 'finish main 0,1']
    expect(log.slice(4)).toEqual(others.filter((line) => !line.includes(name)))
  },
)
