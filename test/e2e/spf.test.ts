// SPF over SMTP: policy reads what came of it, and judges.
import { expect, test } from 'vitest'
import { startDns } from '../support/dns.ts'
import { copyFor, sendOne, serverPerTest } from '../support/server.ts'

const start = serverPerTest()

const POLICY = `
  local mod = {}
  function mod:validate_mailfrom(str, ac, vctx)
    local status = vctx:get(msys.core.VCTX_MESS, "spf_status")
    if status == "fail" then vctx:set_code(550, "5.7.23 SPF says no") end
    return msys.core.VALIDATE_CONT
  end
  function mod:validate_rcptto(msg, str, ac, vctx)
    print(vctx:get(msys.core.VCTX_MESS, "spf_status"))
    return msys.core.VALIDATE_CONT
  end
  msys.registerModule("spf", mod)`

test('spf_v1 sets a context variable before validate_mailfrom', async () => {
  const dns = await startDns({
    'TXT good.example': [[Buffer.from('v=spf1 ip4:127.0.0.1 -all')]],
    'TXT bad.example': [[Buffer.from('v=spf1 -all')]],
  })
  const more = `dns_servers = ( "${dns.address}" ) spf_macros {} spf_v1 "spf_v1" { context_variable = "spf_status" }`
  const server = await start({ policy: { spf: POLICY }, more })
  const wire = await server.dial()
  await wire.expect('220')
  await wire.ask('EHLO client.example', '250')
  expect(await wire.ask('MAIL FROM:<a@bad.example>', '550')).toContain('5.7.23 SPF says no')
  await wire.ask('MAIL FROM:<a@good.example>', '250')
  await wire.ask('RCPT TO:<b@rcpt.example>', '250')
  expect(await server.log('paniclog.ec')).toMatch(/pass\n$/)
  dns.close()
})

test.each([
  ['', 'none', /^Received-SPF: none \(/, false],
  [
    'default_rule = "?all" add_authentication_results = true',
    'neutral',
    /^Received-SPF: none/,
    true,
  ],
  ['add_headers = false', 'none', undefined, false],
])(
  'spf_v1 { %s } says of a domain without a record: %s',
  async (options, status, field, hasResults) => {
    const dns = await startDns({})
    const policy = {
      p: `msys.registerModule("p", { validate_data = function(self, msg, ac, vctx)
      print(vctx:get(msys.core.VCTX_MESS, "spf_status")) return 0 end })`,
    }
    const server = await start({
      policy,
      more: `dns_servers = ( "${dns.address}" ) spf_v1 { ${options} }`,
    })
    await sendOne(server, ['a@rcpt.example'])
    const copy = await copyFor(server, 'a@rcpt.example')
    expect(await server.log('paniclog.ec')).toContain(`scriptlet: ${status}\n`)
    if (field) expect(copy).toMatch(field)
    else expect(copy).not.toContain('Received-SPF')
    expect(/^Authentication-Results: mail\.test; spf=none/m.test(copy)).toBe(hasResults)
    expect(copy).toMatch(/^Received: from client\.example/m)
    dns.close()
  },
)
