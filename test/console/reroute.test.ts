// reroute queue: what it takes, what of the queue it means, what it says.
import { expect, test } from 'vitest'
import type { QueuedMail } from '../../src/queuedmail.ts'
import type { Rerouted, WayFor } from '../../src/relay/rerouting.ts'
import type { Test } from '../../src/relay/surgery.ts'
import { rerouteCommand } from '../../src/console/reroute.ts'
import { copyFor, entryFor, storedFor } from '../spool/fixtures.ts'
import { askWorkers } from '../support/fleet.ts'

const DATA = Buffer.from('Subject: sale\r\n\r\nbody\r\n')
const ENTRY = entryFor(
  'm',
  ...['a@relay.com', 'b@relay.com', 'c@other.com', 'd@new.com'].map((rcptto) =>
    copyFor(rcptto, {
      rendition: { pieces: [[0, DATA.length]], holes: [] },
      context: { connection: {}, message: { first: rcptto.startsWith('a') ? 'yes' : null } },
    }),
  ),
)

function queueOf(failing: Partial<Rerouted> = {}) {
  const stored = storedFor(ENTRY)
  const moved: string[] = []
  const nothing = (): never => {
    throw new Error('not asked for')
  }
  const mail: QueuedMail = {
    unfinished: () => [stored],
    entry: () => Promise.resolve(ENTRY),
    read: () => Promise.resolve(DATA),
    retry: nothing,
    fail: nothing,
    remove: nothing,
  }
  const relay = {
    async reroute(isMeant: Test, wayFor: WayFor) {
      const copies = [...ENTRY.copies.entries()].filter(([copy]) => isMeant({ stored, copy }))
      for (const [copy, { rcptto }] of copies)
        moved.push(`${rcptto} ${(await wayFor({ stored, copy }))?.routingDomain}`)
      return { count: copies.length, left: 0, failure: '', ...failing }
    },
  }
  const run = (argv: readonly string[]) => rerouteCommand({ mail, relay }, argv)
  return { moved, run, say: async (line: string) => (await run(line.split(' ')))?.text }
}

test('a domain, or all of them', async () => {
  const { say, moved } = queueOf()
  expect(await say('reroute queue Relay.com New.com')).toBe(
    "Moved 2 messages from 'Relay.com' to 'New.com'\n",
  )
  expect(moved.splice(0)).toEqual(['a@relay.com new.com', 'b@relay.com new.com'])
  expect(await say('reroute queue all new.com')).toMatch(/^Moved 3 messages from 'all'/)
  expect(moved).not.toContain('d@new.com new.com')
})

test('of it what has a variable, or a header line', async () => {
  const { say, moved } = queueOf()
  await say('reroute queue --meta first yes relay.com new.com')
  expect(moved).toEqual(['a@relay.com new.com'])
  expect(await say('reroute queue --header subject sale all new.com')).toMatch(/^Moved 3 /)
  expect(await say('reroute queue --header subject no all new.com')).toMatch(/^Moved 0 /)
})

test('a preview moves nothing, wherever its word stands', async () => {
  const { say, moved } = queueOf()
  expect(await say('reroute queue relay.com new.com --dry-run')).toMatch(
    /^ {2}id of a@\S+ {2}domain=relay\.com from=<\S+> to=<a@relay\.com>\n.*\n\[dry-run\] relay\.com -> new\.com: 2 messages would be moved\.\n$/,
  )
  expect(moved).toEqual([])
})

test('what stays where it was is told, and is a failure', async () => {
  const { run } = queueOf({ count: 1, left: 1, failure: 'the disk is full' })
  expect(await run(['reroute', 'queue', 'relay.com', 'new.com'])).toEqual({
    isOk: false,
    text:
      "Moved 1 messages from 'relay.com' to 'new.com'\n" +
      '1 messages stay where they were: the disk is full\n',
    data: { from: 'relay.com', to: 'new.com', count: 1, left: 1, failure: 'the disk is full' },
  })
})

test('several workers move what each of them has', async () => {
  const good = queueOf()
  const bad = queueOf({ count: 1, left: 1, failure: 'the disk is full' })
  const both = [good.run, bad.run]
  expect((await askWorkers([good.run, good.run], 'reroute queue relay.com new.com')).text).toBe(
    "Moved 4 messages from 'relay.com' to 'new.com'\n",
  )
  expect(await askWorkers(both, 'reroute queue relay.com new.com')).toMatchObject({
    isOk: false,
    data: { count: 3, left: 1 },
  })
  expect((await askWorkers(both, 'reroute queue --dry-run relay.com new.com')).text).toMatch(
    /relay\.com -> new\.com: 4 messages would be moved\.\n$/,
  )
})

test.each([
  'reroute queue',
  'reroute queue relay.com',
  'reroute queue relay.com new.com more',
  'reroute queue relay.com new,com',
  'reroute queue --meta first relay.com new.com',
  'reroute queue --meta a b --header c d relay.com new.com',
  'reroute queue --unknown relay.com new.com',
])('is no such command: %s', async (line) => {
  const { say, moved } = queueOf()
  expect(await say(line)).toMatch(/^usage: reroute queue /)
  expect(moved).toEqual([])
})
