// msys.pbp.fcdns_check from Lua: from the client's address to a name and back.
import { expect, test } from 'vitest'
import type { DnsAnswer, DnsQuestion } from '../../src/outside/outside.ts'
import { runLua } from '../support/policy.ts'

async function check(zone: Readonly<Record<string, readonly string[] | string>>) {
  const ask = ({ type, name }: DnsQuestion): DnsAnswer => {
    const found = zone[`${type} ${name}`] ?? 'NXDOMAIN'
    return typeof found === 'string'
      ? { kind: 'failed', text: found }
      : { kind: 'found', records: found }
  }
  const code = `say(msys.pbp.fcdns_check(ac, vctx))
    say(vctx:get(E.VCTX_CONN, "reverse_dns"), vctx:get(E.VCTX_CONN, "fcdns_status"))`
  const { said } = await runLua(code, {
    callout: 'validate_connect',
    outside: { resolver: { ask } },
  })
  return said
}

const PTR = 'PTR 1.2.0.192.in-addr.arpa'

test.each([
  [{ [PTR]: ['Mail.example.'], 'A mail.example': ['192.0.2.1'] }, 'true nil nil mail.example true'],
  [
    { [PTR]: ['one.example', 'two.example'], 'A two.example': ['192.0.2.9', '192.0.2.1'] },
    'true nil nil two.example true',
  ],
  [
    { [PTR]: ['mail.example'], 'A mail.example': ['192.0.2.2'] },
    'false nil nil mail.example false',
  ],
  [{ [PTR]: ['mail.example'] }, 'false nil NXDOMAIN mail.example false'],
  [{}, 'false NXDOMAIN nil  false'],
  [{ [PTR]: 'SERVFAIL' }, 'false SERVFAIL nil  false'],
])('%j', async (zone, expected) => {
  expect(await check(zone as Record<string, readonly string[]>)).toBe(expected)
})

test('needs both objects', async () => {
  const { said } = await runLua('msys.pbp.fcdns_check(ac)', { callout: 'validate_connect' })
  expect(said).toContain('msys.pbp.fcdns_check: bad argument #2 (vctx expected, got nil): vctx')
})

test.each([
  ['%{p}', ['mail.other.example', 'mx.sender.example', 'sender.example'], 'sender.example'],
  ['%{spfv1:p}', ['mail.other.example', 'mx.sender.example'], 'mx.sender.example'],
  ['%{p1}.%{i}', ['mail.other.example'], 'example.192.0.2.1'],
  ['%{p}', ['liar.example'], 'unknown'],
  ['%{p}', [], 'unknown'],
  ['%{d}', [], 'sender.example'],
])('msys.expandMacro("%s") for a client of the names %j', async (macro, names, expected) => {
  const ask = ({ type, name }: DnsQuestion): DnsAnswer => {
    if (type === 'PTR' && names.length > 0) return { kind: 'found', records: names }
    const isOwn = type === 'A' && name !== 'liar.example'
    return isOwn ? { kind: 'found', records: ['192.0.2.1'] } : { kind: 'failed', text: 'NXDOMAIN' }
  }
  const code = `vctx:set(E.VCTX_MESS, "mailfrom_domain", "sender.example") say(msys.expandMacro("${macro}"))`
  const { said } = await runLua(code, { outside: { resolver: { ask } } })
  expect(said).toBe(expected)
})
