// What logs and policy hear of deliveries and failures, over real sockets.
import { afterEach, expect, test } from 'vitest'
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

async function startBefore(script: Script, more = ''): Promise<TestServer> {
  const peer = await startPeer(script)
  peers.push(peer)
  return start({
    wayOut: `gateway = "127.0.0.1:${peer.port}" generate_bounces = false`,
    policy: { hooks: HOOKS },
    more,
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
    'msg:header: a snapshot is read only',
    `${name} ${about[0]}`,
    about[1],
    'msg:header: a snapshot is read only',
  ])
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
