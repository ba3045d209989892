// What logs and policy hear of deliveries and failures, over real sockets.
import { afterEach, expect, onTestFinished, test } from 'vitest'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startDns } from '../support/dns.ts'
import { sendOne, serverPerTest, type TestServer } from '../support/server.ts'
import { type Peer, type Script, startPeer } from '../support/peer.ts'

const start = serverPerTest()
const peers: Peer[] = []
afterEach(async () => {
  for (const peer of peers.splice(0)) await peer.close()
})

const HOOKS = `local mod = {}
for _, name in ipairs({ "attempt", "delivery", "transient_failure", "permanent_failure" }) do
  mod["core_log_" .. name .. "_v1"] = function(self, msg, dr, now, note, note_len)
    print(name, msg:rcptto(), dr.domain, note_len == #note and "len" or "no", note)
    print(msg:code(), msg:header("Subject")[1], msg:context_get(msys.core.ECMESS_CTX_MESS, "mark"))
    print(tostring(select(2, pcall(msg.header, msg, "X-A", "b"))))
  end
end
function mod:validate_data_spool_each_rcpt(msg, ac, vctx)
  msg:context_set(msys.core.ECMESS_CTX_MESS, "mark", "of " .. msg:rcptto())
  return msys.core.VALIDATE_CONT
end
msys.registerModule("hooks", mod)`

async function startBefore(
  script: Script,
  more = '',
  { hooks = HOOKS, wayOut = 'generate_bounces = false', folder = '' } = {},
): Promise<TestServer> {
  const peer = await startPeer(script)
  peers.push(peer)
  return start({
    wayOut: `gateway = "127.0.0.1:${peer.port}" ${wayOut}`,
    policy: { hooks },
    more,
    ...(folder && { folder }),
  })
}

async function until(test: TestServer, name: string, pattern: RegExp): Promise<string> {
  for (;;) {
    const text = await test.log(name)
    if (pattern.test(text)) return text
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

test.each([
  ['delivery', {}, '250 2.0.0 queued'],
  ['transient_failure', { RCPT: '450 4.2.1 later' }, '450 4.2.1 later'],
  ['permanent_failure', { RCPT: '550 5.1.1 unknown' }, '550 5.1.1 unknown'],
])('policy hears of a %s', async (name, script, note) => {
  const test = await startBefore(script)
  await sendOne(test, ['a@x.example'])
  const log = await until(test, 'paniclog.ec', new RegExp(`${name}\\t.*\\n.*\\n.*read only`))
  const lines = log
    .trim()
    .split('\n')
    .map((line) => line.replace(/^\d+:scriptlet: /, '').replaceAll('\t', ' '))
  const about = [`a@x.example x.example len ${note}`, `${note} hello of a@x.example`]
  expect(lines).toEqual([
    `attempt ${about[0]}`,
    about[1],
    'msg:header: the message was sent, it is read only',
    `${name} ${about[0]}`,
    about[1],
    'msg:header: the message was sent, it is read only',
  ])
})

test('hooks are told what has become of a domain so far', async () => {
  const test = await startBefore({ RCPT: ['250 ok', '450 4.2.1 later', '550 5.1.1 no'] }, '', {
    hooks: `local mod = {}
    function mod:core_log_attempt_v1(msg, dr, now)
      print(dr.domain, dr.attempts, dr.deliveries, dr.transients, dr.failures, dr.dns_failures,
        dr.last_delivery > now - 60 and dr.last_delivery <= now)
    end
    msys.registerModule("hooks", mod)`,
  })
  const told: string[] = []
  for (const local of ['a', 'b', 'c']) {
    await sendOne(test, [`${local}@x.example`])
    const log = await until(test, 'paniclog.ec', new RegExp(`(.*\n){${told.length + 1}}`))
    told.push(
      log
        .trim()
        .split('\n')
        .at(-1)!
        .replace(/^\d+:scriptlet: /, ''),
    )
  }
  expect(told.map((line) => line.replaceAll('\t', ' '))).toEqual([
    'x.example 1 1 0 0 0 true',
    'x.example 2 1 1 0 0 true',
    'x.example 3 1 1 1 0 true',
  ])
})

const RECORD = `local mod = {}
function mod:core_log_attempt_v1(msg, dr, now)
  local left = dr.expiry and dr.expiry - now
  print(dr.domain, dr.mxcnt, left and left > 50 and left <= 61 and dr.expiry % 1, dr.mxlist, dr.type, dr.equeue)
end
msys.registerModule("hooks", mod)`

test('hooks are told how many exchanges DNS has for a domain, and until when that holds', async () => {
  const peer = await startPeer()
  peers.push(peer)
  const dns = await startDns({
    'MX x.example': [
      { preference: 10, exchange: 'mx1.x.example' },
      { preference: 20, exchange: 'mx2.x.example' },
    ],
    'A mx1.x.example': ['127.0.0.1'],
    'AAAA mx1.x.example': [],
    'A mx2.x.example': ['127.0.0.2'],
    'AAAA mx2.x.example': [],
    'MX plain.example': [],
    'A plain.example': ['127.0.0.1'],
    'AAAA plain.example': [],
  })
  onTestFinished(dns.close)
  const test = await start({
    wayOut: `dns_servers = ( "${dns.address}" ) remote_smtp_port = ${peer.port}`,
    policy: { hooks: RECORD },
  })
  const told: string[] = []
  for (const domain of ['x.example', 'plain.example', 'localhost']) {
    await sendOne(test, [`a@${domain}`])
    const log = await until(test, 'paniclog.ec', new RegExp(`scriptlet: ${domain}`))
    told.push(
      log
        .trim()
        .split('\n')
        .at(-1)!
        .replace(/^\d+:scriptlet: /, ''),
    )
  }
  expect(told.map((line) => line.replaceAll('\t', ' '))).toEqual([
    'x.example 2 0 nil nil nil',
    'plain.example 0 0 nil nil nil',
    'localhost nil 0 nil nil nil',
  ])
})

test('a hook keeps the last reply and words the failure by it, in logs and for the sender', async () => {
  const test = await startBefore(
    { RCPT: ['450 4.2.1 full', '450 4.2.1 greylisted', '250 ok'] },
    'bounce_logger { bouncelog = "bouncelog.ec" }',
    {
      hooks: `local mod = {}
    function mod:core_log_transient_failure_v1(msg)
      msg:context_set(msys.core.ECMESS_CTX_MESS, "last", msg:get_code())
    end
    function mod:core_log_permanent_failure_v1(msg, dr, now, note)
      local found, last = msg:context_exists_and_get(msys.core.ECMESS_CTX_MESS, "last")
      if string.find(note, "exceeded max") and found == 1 then
        msg:set_code(554, "5.4.7 [internal] given up, at last: " .. last)
      end
    end
    msys.registerModule("hooks", mod)`,
      wayOut: 'retry_interval = 1 max_retries = 1',
    },
  )
  await sendOne(test, ['a@x.example'])
  const words = '554 5\\.4\\.7 \\[internal\\] given up, at last: 450 4\\.2\\.1 full'
  await until(test, 'mainlog.ec', new RegExp(`@P@x\\.example@.*@${words}`))
  await until(test, 'bouncelog.ec', new RegExp(`@B@a@x\\.example@.*@${words}`))
  await expect
    .poll(() => peers.at(-1)?.messages.join())
    .toMatch(new RegExp(`Diagnostic-Code: smtp; ${words}`))
})

test('what a hook sets before another attempt stays with the copy, also through a restart', async () => {
  const hooks = `local mod = {}
    function mod:core_log_transient_failure_v1(msg)
      local tries = msg:context_get(msys.core.ECMESS_CTX_MESS, "tries")
      msg:context_set(msys.core.ECMESS_CTX_MESS, "tries", tostring((tonumber(tries) or 0) + 1))
      print("failed again")
    end
    function mod:core_log_delivery_v1(msg)
      print("sent after", msg:context_get(msys.core.ECMESS_CTX_MESS, "tries"))
    end
    msys.registerModule("hooks", mod)`
  const folder = await mkdtemp(join(tmpdir(), 'eachrcpt-hooks-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const before = { hooks, folder, wayOut: 'retry_interval = 3' }
  const later = Array.from({ length: 2 }, () => '450 4.2.1 later')
  const first = await startBefore({ RCPT: later }, '', before)
  await sendOne(first, ['a@x.example', 'b@x.example'])
  await until(first, 'paniclog.ec', /(failed again[^]*){2}/)
  await first.close()
  const second = await startBefore({}, '', before)
  await until(second, 'paniclog.ec', /(sent after\t1\n[^]*){2}/)
})

test('bouncelog has a line for each failure, with stage and class', async () => {
  const test = await startBefore(
    { RCPT: ['550 5.1.1 user unknown', '452 4.2.2 mailbox full', '250 ok'] },
    'bounce_logger { bouncelog = "bouncelog.ec" }',
  )
  await sendOne(test, ['a@x.example', 'b@x.example', 'c@x.example'])
  await until(test, 'mainlog.ec', /@D@/)
  const log = await until(test, 'bouncelog.ec', /@B@[^]*@T@|@T@[^]*@B@/)
  const lines = log
    .trim()
    .split('\n')
    .map((line) => line.split('@').slice(4))
    .sort((a, b) => (a.join() < b.join() ? -1 : 1))
  const rest = (cells: readonly string[]) =>
    cells.map((cell, i) => (i === 9 ? 'size' : cell)).join('@')
  expect(lines.map(rest)).toEqual([
    'B@a@x.example@news@sender.example@default@default@5@10@size@127.0.0.1@550 5.1.1 user unknown',
    'T@b@x.example@news@sender.example@default@default@5@22@size@127.0.0.1@452 4.2.2 mailbox full',
  ])
})

test('bouncelog leaves out what is switched off', async () => {
  const test = await startBefore(
    { RCPT: ['550 5.1.1 user unknown', '452 4.2.2 mailbox full'] },
    'bounce_logger { bouncelog = "bouncelog.ec" log_transient_failures = off }',
  )
  await sendOne(test, ['a@x.example', 'b@x.example'])
  await until(test, 'mainlog.ec', /@T@/)
  const log = await until(test, 'bouncelog.ec', /@B@/)
  expect(log.trim().split('\n')).toHaveLength(1)
})
