// `msys.audit`: what the monitors of inbound_audit have counted, from Lua and over real sessions.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseConfig } from '../../src/config/load.ts'
import { makeMonitors } from '../../src/msys/monitors.ts'
import { makeSharedState } from '../../src/msys/shared/embedded.ts'
import { runLua } from '../support/policy.ts'
import { serverPerTest, startServer } from '../support/server.ts'

const start = serverPerTest()

const NOW = 1_000_000_000_000

/** Three connections of the client, one of its neighbour; two receptions a minute ago. */
function counted() {
  let now = NOW - 60_000
  const shared = makeSharedState(() => now)
  const count = makeMonitors(shared, [{ windowSeconds: 60, windows: 3 }], ['node'], () => now)
  count('receptions', '192.0.2.1')
  count('receptions', '192.0.2.1')
  now = NOW
  for (const address of ['192.0.2.1', '192.0.2.1', '192.0.2.1', '192.0.2.7', '2001:db8::1']) {
    count('connections', address)
  }
  count('connections', 'unknown')
  return shared
}

describe('msys.audit', () => {
  test.each<[string, string | RegExp]>([
    ['say(msys.audit.connections("60,3"), msys.audit.connections("60, 3"))', '3 3'],
    [
      'say(msys.audit.connections("60,3", "/24"), msys.audit.connections("60,3", "192.0.2.7"))',
      '4 1',
    ],
    ['say(msys.audit.connections("60,3", { cidr = "2001:db8::/32" }))', '1'],
    [
      'say(msys.audit.receptions("60,3"), msys.audit.receptions("60,3", { startv = 1, endv = 1 }))',
      '0 2',
    ],
    ['say(msys.audit.receptions("60,3", { startv = 0, endv = 2, cluster = true }))', '2'],
    ['say(msys.audit.rejections("60,3"))', '0'],
    ['msys.audit.connections("60,1")', /msys\.audit\.connections: there is no monitor '60,1'/],
    ['msys.audit.connections()', /bad argument #1 \(string expected, got nil\): monitor/],
    [
      'msys.audit.receptions("60,3", true)',
      /bad argument #2 \(table or cidr expected, got boolean\)/,
    ],
    [
      'msys.audit.rejections("60,3", "nowhere")',
      /msys\.audit\.rejections: 'nowhere' is no address or block/,
    ],
    ['msys.audit.connections("60,3", { startv = {} })', /bad option \(number expected\): startv/],
  ])('%s', async (code, expected) => {
    const { said } = await runLua(code, { options: { shared: counted() } })
    if (typeof expected === 'string') expect(said).toBe(expected)
    else expect(said).toMatch(expected)
  })
})

test('connections, receptions and rejections of real sessions are counted, through a reload', async () => {
  const server = await start({
    policy: {
      counts: `local A = msys.audit
        msys.registerModule("counts", { validate_rcptto = function(self, msg, str, ac, vctx)
          if msg:rcptto():match("^nobody") then vctx:set_code(550, "5.1.1 no") else
            print(A.connections("3600,2") .. " " .. A.receptions("3600,2") .. " " .. A.rejections("3600,2", "127.0.0.0/8"))
          end
          return msys.core.VALIDATE_CONT end })`,
    },
    more: 'inbound_audit { monitors = ( "3600,2" ) }',
  })
  for (let i = 0; i < 2; i++) {
    const wire = await server.dial()
    await wire.expect('220')
    await wire.ask('EHLO client.example', '250')
    await wire.ask('MAIL FROM:<news@sender.example>', '250')
    await wire.ask('RCPT TO:<nobody@rcpt.example>', '550')
    await wire.ask('RCPT TO:<anna@rcpt.example>', '250')
    await wire.ask('DATA', '354')
    await wire.ask('Subject: a\r\n\r\nb\r\n.', '250')
    await wire.ask('QUIT', '221')
    await server.reload((text) => text)
  }
  await expect
    .poll(async () => (await server.log('paniclog.ec')).match(/scriptlet: .*/g))
    .toEqual(['scriptlet: 1 0 1', 'scriptlet: 2 1 2'])
})

test('a persistent series is there again after a restart', async () => {
  const policy = {
    series: `local S = msys.audit_series
      msys.registerModule("series", {
        init = function() S.define("seen", "cidr", 3600, 2, { persist = true }) return true end,
        validate_connect = function(self, ac, vctx)
          S.add("seen", ac) print("seen " .. S.count("seen", { endv = 1 })) return msys.core.VALIDATE_CONT end })`,
  }
  const folder = mkdtempSync(join(tmpdir(), 'eachrcpt-series-'))
  for (const count of ['1', '2']) {
    const server = await startServer({ policy, folder })
    const wire = await server.dial()
    await wire.expect('220')
    wire.end()
    await expect
      .poll(async () => (await server.log('paniclog.ec')).match(/seen \d/g)?.at(-1))
      .toBe(`seen ${count}`)
    await server.close()
  }
  rmSync(folder, { recursive: true })
})

test.each(['"60"', '"0,1"', '"60,0"', '"60,99999"', '"60,1,2"'])(
  'monitors = ( %s ) is refused',
  (monitor) => {
    const options = { lenient: false, defaultHostname: 'h.test', folder: '/etc' }
    expect(() =>
      parseConfig(`inbound_audit { monitors = ( ${monitor} ) }`, 'f.conf', options),
    ).toThrow(/f\.conf:1: option "monitors": expected a list of monitors/)
  },
)
