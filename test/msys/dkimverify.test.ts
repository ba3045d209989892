// Verifying DKIM from Lua: the functions of Momentum 4 and 3, over a key that the test's resolver has.
import { dkimSign } from 'mailauth/lib/dkim/sign.js'
import { beforeAll, describe, expect, test } from 'vitest'
import type { DnsAnswer, DnsQuestion } from '../../src/outside/outside.ts'
import { pem, RSA } from '../support/dkim.ts'
import { runLua } from '../support/policy.ts'

const PLAIN = 'From: a@sender.example\r\nTo: b@rcpt.example\r\nSubject: s\r\n\r\nbody\r\n'
const key = RSA.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
const ZONE: Readonly<Record<string, string>> = {
  's1._domainkey.sender.example': `v=DKIM1; t=y; p=${key}`,
  's2._domainkey.other.example': `v=DKIM1; p=${key}`,
}

let signed: string
const asked: string[] = []

beforeAll(async () => {
  const privateKey = pem(RSA.privateKey)
  const of = (signingDomain: string, selector: string) => ({ signingDomain, selector, privateKey })
  const result = await dkimSign(Buffer.from(PLAIN), {
    ...of('sender.example', 's1'),
    canonicalization: 'relaxed/relaxed',
    signatureData: [of('other.example', 's2'), of('sender.example', 's1')],
  })
  signed = result.signatures + PLAIN
})

async function ask({ type, name }: DnsQuestion): Promise<DnsAnswer> {
  asked.push(`${type} ${name}`)
  await Promise.resolve()
  const record = ZONE[name]
  return record === undefined
    ? { kind: 'failed', text: 'NXDOMAIN' }
    : { kind: 'found', records: [record] }
}

function run(code: string, mail = signed, callout = 'validate_data', resolver = { ask }) {
  const prefix = `local o = require("msys.validate.opendkim") local d = require("opendkim.dkim")
    local dkim = require("msys.validate.dkim") `
  return runLua(prefix + code, {
    callout,
    mail,
    outside: { resolver, clock: { nowMs: Date.now, after: () => () => {} } },
  })
}

describe('msys.validate.opendkim', () => {
  test('what a good signature says of itself', async () => {
    const { said } = await run(`
      local h, stat = o.verify(msg)
      say(stat == d.DKIM_STAT_OK, o.get_num_sigs(h))
      for i = 0, 1 do
        local s = o.get_sig(h, i)
        say((o.get_sig_domain(s)), (o.get_sig_selector(s)), (o.get_sig_errorstr(s)), (o.get_sig_keysize(s)))
        say((o.get_sig_canons(s)), (o.get_sig_signalg(s)), (o.get_sig_identity(h, s)))
        say((o.get_sig_hdrsigned(s, "From")), (o.get_sig_hdrsigned(s, "X-None")))
        say(o.get_sig_flags(s) == d.DKIM_SIGFLAG_PROCESSED | d.DKIM_SIGFLAG_PASSED | (i == 1 and d.DKIM_SIGFLAG_TESTKEY or 0))
      end`)
    const one = (domain: string, selector: string) =>
      `${domain} ${selector} no signature error 2048 relaxed rsa-sha256 @${domain} true false true`
    expect(said).toBe(`true 2 0 ${one('other.example', 's2')} ${one('sender.example', 's1')}`)
  })

  test('a bad one, and none', async () => {
    const code = `
      local h, stat = o.verify(msg)
      local s = o.get_sig(h)
      say(stat == d.DKIM_STAT_BADSIG, stat == d.DKIM_STAT_NOSIG, o.get_num_sigs(h))
      say(s and o.get_sig_errorstr(s), s and o.get_sig_flags(s))`
    expect((await run(code, signed.replace('\r\nbody', '\r\nBody'))).said).toBe(
      'true false 2 0 body hash mismatch 0',
    )
    expect((await run(code, PLAIN)).said).toBe('false true 0 0 nil nil')
  })

  test('a key that is not there, and DNS that does not answer', async () => {
    const code = `
      local h, stat = o.verify(msg)
      say(stat == d.DKIM_STAT_NOKEY, stat == d.DKIM_STAT_KEYFAIL, (o.get_sig_errorstr(o.get_sig(h))))`
    const answers = (text: string) => ({ ask: () => ({ kind: 'failed' as const, text }) })
    const absent = answers('NXDOMAIN') as unknown as { ask: typeof ask }
    const broken = answers('SERVFAIL') as unknown as { ask: typeof ask }
    expect((await run(code, signed, 'validate_data', absent)).said).toBe(
      'true false key not found in DNS',
    )
    expect((await run(code, signed, 'validate_data', broken)).said).toBe(
      'false true DNS query failed',
    )
  })

  test.each([
    [
      'o.verify()',
      'msys.validate.opendkim.verify: bad argument #1 (message expected, got nil): msg',
    ],
    [
      'o.get_sig("x")',
      'msys.validate.opendkim.get_sig: bad argument #1 (dkim expected, got string)',
    ],
    ['o.get_sig_domain(o.verify(msg))', 'bad argument #1 (dkim_sig expected, got dkim): sig'],
    ['say(o.get_sig(o.verify(msg), 7))', 'nil 2'],
    [
      'o.get_sig_hdrsigned((o.get_sig(o.verify(msg))))',
      'bad argument #2 (string expected, got nil)',
    ],
  ])('%s', async (code, text) => {
    expect((await run(code)).said).toContain(text)
  })

  test('is for the octets that came in', async () => {
    const { said } = await run('o.verify(msg)', signed, 'validate_rcptto')
    expect(said).toContain('msys.validate.opendkim.verify is not allowed in validate_rcptto')
  })
})

describe('msys.validate.dkim', () => {
  test('domains with a good signature, that of the author first', async () => {
    const { said } = await run(
      'say(dkim.get_domains(msg, vctx), dkim.get_responsible_domain())',
      signed,
      'validate_data_spool',
    )
    expect(said).toBe('{sender.example,other.example} sender.example')
    expect((await run('say(dkim.get_domains(), dkim.get_responsible_domain())', PLAIN)).said).toBe(
      '{} nil',
    )
  })

  test('results by their place', async () => {
    const { said } = await run(`
      local n, results = dkim.get_verify_results(vctx)
      local r = dkim.verify_results_get_item(results, 0)
      say(n, dkim.verify_results_get_count(results), results.ref)
      say(r.diagnostic, r.algorithm, r.domain, dkim.verify_status_to_string(r.status))
      say(pcall(dkim.verify_results_get_item, results, 2))`)
    expect(said).toMatch(
      /^2 2 1 good signature rsa-sha256 other.example pass false .*Index value is greater than the number of verification results$/,
    )
  })
})
