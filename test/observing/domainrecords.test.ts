// What is remembered of domains, by the ways that their copies went.
import { expect, test } from 'vitest'
import { makeDomainRecords } from '../../src/observing/domainrecords.ts'
import type { Attempt } from '../../src/relay/attempt.ts'
import { copyFor, entryFor, storedFor } from '../spool/fixtures.ts'

const BY_ONE = { group: 'g', binding: 'one' }

/** Each of a message of its own, read by a spool of its own: equal ways are not the same. */
function attempt(domain: string, egress?: typeof BY_ONE, text = '250 ok'): Attempt {
  const entry = entryFor('m', copyFor(`a@${domain}`, egress ? { egress } : {}))
  return {
    stored: storedFor(entry),
    entry,
    copyIndex: 0,
    remoteAddress: '',
    outboundConnectionId: '',
    code: 0,
    text,
    stage: 0,
    retries: 0,
    queuedMs: 0,
    startedMs: 0,
    sizeBytes: 10,
  }
}

test('attempts are counted by domain, group and binding', () => {
  let nowMs = 1000
  const { note, of, all } = makeDomainRecords(() => nowMs)
  note('delivered', attempt('x.example'))
  nowMs = 2000
  note('delivered', attempt('x.example', BY_ONE))
  nowMs = 3000
  note('deferred', attempt('x.example'))
  note('failed', attempt('y.example', BY_ONE, '554 5.1.2 [internal] Domain Lookup Failed'))
  note('deferred', attempt('y.example', BY_ONE, '454 4.4.4 [internal] no MX or A for domain'))
  const sum = { deliveries: 2, attempts: 3, transients: 1, failures: 0, lastDeliveryMs: 2000 }
  expect(of('x.example')).toEqual({ ...sum, dnsFailures: 0 })
  expect(of('y.example')).toMatchObject({ attempts: 2, dnsFailures: 2, lastDeliveryMs: 0 })
  expect(of('z.example').attempts).toBe(0)
  expect(all().map(({ domain, binding, attempts }) => [domain, binding, attempts])).toEqual([
    ['x.example', 'default', 2],
    ['x.example', 'one', 1],
    ['y.example', 'one', 2],
  ])
  note('delivered', attempt('y.example'))
  expect(of('y.example').dnsFailures).toBe(0)
})

test('of very many domains those are forgotten that nothing was tried for the longest time', () => {
  const { note, of, all } = makeDomainRecords(() => 1)
  const kept = attempt('kept.example')
  note('delivered', kept)
  note('delivered', attempt('gone.example'))
  for (let i = 0; i < 25_000; i++) {
    note('delivered', attempt(`d${i}.example`))
    if (i % 1000 === 0) note('delivered', kept)
  }
  expect(of('kept.example').deliveries).toBe(26)
  expect(of('gone.example').deliveries).toBe(0)
  expect(of('d24999.example').deliveries).toBe(1)
  expect(all().length).toBeLessThanOrEqual(20_000)
  expect(all().filter(({ domain }) => domain === 'kept.example')).toHaveLength(1)
})
