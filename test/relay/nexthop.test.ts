import { expect, test } from 'vitest'
import { chooseNextHop, type NextHop, type Routing } from '../../src/relay/nexthop.ts'
import type { Resolver } from '../../src/relay/resolver.ts'

type Zone = Readonly<Record<string, readonly string[] | string>>

const ZONE: Zone = {
  'MX two.test': ['20 b.test', '10 a.test'],
  'MX same.test': ['10 a.test', '10 b.test'],
  'A a.test': ['192.0.2.1'],
  'A b.test': ['192.0.2.2'],
  'AAAA b.test': ['2001:db8::2'],
  'MX plain.test': 'ENODATA',
  'A plain.test': ['192.0.2.3'],
  'MX six.test': 'ENODATA',
  'A six.test': 'ENODATA',
  'AAAA six.test': ['2001:db8::6'],
  'MX null.test': ['0 '],
  'MX dot.test': ['0 .'],
  'MX servfail.test': 'ESERVFAIL',
  'MX slow.test': 'ETIMEOUT',
  'MX loop.test': 'ENODATA',
  'A loop.test': 'ENODATA',
  'AAAA loop.test': 'ENODATA',
  'MX half.test': 'ENODATA',
  'A half.test': 'ESERVFAIL',
  'AAAA half.test': 'ENODATA',
  'MX dangling.test': ['10 nowhere.test'],
  'MX wobbly.test': ['10 nowhere.test', '20 half.test'],
  'MX partly.test': ['10 half.test', '20 a.test'],
  'MX xn--bcher-kva.test': ['10 a.test'],
}

test.each([
  ['two.test', ['a.test 192.0.2.1 25', 'b.test 192.0.2.2 25', 'b.test 2001:db8::2 25']],
  ['TWO.test', ['a.test 192.0.2.1 25', 'b.test 192.0.2.2 25', 'b.test 2001:db8::2 25']],
  ['plain.test', ['plain.test 192.0.2.3 25']],
  ['six.test', ['six.test 2001:db8::6 25']],
  ['partly.test', ['a.test 192.0.2.1 25']],
  ['[192.0.2.9]', ['192.0.2.9 192.0.2.9 25']],
  ['[IPv6:2001:db8::9]', ['2001:db8::9 2001:db8::9 25']],
  ['b\xc3\xbccher.test', ['a.test 192.0.2.1 25']],
])('finds the hosts of %s', async (domain, hosts) => {
  expect(brief(await choose(domain))).toEqual(hosts)
})

test.each([
  ['null.test', 'failed', '550 5.1.10 [internal] NULL MX domain does not accept mail'],
  ['dot.test', 'failed', '550 5.1.10 [internal] NULL MX domain does not accept mail'],
  ['nowhere.test', 'failed', '554 5.1.2 [internal] Domain Lookup Failed'],
  ['', 'failed', '554 5.1.2 [internal] Domain Lookup Failed'],
  ['dangling.test', 'failed', '554 5.4.4 [internal] Domain Lookup Failed'],
  [
    'servfail.test',
    'deferred',
    '421 4.4.0 [internal] no MXs for this domain could be reached at this time',
  ],
  [
    'slow.test',
    'deferred',
    '421 4.4.0 [internal] no MXs for this domain could be reached at this time',
  ],
  [
    'half.test',
    'deferred',
    '421 4.4.0 [internal] no MXs for this domain could be reached at this time',
  ],
  [
    'wobbly.test',
    'deferred',
    '421 4.4.0 [internal] no MXs for this domain could be reached at this time',
  ],
  ['loop.test', 'deferred', '454 4.4.4 [internal] no MX or A for domain'],
])('gives up on %s: %s', async (domain, kind, text) => {
  expect(await choose(domain)).toMatchObject({ kind, text, stage: 0 })
})

test('tries exchanges of equal preference in random order', async () => {
  const draws = [0.9, 0.1, 0, 0, 0, 0]
  const hop = await choose('same.test', {}, () => draws.shift() ?? 0)
  expect(brief(hop)).toEqual([
    'b.test 192.0.2.2 25',
    'b.test 2001:db8::2 25',
    'a.test 192.0.2.1 25',
  ])
})

test('uses the configured port', async () => {
  expect(brief(await choose('plain.test', { remoteSmtpPort: 2525 }))).toEqual([
    'plain.test 192.0.2.3 2525',
  ])
})

test.each([
  ['two.test', ['a.test 192.0.2.1 26', 'b.test 192.0.2.2 26', 'b.test 2001:db8::2 26']],
  ['plain.test', ['plain.test 192.0.2.3 26']],
  ['127.0.0.1', ['127.0.0.1 127.0.0.1 26']],
  ['::1', ['::1 ::1 26']],
  ['localhost', ['localhost 127.0.0.1 26', 'localhost ::1 26']],
])('sends everything to the gateway %s', async (host, hosts) => {
  expect(brief(await choose('nowhere.test', { gateway: { host, port: 26 } }))).toEqual(hosts)
})

test('does not bounce mail because the gateway has no address', async () => {
  const hop = await choose('two.test', { gateway: { host: 'nowhere.test', port: 26 } })
  expect(hop.kind).toBe('deferred')
})

test('follows routes by preference, with the MX of the domain among them', async () => {
  const routes = [
    { kind: 'host', host: 'nowhere.test', port: 26, pref: 0, lookup: 'a' },
    { kind: 'mx', pref: 2 },
    { kind: 'host', host: 'plain.test', port: 27, pref: 1, lookup: 'a' },
    { kind: 'host', host: 'two.test', port: 28, pref: 3, lookup: 'mx' },
  ] as const
  expect(brief(await choose('partly.test', { routes }))).toEqual([
    'plain.test 192.0.2.3 27',
    'a.test 192.0.2.1 25',
    'a.test 192.0.2.1 28',
    'b.test 192.0.2.2 28',
    'b.test 2001:db8::2 28',
  ])
})

test('delivers to the maildir without asking DNS', async () => {
  const hop = await choose('nowhere.test', { maildir: '/var/mail/x' })
  expect(hop).toEqual({ kind: 'maildir', path: '/var/mail/x' })
})

function choose(
  domain: string,
  routing: Partial<Routing> = {},
  random: () => number = () => 0,
): Promise<NextHop> {
  return chooseNextHop(domain, { remoteSmtpPort: 25, ...routing }, { resolver: zone(), random })
}

function zone(): Resolver {
  return {
    resolve4: async (name) => answer('A', name),
    resolve6: async (name) => answer('AAAA', name),
    resolveMx: async (name) =>
      answer('MX', name).map((record) => {
        const [priority, exchange = ''] = record.split(' ')
        return { priority: Number(priority), exchange }
      }),
  }
}

function answer(type: string, name: string): readonly string[] {
  const records = ZONE[`${type} ${name}`] ?? (isKnown(name) ? 'ENODATA' : 'ENOTFOUND')
  if (typeof records === 'string') throw Object.assign(new Error(records), { code: records })
  return records
}

function isKnown(name: string): boolean {
  return Object.keys(ZONE).some((key) => key.endsWith(` ${name}`))
}

function brief(hop: NextHop): unknown {
  if (hop.kind !== 'smtp') return hop
  return hop.hosts.map(({ name, address, port }) => `${name} ${address} ${port}`)
}
