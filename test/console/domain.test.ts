// Commands about domains: what they list, and what several workers together do.
import { expect, test } from 'vitest'
import { type DomainConsole, domainCommand } from '../../src/console/domain.ts'
import type { NextHop } from '../../src/relay/nexthop.ts'
import type { Route } from '../../src/relay/route.ts'
import type { Stored } from '../../src/spool/stored.ts'
import { copyFor, entryFor, storedFor } from '../spool/fixtures.ts'
import { askWorkers } from '../support/fleet.ts'

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
  /** Of all routes. */
  readonly route?: Partial<Route>
  readonly dnsFailures?: number
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

function sourcesOf(known: Known): DomainConsole {
  const { queued, sent = {}, connections = {}, gateway, dnsFailures = 0 } = known
  const all = queued.map(storedOf)
  const route = ({
    routingDomain,
    egress,
  }: Parameters<DomainConsole['relay']['route']>[0]): Route => {
    const key = (gateway ?? routingDomain) + (egress ? ` by ${egress.binding}` : '')
    const own = connections[key] ?? 0
    const shared = { isShared: gateway !== undefined, connections: own, to: gateway ?? 'mx' }
    return { key, ...shared, health: 'good', isSuspended: false, hop: undefined, ...known.route }
  }
  return {
    mail: { unfinished: () => all },
    records: {
      of: () => ({ ...NO_OUTCOMES, deliveries: 0, dnsFailures }),
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
  const all = workers.map(
    (each) => (argv: readonly string[]) => domainCommand(sourcesOf(each), argv, NOW_MS),
  )
  return (await askWorkers(all, line)).text
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

const hopFor = (found: NextHop): Pick<Route, 'hop'> => ({
  hop: { found: Promise.resolve(found), untilMs: NOW_MS + 42_900 },
})
const MX = hopFor({
  kind: 'smtp',
  mx: [
    { priority: 5, exchange: 'mx1.x.example' },
    { priority: 9, exchange: 'mx2.x.example' },
  ],
  hosts: [
    { name: 'mx1.x.example', address: '192.0.2.1', port: 25 },
    { name: 'mx1.x.example', address: '2001:db8::1', port: 25 },
  ],
})

test('domain tells of queues, outcomes and exchanges', async () => {
  expect(await say({ ...FIRST, route: MX, dnsFailures: 2 }, 'domain Y.example')).toBe(
    [
      "Domain 'y.example' has 2 MXs and a TTL of 43 seconds",
      '  [5 mx1.x.example]',
      '        [192.0.2.1] IPv4',
      '        [2001:db8::1] IPv6',
      '  [9 mx2.x.example]',
      'Domain has had 2 consecutive DNS failures',
      'Queue:',
      '        Active:          1',
      '        Delayed:         0',
      'Attempts:           0',
      'Deliveries:         0',
      'Transient Failures: 0',
      'Failures:           0',
      'Active Connections: 0',
      '',
    ].join('\n'),
  )
})

test('domain is of all bindings, binding domain of one', async () => {
  const all = await say(FIRST, 'domain x.example')
  expect(all).toMatch(/^Domain 'x\.example' has .*\nDomain 'x\.example' by g\/one has not been/)
  expect(all).toMatch(/^ {8}Active: {10}3\n {8}Delayed: {9}1\n.*\nDeliveries: {8}50\n/m)
  expect(all).toMatch(/\nActive Connections: 62\n$/)
  const one = await say(FIRST, 'binding domain one x.example')
  expect(one).toMatch(/^Domain 'x\.example' by g\/one has not been looked up lately\nQueue:\n/)
  expect(one).toMatch(/^ {8}Active: {10}1\n(.*\n){2}Deliveries: {9}3\n/m)
  expect(one).toMatch(/\nActive Connections: 2\n$/)
  expect(await say(FIRST, 'binding domain two x.example')).toBe(
    'nothing is known of x.example by two\n',
  )
  expect(await say(FIRST, 'domain z.example')).toBe('nothing is known of z.example\n')
})

test.each<[string, Partial<Route>, string]>([
  [
    'a gateway',
    { to: 'gateway 192.0.2.9:25', isShared: true, connections: 3 },
    'goes to gateway 192.0.2.9:25',
  ],
  ['routes', { to: 'routes' }, 'goes by its routes'],
  ['a black hole', { to: 'blackhole' }, 'goes nowhere'],
  ['a host', hopFor({ kind: 'smtp', hosts: [] }), 'is the name of a host'],
  [
    'nothing in DNS',
    hopFor({ kind: 'failed', stage: 0, code: 554, text: '554 5.1.2 no' }),
    'has no next hop for 43 seconds: 554 5.1.2 no',
  ],
])('domain says where its mail goes: %s', async (_, route, where) => {
  const text = await say({ ...SECOND, route }, 'domain y.example')
  expect(text?.split('\n')[0]).toBe(`Domain 'y.example' ${where}`)
  expect(text?.includes('(shared with other domains)')).toBe(route.isShared ?? false)
})

test('domain says what holds mail back', async () => {
  const route = { isSuspended: true, health: 'blocked' } as const
  expect(await say({ ...SECOND, route }, 'domain y.example')).toMatch(
    /\nDelivery is suspended\nNobody there speaks to us: nothing is tried for a while\nQueue:/,
  )
})

test('a domain of several workers is told of once', async () => {
  const text = await sayTogether([FIRST, { ...SECOND, route: MX }], 'domain y.example')
  expect(text).toMatch(/^Domain 'y\.example' has 2 MXs(.*\n){5}Queue:\n {8}Active: {10}2\n/)
  expect(text).toMatch(/\nDeliveries: {9}5\n/)
  expect(await sayTogether([FIRST, SECOND], 'binding domain one x.example')).toMatch(/ by g\/one /)
  expect(await sayTogether([FIRST, SECOND], 'domain z.example')).toMatch(/^nothing is known/)
})

test.each([
  'domain',
  'domain a b',
  'binding domain one',
  'active',
  'active x.example',
  'delayed 1 2',
  'binding active one',
  'binding delayed 1',
])('is none of these commands: %s', async (line) => {
  expect(await say(FIRST, line)).toMatch(/^usage: /)
})
