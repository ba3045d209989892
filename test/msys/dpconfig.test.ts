// The tables of msys.dp_config that count and that let clients relay, in the bundled default_policy.lua: whole
// sessions against one policy, so that its series go on from one to the next.
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { closedOutside } from '../../src/outside/closed.ts'
import type { CalloutName } from '../../src/policy/phases.ts'
import { policyOf, subjectOf } from '../support/policy.ts'

async function defaultPolicy(config: string) {
  const script = new URL('../../policy/default_policy.lua', import.meta.url)
  const files = {
    read: () =>
      Promise.resolve({ kind: 'read', octets: ':127.0.0.2:ours\n192.0.2.0/24\n' } as const),
  }
  const { policy, panics, close } = await policyOf(
    {
      dp_config: `module("msys.dp_config", package.seeall) require("msys.core") ${config}`,
      default_policy: await readFile(script, 'utf8'),
    },
    { outside: closedOutside({ files: { ...closedOutside().files, ...files } }) },
  )
  /** What the callout answers; `facts` are connection variables. */
  const ask = async (
    callout: CalloutName,
    facts: Record<string, string> = {},
    sender = 'a@b.c',
  ) => {
    const { subject } = subjectOf()
    for (const [name, value] of Object.entries(facts)) {
      subject.vctx.context.connection.set(name, value)
    }
    await policy.openSession().run(callout, { ...subject, str: `MAIL FROM:<${sender}>` })
    const { code, note, disconnect } = subject.vctx.verdict
    const canRelay = subject.vctx.context.connection.get('can_relay') ?? ''
    return `${code} ${note}${disconnect ? ' bye' : ''}${canRelay && ' relay'}`
  }
  return { ask, panics, close }
}

const series = (name: string, type: string, key = '') =>
  `msys.dp_config.audit_series = { ${name} = { type = "${type}", interval = 900, buckets = 4,
    thresholds = { { check = true, ${key} startv = 0, endv = 3, threshold = 2, honor_whitelist = { "global" } },
      { check = false, startv = 0, endv = 3, threshold = 0 } }, options = { persist = false } } }`

test.each<
  [name: string, type: string, key: string, CalloutName, facts: Record<string, string>, string]
>([
  [
    'connections',
    'cidr',
    'key = "/32",',
    'validate_connect',
    {},
    '421 connection rate limit exceeded bye',
  ],
  [
    'connections',
    'cidr',
    'key = "/24",',
    'validate_connect',
    {},
    '421 connection rate limit exceeded bye',
  ],
  ['messages', 'cidr', 'key = "/32",', 'validate_data', {}, '421 message rate limit exceeded bye'],
  ['mailfrom', 'string', '', 'validate_mailfrom', {}, '451 Sender message rate limit exceeded'],
  [
    'auth_user',
    'string',
    '',
    'validate_mailfrom',
    { auth_user: 'joe' },
    '451 Authenticated user rate limit exceeded',
  ],
])('audit_series.%s by %s %s', async (name, type, key, callout, facts, answer) => {
  const { ask, panics, close } = await defaultPolicy(series(name, type, key))
  expect([await ask(callout, facts), await ask(callout, facts)]).toEqual(['0 ', '0 '])
  expect(await ask(callout, facts)).toBe(answer)
  if (name === 'mailfrom') expect(await ask(callout, facts, 'other@b.c')).toBe('0 ')
  if (name === 'auth_user') expect(await ask(callout)).toBe('0 ')
  expect(panics).toEqual([])
  await close()
})

test('a whitelist takes a client out of a rate', async () => {
  const config = `${series('connections', 'cidr', 'key = "/32",')}
    msys.dp_config.custom_policy = { pre_validate_connect = function(ac, vctx)
      msys.pbp.set_whitelist(vctx, msys.core.VCTX_CONN, "global", true) return 0 end }`
  const { ask, close } = await defaultPolicy(config)
  for (let i = 0; i < 4; i++) expect(await ask('validate_connect')).toBe('0 ')
  await close()
})

const ONNET =
  'onnet = { type = "rbldnsd", refresh = 1800, source = "onnet.txt", record_type = "TXT", default_value = "" }'

test.each([
  [`{ check = true, ${ONNET} }`, {}, '0 ', '0  relay'],
  ['{ check = true }', {}, '550 relaying denied', '0 '],
  ['{ check = true, allow_smtp_auth = true }', { auth_status: 'pass' }, '0 ', '0 '],
  [
    '{ check = true, allow_smtp_auth = true }',
    { auth_status: 'fail' },
    '550 relaying denied',
    '0 ',
  ],
  [
    '{ check = true, allow_smtp_auth = false }',
    { auth_status: 'pass' },
    '550 relaying denied',
    '0 ',
  ],
  [`{ check = false, ${ONNET} }`, {}, '0 ', '0 '],
])('relay_authorization = %s with %j: %s', async (table, facts, atRcpt, atConnect) => {
  const { ask, close } = await defaultPolicy(`msys.dp_config.relay_authorization = ${table}`)
  expect(await ask('validate_connect', facts)).toBe(atConnect)
  expect(await ask('validate_rcptto', facts)).toBe(atRcpt)
  await close()
})

test('tables that need what is not here are named', async () => {
  const { panics, close } = await defaultPolicy(
    `msys.dp_config.early_talker = { check = true } msys.dp_config.antivirus = { check = true }
     msys.dp_config.audit_series = { spam = { type = "cidr" } }`,
  )
  expect(panics.toSorted()).toEqual([
    'scriptlet: msys.dp_config.antivirus is not supported: it checks nothing',
    'scriptlet: msys.dp_config.audit_series.spam is not supported: it counts nothing',
    'scriptlet: msys.dp_config.early_talker is not supported: it checks nothing',
  ])
  await close()
})
