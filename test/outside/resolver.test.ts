// DNS for policy, against a server of our own.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DnsQuestion, RecordType } from '../../src/outside/outside.ts'
import { makeResolver } from '../../src/outside/resolver.ts'
import { type DnsServer, startDns } from '../support/dns.ts'

let dns: DnsServer
let nowMs = 0

beforeAll(async () => {
  dns = await startDns({
    'A host.example': ['192.0.2.1', '192.0.2.2'],
    'AAAA host.example': ['2001:db8::1'],
    'MX host.example': [
      { preference: 20, exchange: 'mx2.host.example' },
      { preference: 10, exchange: 'mx1.host.example' },
    ],
    'MX nomail.example': [{ preference: 0, exchange: '.' }],
    'TXT host.example': [[Buffer.from('v=spf1 '), Buffer.from('-all')], [Buffer.from([0xe4, 0])]],
    'NS host.example': ['ns1.host.example'],
    'PTR 1.2.0.192.in-addr.arpa': ['host.example'],
    'A broken.example': 'SERVFAIL',
    'A closed.example': 'REFUSED',
    'A silent.example': 'silence',
  })
})

afterAll(() => dns.close())

const resolver = () =>
  makeResolver({ servers: [dns.address], nowMs: () => nowMs, timeoutMs: 250, tries: 1 })

describe('what a server answers', () => {
  test.each<[RecordType, string, readonly string[]]>([
    ['A', 'host.example', ['192.0.2.1', '192.0.2.2']],
    ['AAAA', 'host.example', ['2001:db8::1']],
    ['MX', 'host.example', ['20 mx2.host.example', '10 mx1.host.example']],
    ['MX', 'nomail.example', ['0 .']],
    ['TXT', 'host.example', ['v=spf1 -all', '\xe4\0']],
    ['NS', 'host.example', ['ns1.host.example']],
    ['PTR', '1.2.0.192.in-addr.arpa', ['host.example']],
  ])('%s %s', async (type, name, records) => {
    expect(await resolver().ask({ name, type })).toEqual({ kind: 'found', records })
  })

  test.each([
    ['nobody.example', 'NXDOMAIN'],
    ['1.2.0.192.in-addr.arpa', 'NODATA'],
    ['broken.example', 'SERVFAIL'],
    ['closed.example', 'REFUSED'],
    ['silent.example', 'TIMEOUT'],
    [`${'x'.repeat(64)}.example`, 'BADNAME'],
  ])('A %s: %s', async (name, text) => {
    expect(await resolver().ask({ name, type: 'A' })).toEqual({ kind: 'failed', text })
  })
})

describe('what is kept', () => {
  const question: DnsQuestion = { name: 'host.example', type: 'A' }

  test('an answer is kept for its time to live, and is then no promise', async () => {
    const { ask } = resolver()
    await ask(question)
    const before = dns.asked.length
    expect(ask({ ...question, name: 'HOST.example' })).toMatchObject({ kind: 'found' })
    nowMs += 299_000
    expect(ask(question)).toMatchObject({ kind: 'found' })
    nowMs += 2_000
    expect(ask(question)).toBeInstanceOf(Promise)
    await ask(question)
    expect(dns.asked.length).toBe(before + 1)
  })

  test('that a name does not exist is kept for half a minute', async () => {
    const { ask } = resolver()
    await ask({ name: 'nobody.example', type: 'A' })
    nowMs += 29_000
    expect(ask({ name: 'nobody.example', type: 'A' })).toMatchObject({ text: 'NXDOMAIN' })
    nowMs += 2_000
    expect(ask({ name: 'nobody.example', type: 'A' })).toBeInstanceOf(Promise)
  })

  test('failures are not kept', async () => {
    const { ask } = resolver()
    await ask({ name: 'broken.example', type: 'A' })
    const before = dns.asked.length
    await ask({ name: 'broken.example', type: 'A' })
    expect(dns.asked.length).toBe(before + 1)
  })

  test('what many ask at once is asked once', async () => {
    const { ask } = resolver()
    const before = dns.asked.length
    await Promise.all([ask(question), ask(question), ask(question)])
    expect(dns.asked.length).toBe(before + 1)
  })

  test('no more answers than there may be, the oldest go', async () => {
    const options = { servers: [dns.address], nowMs: () => nowMs, maxAnswers: 2 }
    const { ask } = makeResolver(options)
    await ask(question)
    await ask({ ...question, type: 'AAAA' })
    await ask({ ...question, type: 'MX' })
    expect(ask({ ...question, type: 'AAAA' })).not.toBeInstanceOf(Promise)
    const again = ask(question)
    expect(again).toBeInstanceOf(Promise)
    await again
  })
})

test('another server is asked when the question names it, and its answers are kept apart', async () => {
  const other = await startDns({ 'A host.example': ['198.51.100.1'] })
  const { ask } = resolver()
  const question: DnsQuestion = { name: 'host.example', type: 'A' }
  expect(await ask({ ...question, server: other.address })).toMatchObject({
    records: ['198.51.100.1'],
  })
  expect(await ask(question)).toMatchObject({ records: ['192.0.2.1', '192.0.2.2'] })
  expect(ask({ ...question, server: 'nonsense' })).toEqual({
    kind: 'failed',
    text: 'not the address of a server: nonsense',
  })
  other.close()
})
