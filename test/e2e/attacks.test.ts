// Policy that never ends, and policy that is replaced, on a running server.
import { afterEach, expect, test } from 'vitest'
import { send, sendOne, serverPerTest } from '../support/server.ts'
import { dial, type Wire } from '../support/wire.ts'

const started = serverPerTest()
const wires: Wire[] = []
afterEach(() => {
  for (const wire of wires.splice(0)) wire.end()
})

async function session(port: number): Promise<Wire> {
  const wire = await dial(port)
  wires.push(wire)
  await wire.expect('220')
  await wire.ask('EHLO client.example', '250')
  return wire
}

const POLICY = `
  local lock = thread.mutex()
  local mod = {}
  local function forever() while true do end end
  function mod:validate_data_spool_each_rcpt(msg, ac, vctx)
    lock:lock()
    if msg:rcptto():match("^loop") then
      while true do xpcall(forever, forever) end
    elseif msg:rcptto():match("^memory") then
      local t = {}
      while true do t[#t + 1] = ("x"):rep(1e5) .. #t end
    elseif msg:rcptto():match("^pattern") then
      coroutine.wrap(function() pcall(string.find, ("a"):rep(1e5), ".-.-.-.-b$") end)()
    end
    lock:unlock()
    return msys.core.VALIDATE_CONT
  end
  msys.registerModule("attack", mod)`

test.each(['loop', 'memory', 'pattern'])(
  'a callout that attacks (%s) costs its message a 421; other mail flows, its session and its lock go on',
  async (attack) => {
    const limits = 'callout_cpu_ms = 50 callout_alloc_mb = 16'
    const test = await started({
      policy: { attack: POLICY },
      more: `scriptlet "scriptlet" { ${limits} }`,
    })
    const wire = await session(test.smtpPort)
    const [hostile, ...others] = await Promise.all([
      send(wire, ['good@rcpt.example', `${attack}@rcpt.example`]),
      ...Array.from({ length: 3 }, (_, i) => sendOne(test, [`other${i}@rcpt.example`])),
    ])
    expect(hostile).toMatch(/^421 mail\.test temporary issue/)
    for (const reply of others) expect(reply).toMatch(/^250 2\.0\.0 OK/)
    expect(await send(wire, ['later@rcpt.example'])).toMatch(/^250 2\.0\.0 OK/)
    await test.sink.waitFor(4, 10_000)
    expect(test.sink.mail.map(({ rcptto }) => rcptto).sort()).toEqual([
      'later@rcpt.example',
      'other0@rcpt.example',
      'other1@rcpt.example',
      'other2@rcpt.example',
    ])
    expect(await test.log('paniclog.ec')).toMatch(
      /validate_data_spool_each_rcpt killed: (?:processor time|allocation) limit exceeded/,
    )
  },
)

test('at most two replaced policies live on: the sessions of an older one are told', async () => {
  const test = await started({ policy: { attack: POLICY } })
  const first = await session(test.smtpPort)
  await test.server.reload()
  const second = await session(test.smtpPort)
  await test.server.reload()
  await first.ask('NOOP', '250')
  await test.server.reload()
  await first.expect('421')
  await second.ask('NOOP', '250')
})
