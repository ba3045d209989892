// `msys.pbp` from Lua, and the bundled default policy that is made of it.
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { closedOutside } from '../../src/outside/closed.ts'
import type { DnsQuestion, Outside } from '../../src/outside/outside.ts'
import { policyOf, runLua, subjectOf } from '../support/policy.ts'

/** Answers by `TYPE name`; what is not there is NXDOMAIN, what is no list fails with that text. */
function withNames(names: Readonly<Record<string, readonly string[] | string>>): Partial<Outside> {
  const ask = ({ type, name }: DnsQuestion) => {
    const found = names[`${type} ${name}`] ?? 'NXDOMAIN'
    return typeof found === 'string'
      ? ({ kind: 'failed', text: found } as const)
      : ({ kind: 'found', records: found } as const)
  }
  return { resolver: { ask } }
}

const PTR = 'PTR 1.2.0.192.in-addr.arpa'

describe('msys.pbp', () => {
  test.each<[string, string | RegExp]>([
    ['say(msys.pbp.check_whitelist(vctx, { "good" }))', 'false'],
    [
      'msys.pbp.set_whitelist(vctx, C, "good", true) say(msys.pbp.check_whitelist(vctx, { "bad", "good" }), vctx:get(C, "dp_whitelist_good"))',
      'true true',
    ],
    [
      'msys.pbp.set_whitelist(vctx, M, "good", true) say(msys.pbp.check_whitelist(vctx, { honor_whitelist = { "good" } }))',
      'true',
    ],
    [
      'msys.pbp.set_whitelist(vctx, C, "g", true) msys.pbp.set_whitelist(vctx, C, "g", false) say(msys.pbp.check_whitelist(vctx, { "g" }))',
      'false',
    ],
    ['say(msys.pbp.check_whitelist(vctx, {}))', 'false'],
    [
      'msys.pbp.check_whitelist({}, {})',
      /check_whitelist: bad argument #1 \(vctx expected, got table\)/,
    ],
    ['msys.pbp.check_whitelist(vctx)', /bad argument #2 \(table expected, got nil\): config/],
    ['msys.pbp.set_whitelist(vctx, 7, "x", true)', /bad argument #2 .*got number\): type/],
    [
      'msys.pbp.set_whitelist(vctx, C, "x")',
      /bad argument #4 \(boolean expected, got nil\): value/,
    ],
  ])('%s', async (code, expected) => {
    const { said } = await runLua(code)
    if (typeof expected === 'string') expect(said).toBe(expected)
    else expect(said).toMatch(expected)
  })
})

describe('default_policy.lua', () => {
  const run = async (
    config: string,
    callout: 'validate_connect' | 'validate_mailfrom' | 'validate_data',
    outside: Partial<Outside> = {},
  ) => {
    const script = new URL('../../policy/default_policy.lua', import.meta.url)
    const { policy, panics, close } = await policyOf(
      {
        dp_config: `module("msys.dp_config", package.seeall) require("msys.core") ${config}`,
        default_policy: await readFile(script, 'utf8'),
      },
      { outside: closedOutside(outside) },
    )
    const { subject } = subjectOf()
    const outcome = await policy
      .openSession()
      .run(callout, { ...subject, str: 'MAIL FROM:<a@sender.example>' })
    await close()
    const { code, note, disconnect } = subject.vctx.verdict
    return { verdict: `${code} ${note} ${disconnect}`, outcome, panics }
  }
  const FCDNS =
    'msys.dp_config.fcdns = { check = true, rdns_failure_code = 554, fdns_failure_code = 553 }'
  const LIMIT = (limit: number) =>
    `msys.dp_config.concurrent_connection_limits = { { check = true, mask = "/32", limit = ${limit} } }`
  const RBL = `msys.dp_config.rbls = { { check = true, name = "r", type = "dns", base = "rbl.example", record_type = "TXT",
    code = 554, reason = "listed: %s", honor_whitelist = { "global" } } }`
  const CUSTOM = (name: string, result: string) =>
    `msys.dp_config.custom_policy = { ${name} = function(ac, vctx) print("${name}") ${result} end }`
  const listed = withNames({ 'TXT 1.2.0.192.rbl.example': ['spam'] })

  test.each([
    ['', '0  false', {}],
    [LIMIT(0), '421 connection limit exceeded true', {}],
    [LIMIT(1), '0  false', {}],
    [FCDNS, '554 your address has no name true', withNames({})],
    [FCDNS, '421 temporary failure to look up your name true', withNames({ [PTR]: 'SERVFAIL' })],
    [
      FCDNS,
      '553 the name of your address does not lead back to it true',
      withNames({ [PTR]: ['a'] }),
    ],
    [FCDNS, '0  false', withNames({ [PTR]: ['a'], 'A a': ['192.0.2.1'] })],
    [RBL, '554 listed: spam true', listed],
    [RBL, '0  false', withNames({})],
    [
      `${RBL} ${CUSTOM('pre_validate_connect', 'return msys.core.VALIDATE_DONE')}`,
      '0  false',
      listed,
    ],
    [
      `${RBL} ${CUSTOM('pre_validate_connect', 'msys.pbp.set_whitelist(vctx, msys.core.VCTX_CONN, "global", true)')}`,
      '0  false',
      listed,
    ],
    [CUSTOM('post_validate_connect', 'vctx:set_code(550, "mine")'), '550 mine false', {}],
  ])('validate_connect with %s', async (config, verdict, outside) => {
    expect(await run(config, 'validate_connect', outside)).toMatchObject({
      verdict,
      outcome: { kind: 'done' },
    })
  })

  test.each([
    [{ 'MX sender.example': ['10 mx'] }, '0  false'],
    [{ 'MX sender.example': 'NODATA', 'A sender.example': ['192.0.2.1'] }, '0  false'],
    [{}, '554 the domain of the sender does not exist false'],
    [
      { 'MX sender.example': 'TIMEOUT' },
      '451 the domain of the sender cannot be looked up now false',
    ],
  ])('the domain of the sender: %j', async (names, verdict) => {
    const config = 'msys.dp_config.mail_from_domain_validate = { check = true, failure_code = 554 }'
    expect(await run(config, 'validate_mailfrom', withNames(names))).toMatchObject({ verdict })
  })

  test('a message that is too large', async () => {
    const config = 'msys.dp_config.message_size_limits = { { check = true, size = "10b" } }'
    expect(await run(config, 'validate_data')).toMatchObject({
      verdict: '552 the message is too large false',
    })
  })

  test('what it does not check it names', async () => {
    const { panics } = await run(
      'msys.dp_config.antivirus = { check = true } msys.dp_config.beik = { check = false }',
      'validate_connect',
    )
    expect(panics).toEqual([
      'scriptlet: msys.dp_config.antivirus is not supported: it checks nothing',
    ])
  })

  test('a pre_init that fails refuses the load', async () => {
    await expect(run(CUSTOM('pre_init', 'return false'), 'validate_connect')).rejects.toThrow(
      /init of module "default_policy" did not return true/,
    )
  })
})
