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
  const { policy, panics, close } = await policyOf({ a: source }, { lookUp: config.lookUp })
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
    ['c("set", "retry_interval", "5")', 'msys.config: not available: set (known: get, eval)'],
    ['c("get", "no_such_option")', 'msys.config: unknown option "no_such_option"'],
    ['c("get", "nowhere", "retry_interval")', 'msys.config: no scope is named'],
    [
      'c("get", "engagement_tracker", "tracking_keys")',
      'msys.config: option "tracking_keys" is a secret',
    ],
  ])('%s raises', async (code, text) => {
    expect(await run(code)).toContain(text)
  })
})
