// msys.config from Lua: options of an ecelerity.conf by their names.
import { describe, expect, test } from 'vitest'
import { parseConfig } from '../../src/config/load.ts'
import { policyOf, subjectOf } from '../support/policy.ts'

const CONF = `
  max_outbound_connections = 10
  Retry_Interval = 600
  domain "yahoo.com" { max_outbound_connections = 3 }
  binding "one" {
    gateway = "relay.example"
    domain "yahoo.com" { max_outbound_connections = 2 }
  }
  binding "two" { max_outbound_connections = 5 }
  esmtp_listener { listen ":2525" { smtp_extensions = ( "XCLIENT" "XREMOTEIP" ) } }
  engagement_tracker { tracking_keys = [ one = "00112233445566778899aabbccddeeff" ] }
`

async function run(code: string) {
  const options = { lenient: false, defaultHostname: 'host.example', folder: '/' }
  const { config } = parseConfig(CONF, 'test.conf', options)
  const source = `msys.registerModule("a", { validate_connect = function()
    local c = msys.config
    print(pcall(function() return ${code} end)) return msys.core.VALIDATE_CONT end })`
  const { policy, panics, close } = await policyOf({ a: source }, { live: config.live })
  await policy.openSession().run('validate_connect', subjectOf().subject)
  await close()
  return (panics.at(-1) ?? '').replace(/^scriptlet: /, '').replaceAll('\t', ' ')
}

describe('msys.config', () => {
  test.each([
    ['c("get", "max_outbound_connections")', 'true 10 max_outbound_connections = 10'],
    ['(c("get", "retry_interval"))', 'true 600'],
    ['(c("get", "domain", "yahoo.com", "max_outbound_connections"))', 'true 3'],
    ['(c("get", "domain", "Yahoo.COM", "max_outbound_connections"))', 'true 3'],
    ['(c("get", "binding", "one", "domain", "yahoo.com", "max_outbound_connections"))', 'true 2'],
    [
      'c("get", "binding", "one", "max_outbound_connections")',
      "true nil Option 'max_outbound_connections' is not set in scope 'binding one'.",
    ],
    ['(c("get", "binding", "none", "gateway"))', 'true nil'],
    ['(c("eval", "binding", "two", "domain", "aol.com", "max_outbound_connections"))', 'true 5'],
    ['(c("eval", "binding", "one", "domain", "aol.com", "max_outbound_connections"))', 'true 10'],
    ['(c("eval", "domain", "aol.com", "message_expiration"))', 'true 86400'],
    ['(c("eval", "gateway"))', 'true nil'],
    [
      '(c("get", "esmtp_listener", "listen", ":2525", "smtp_extensions"))',
      'true ( "XCLIENT" "XREMOTEIP" )',
    ],
  ])('%s', async (code, expected) => {
    expect(await run(code)).toBe(expected)
  })

  test.each([
    ['c("get")', 'msys.config: bad argument #2 (string expected, got nil): option'],
    ['c()', 'msys.config: bad argument #1 (string expected, got nil): action'],
    ['c("get", {})', 'msys.config: bad argument #2 (string expected, got table): scope'],
    [
      'c("frob", "retry_interval")',
      'msys.config: not available: frob (known: get, eval, set, unset)',
    ],
    [
      'c("set", "retry_interval")',
      'msys.config: bad argument #3 (string expected, got nil): value',
    ],
    ['c("unset")', 'msys.config: bad argument #2 (string expected, got nil): option'],
    [
      'c("set", "retry_interval", "soon")',
      'msys.config: set: option "retry_interval": expected whole seconds, found "soon"',
    ],
    [
      'c("set", "retry_interval", "")',
      'msys.config: set: option "retry_interval": expected whole seconds',
    ],
    [
      'c("set", "routes", "( a ) retry_interval = 1")',
      'msys.config: set: option "routes": expected one value',
    ],
    [
      'c("set", "hostname", "x")',
      'msys.config: set: option "hostname" cannot be changed while the server runs: change the file and reload',
    ],
    [
      'c("set", "scriptlet", "callout_cpu_ms", "9")',
      'option "callout_cpu_ms" cannot be changed while the server runs',
    ],
    [
      'c("set", "esmtp_listener", "listen", ":2525", "enable", "false")',
      'option "enable" cannot be changed',
    ],
    [
      'c("set", "esmtp_listener", "listen", ":26", "idle_time", "5")',
      'msys.config: set: there is no esmtp_listener listen :26',
    ],
    ['c("set", "binding", "three", "gateway", "x")', 'msys.config: set: there is no binding three'],
    [
      'c("set", "max_resident_messages", "5")',
      'option "max_resident_messages" is known but not supported yet',
    ],
    ['c("set", "domain", "d", "hostname", "5")', 'option "hostname" is not valid in domain'],
    [
      'c("set", "tls_ca", "/nowhere")',
      'msys.config: set: option "tls_ca": expected the path of a readable file',
    ],
    ['c("get", "no_such_option")', 'msys.config: unknown option "no_such_option"'],
    ['c("get", "nowhere", "retry_interval")', 'msys.config: no scope is named'],
    [
      'c("get", "engagement_tracker", "tracking_keys")',
      'msys.config: option "tracking_keys" is a secret',
    ],
  ])('%s raises', async (code, text) => {
    expect(await run(code)).toContain(text)
  })

  test.each([
    ['c("set", "retry_interval", 5), c("get", "retry_interval")', 'true 5 5 retry_interval = 5'],
    ['c("set", "Suspend_Delivery", true)', 'true true Suspend_Delivery = true'],
    [
      'c("set", "retry_interval", "=", "7"), (c("eval", "domain", "new.example", "retry_interval"))',
      'true 7 7',
    ],
    [
      'c("set", "domain", "new.example", "retry_interval", "8"), (c("get", "domain", "new.example", "retry_interval"))',
      'true 8 8',
    ],
    [
      'c("set", "routes", [[( "a.example" "b.example" )]]), (c("get", "routes"))',
      'true ( "a.example" "b.example" ) ( "a.example" "b.example" )',
    ],
    [
      'c("unset", "domain", "yahoo.com", "max_outbound_connections"), (c("get", "domain", "yahoo.com", "max_outbound_connections"))',
      'true nil nil',
    ],
    ['pcall(c, "set", "retry_interval", "x"), (c("get", "retry_interval"))', 'true false 600'],
  ])('%s changes it', async (code, expected) => {
    expect(await run(code)).toBe(expected)
  })
})

test('nobody makes domains without end', () => {
  const options = { lenient: false, defaultHostname: 'host.example', folder: '/' }
  const { live } = parseConfig('', 'test.conf', options).config
  const set = (i: number) => live.change(['domain', `d${i}`, 'retry_interval'], '5').kind
  for (let i = 0; i < 1000; i++) expect(set(i)).toBe('changed')
  expect(set(1000)).toBe('wrong')
  expect(set(5)).toBe('changed')
})
