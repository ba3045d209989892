// msys.dnsLookup from Lua, over answers of the test's own.
import { describe, expect, test } from 'vitest'
import type { DnsAnswer, Resolver } from '../../src/outside/outside.ts'
import { policyOf, runLua, subjectOf } from '../support/policy.ts'
import { closedOutside } from '../../src/outside/closed.ts'

const ANSWERS: Readonly<Record<string, readonly string[]>> = {
  'A host.example': ['192.0.2.1', '192.0.2.2'],
  'AAAA host.example': ['2001:db8::1'],
  'MX host.example': ['20 mx2.example', '10 mx1.example', '20 mx3.example'],
  'TXT host.example': ['v=spf1 -all', 'a b'],
  'NS host.example': ['ns.example'],
  'PTR 1.2.0.192.in-addr.arpa': ['host.example'],
  'PTR 1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa': ['six.example'],
  'A xn--bcher-kva.example': ['192.0.2.3'],
  'A host.example @192.0.2.53': ['198.51.100.1'],
}

const resolver: Resolver = {
  async ask({ type, name, server }): Promise<DnsAnswer> {
    await Promise.resolve()
    const records = ANSWERS[`${type} ${name}${server === undefined ? '' : ` @${server}`}`]
    return records ? { kind: 'found', records } : { kind: 'failed', text: 'NXDOMAIN' }
  },
}

const run = (code: string, given: Resolver = resolver) =>
  runLua(code, { callout: 'validate_connect', outside: { resolver: given } })

describe('msys.dnsLookup', () => {
  test.each([
    ['say(msys.dnsLookup("host.example"))', '{192.0.2.1,192.0.2.2}'],
    ['say(msys.dnsLookup("host.example", "a"))', '{192.0.2.1,192.0.2.2}'],
    ['say(msys.dnsLookup("host.example.", "AAAA"))', '{2001:db8::1}'],
    ['say(msys.dnsLookup("host.example", "mx"))', '{mx1.example,mx2.example,mx3.example}'],
    [
      'for _, v in ipairs(msys.dnsLookup("host.example", "MX", { priority = true })) do say(v) end',
      '{10,mx1.example} {20,mx2.example} {20,mx3.example}',
    ],
    ['say(msys.dnsLookup("host.example", "TXT"))', '{v=spf1 -all,a b}'],
    ['say(msys.dnsLookup("host.example", "NS"))', '{ns.example}'],
    ['say(msys.dnsLookup("1.2.0.192.in-addr.arpa", "PTR"))', '{host.example}'],
    ['say(msys.dnsLookup("192.0.2.1", "PTR"))', '{host.example}'],
    ['say(msys.dnsLookup("2001:db8::1", "PTR"))', '{six.example}'],
    ['say(msys.dnsLookup("b\\195\\188cher.example"))', '{192.0.2.3}'],
    ['say(msys.dnsLookup("host.example", "A", { server = "192.0.2.53" }))', '{198.51.100.1}'],
    ['say(msys.dnsLookup("nobody.example"))', 'nil NXDOMAIN'],
    ['say(pcall(msys.dnsLookup, "nobody.example", "MX"))', 'true nil NXDOMAIN'],
  ])('%s', async (code, expected) => {
    expect((await run(code)).said).toBe(expected)
  })

  test.each([
    ['msys.dnsLookup()', 'msys.dnsLookup: bad argument #1 (string expected, got nil): name'],
    ['msys.dnsLookup({})', 'msys.dnsLookup: bad argument #1 (string expected, got table): name'],
    [
      'msys.dnsLookup("a", "CNAME")',
      "msys.dnsLookup: bad argument #2 (unknown record type 'CNAME'; known: A, AAAA, MX, TXT, PTR, NS): type",
    ],
    [
      'msys.dnsLookup("a", "A", 1)',
      'msys.dnsLookup: bad argument #3 (table expected, got number): options',
    ],
    [
      'msys.dnsLookup("a", "A", { server = 1 })',
      'msys.dnsLookup: bad argument #3 (server must be a string): options',
    ],
    [
      'table.sort({ 1, 2 }, function() return msys.dnsLookup("host.example") ~= nil end)',
      'msys.dnsLookup cannot wait here',
    ],
  ])('%s raises', async (code, expected) => {
    expect((await run(code)).said).toContain(expected)
  })

  test('an answer that is known already does not suspend the callout', async () => {
    const policy = await policyOf(
      {
        a: `msys.registerModule("a", { validate_connect = function()
              print(msys.dnsLookup("host.example")[1]) return msys.core.VALIDATE_CONT end })`,
      },
      {
        outside: closedOutside({
          resolver: { ask: () => ({ kind: 'found', records: ['192.0.2.9'] }) },
        }),
      },
    )
    const outcome = policy.policy.openSession().run('validate_connect', subjectOf().subject)
    expect(outcome).toEqual({ kind: 'done' })
    expect(policy.panics).toEqual(['scriptlet: 192.0.2.9'])
    await policy.close()
  })

  test('where there is no DNS the error names what was asked', async () => {
    const { said } = await runLua('msys.dnsLookup("host.example", "MX")')
    expect(said).toContain('msys.dnsLookup: no DNS here: MX host.example')
  })

  test('others run while one waits, and a callout that waits too long ends', async () => {
    const source = `msys.registerModule("a", {
      validate_connect = function() msys.dnsLookup("never.example") end,
      validate_ehlo = function() print("served") return msys.core.VALIDATE_CONT end })`
    const budget = { cpuMs: 500, wallMs: 100, allocBytes: 2 ** 26, maxStringBytes: 2 ** 24 }
    const outside = closedOutside({ resolver: { ask: () => new Promise(() => {}) } })
    const { policy, panics, close } = await policyOf({ a: source }, { budget, outside })
    const waiting = policy.openSession().run('validate_connect', subjectOf().subject)
    expect(policy.openSession().run('validate_ehlo', subjectOf().subject)).toEqual({ kind: 'done' })
    expect(panics).toEqual(['scriptlet: served'])
    expect(await waiting).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('waited longer than its wall-clock limit'),
    })
    await close()
  })
})
