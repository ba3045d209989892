// Commands about domains: what they list, and what several workers together do.
import { expect, test } from 'vitest'
import { type DomainConsole, domainCommand } from '../src/domainconsole.ts'
import { runFleetCommand } from '../src/fleetconsole.ts'
import type { Route } from '../src/relay/route.ts'
import type { Stored } from '../src/spool/stored.ts'
import { copyFor, entryFor, storedFor } from './spool/fixtures.ts'

const NOW_MS = 1_000_000
const BY_ONE = { group: 'g', binding: 'one' }
const NO_OUTCOMES = { attempts: 0, transients: 0, failures: 0, lastDeliveryMs: 0 }

interface Known {
  /** Recipients of messages of their own: `a@x.example`, by binding one: `one:a@x.example`; `later` is delayed. */
  readonly queued: readonly string[]
  /** Deliveries so far, by the same names: `x.example`. */
  readonly sent?: Readonly<Record<string, number>>
  /** Of lanes, by key. */
  readonly connections?: Readonly<Record<string, number>>
  readonly gateway?: string
}

function wayNamed(name: string) {
  const [first = '', second] = name.split(':')
  const egress = second === undefined ? undefined : BY_ONE
  return { name: second ?? first, ...(egress && { egress }) }
}

function storedOf(text: string): Stored {
  const { name, egress } = wayNamed(text)
  const stored = storedFor(entryFor('m', copyFor(name, egress ? { egress } : {})))
  const isLater = name.startsWith('later')
  const states = stored.copies.map((state) =>
    isLater ? { ...state, attempts: 1, nextAttemptMs: NOW_MS + 1 } : state,
  )
  return { ...stored, copies: states }
}

function sourcesOf({ queued, sent = {}, connections = {}, gateway }: Known): DomainConsole {
  const all = queued.map(storedOf)
  const route = ({
    routingDomain,
    egress,
  }: Parameters<DomainConsole['relay']['route']>[0]): Route => {
    const key = (gateway ?? routingDomain) + (egress ? ` by ${egress.binding}` : '')
    const own = connections[key] ?? 0
    const shared = { isShared: gateway !== undefined, connections: own, to: gateway ?? 'mx' }
    return { key, ...shared, health: 'good', isSuspended: false, hop: undefined }
  }
  return {
    mail: { unfinished: () => all },
    records: {
      of: () => ({ ...NO_OUTCOMES, deliveries: 0, dnsFailures: 0 }),
      all: () =>
        Object.entries(sent).map(([way, deliveries]) => {
          const { name: domain, egress } = wayNamed(way)
          const by = egress ?? { group: 'default', binding: 'default' }
          return { domain, ...by, ...NO_OUTCOMES, deliveries }
        }),
    },
    relay: {
      route,
      connections: () =>
        Object.entries(connections).map(([key, count]) => {
          const egress = key.endsWith('by one') ? BY_ONE : { group: 'default', binding: 'default' }
          return { egress, count }
        }),
    },
    config: { bindings: { names: ['default', 'one'] } },
  }
}

const FIRST: Known = {
  queued: ['a@x.example', 'b@x.example', 'later@x.example', 'one:c@x.example', 'd@y.example'],
  sent: { 'x.example': 47, 'one:x.example': 3, 'gone.example': 1_234_567 },
  connections: { 'x.example': 60, 'x.example by one': 2 },
}
const SECOND: Known = { queued: ['e@x.example', 'f@y.example'], sent: { 'y.example': 5 } }

const say = async (known: Known, line: string): Promise<string | undefined> =>
  (await domainCommand(sourcesOf(known), line.split(' '), NOW_MS))?.text

/** Each worker has one of these. */
async function sayTogether(workers: readonly Known[], line: string): Promise<string> {
  const askAll = (request: { kind: string; argv?: readonly string[] }) =>
    Promise.all(workers.map((each) => domainCommand(sourcesOf(each), request.argv ?? [], NOW_MS)))
  const none = (): never => {
    throw new Error('not asked for')
  }
  const server = {
    workers: [],
    askAll,
    askInTurn: none,
    askOne: none,
    reload: none,
    reopenLogs: none,
    standing: { note: () => {} },
  }
  return (await runFleetCommand({ server, shutdown: none }, line.split(' '))).text
}

test('active lists the domains whose active queue is longer, and the sum of all', async () => {
  expect(await say(FIRST, 'active 2')).toBe(
    [
      'Domain:                      x.example  C: 62  A:      3  D:     1  S:    50',
      '                                Total:  C:  62  A:      4  D:     1  S:1234617',
      '',
    ].join('\n'),
  )
  expect(await say(FIRST, 'active 3')).toMatch(/^ +Total: /)
})

test('delayed, and one binding alone', async () => {
  expect(await say(FIRST, 'delayed 0')).toMatch(/^Domain: +x\.example .*\n +Total:.*\n$/)
  expect(await say(FIRST, 'binding delayed one 0')).toMatch(
    /^ +Total: {2}C: {3}2 {2}A: {6}1 {2}D: {5}0 {2}S: {5}3\n$/,
  )
  expect(await say(FIRST, 'binding active one 0')).toMatch(/^Domain: +x.* C: {2}2 .* S: {5}3\n/)
  expect(await say(FIRST, 'binding active two 0')).toBe('no binding is called two\n')
})

test.each(['domain all', 'domains'])('%s lists every domain that is known', async (line) => {
  expect(await say(FIRST, line)).toBe(
    [
      'Domain summary:',
      'Domain:                   gone.example  C:  0  A:      0  D:     0  S:1234567',
      'Domain:                      x.example  C: 62  A:      3  D:     1  S:    50',
      'Domain:                      y.example  C:  0  A:      1  D:     0  S:     0',
      'Totals: C:  62  A:      4  D:     1  S:1234617',
      '',
    ].join('\n'),
  )
})

test('connections that domains share are told of none of them', async () => {
  const shared = { ...FIRST, gateway: 'gateway', connections: { gateway: 7 } }
  expect(await say(shared, 'active 0')).toBe(
    [
      'Domain:                      x.example  C:  -  A:      3  D:     1  S:    50',
      'Domain:                      y.example  C:  -  A:      1  D:     0  S:     0',
      '                                Total:  C:   7  A:      4  D:     1  S:1234617',
      '',
    ].join('\n'),
  )
})

test('a queue of several workers is as long as all of them', async () => {
  expect(await sayTogether([FIRST, SECOND], 'active 1')).toBe(
    [
      'Domain:                      x.example  C: 62  A:      4  D:     1  S:    50',
      'Domain:                      y.example  C:  0  A:      2  D:     0  S:     5',
      '                                Total:  C:  62  A:      6  D:     1  S:1234622',
      '',
    ].join('\n'),
  )
  expect(await sayTogether([FIRST, SECOND], 'domains')).toMatch(/\nTotals: .* A: {6}6 /)
  expect(await sayTogether([FIRST, SECOND], 'binding active one 0')).toMatch(/^Domain: +x.* A: +1 /)
  expect(await sayTogether([FIRST, SECOND], 'active')).toMatch(/^usage: /)
  expect(await sayTogether([FIRST, SECOND], 'binding active two 0')).toMatch(/^no binding/)
})

test.each(['active', 'active x.example', 'delayed 1 2', 'binding active one', 'binding delayed 1'])(
  'is none of these commands: %s',
  async (line) => {
    expect(await say(FIRST, line)).toMatch(/^usage: /)
  },
)
