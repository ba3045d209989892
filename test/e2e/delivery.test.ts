// After 250: what the next hop says becomes log lines, events, retries and notifications.
import { simpleParser } from 'mailparser'
import { afterEach, expect, test } from 'vitest'
import { startPeer, type Peer, type Script } from '../support/peer.ts'
import { dial } from '../support/wire.ts'
import { copyFor, sendOne, startServer, type TestServer } from '../support/server.ts'

let running: TestServer | undefined
let peer: Peer | undefined

afterEach(async () => {
  await running?.close()
  await peer?.close()
  running = undefined
})

/** Mail for x.example goes to a scripted next hop, everything else to the sink. */
async function start(script: Script): Promise<TestServer> {
  peer = await startPeer(script)
  const more = `domain "x.example" { gateway = "127.0.0.1:${peer.port}" retry_interval = 1 }`
  return (running = await startServer({ more }))
}

test('a temporary refusal is a delay, and the next attempt delivers', async () => {
  const test = await start({ RCPT: ['450 4.2.0 busy, try later', '250 2.1.5 ok'] })
  await sendOne(test, ['a@x.example'])
  const events = await test.events(3)
  expect(events.map(({ type }) => type)).toEqual(['injection', 'delay', 'delivery'])
  expect(events[1]).toMatchObject({
    error_code: '450',
    raw_reason: '450 4.2.0 busy, try later',
    num_retries: '0',
    rcpt_to: 'a@x.example',
    ip_address: '127.0.0.1',
    delv_method: 'esmtp',
  })
  expect(events[2]).toMatchObject({ num_retries: '1', routing_domain: 'x.example' })
  // The first DATA, pipelined behind the refused RCPT, was ended with a lone dot.
  expect(peer?.messages.filter((message) => message !== '')).toHaveLength(1)
  const log = await test.log('mainlog.ec')
  expect(log).toMatch(
    /@T@x\.example@\d+@default@default@5@0@\d+@127\.0\.0\.1@450 4\.2\.0 busy, try later\n/,
  )
  expect(log).toMatch(/@D@x\.example@\d+@default@default@1@\d+@127\.0\.0\.1\n/)
})

test('a permanent refusal is a bounce, and the sender is told', async () => {
  const test = await start({ message: '554 5.7.1 we do not want this from 192.0.2.1 <a@b>' })
  await sendOne(test, ['a@x.example'])
  const notice = await simpleParser(
    Buffer.from(await copyFor(test, 'news@sender.example'), 'latin1'),
  )
  expect(notice.text).toContain('554 5.7.1 we do not want this')
  const events = await test.events(3)
  expect(events.map(({ type }) => type)).toEqual(['injection', 'bounce', 'delivery'])
  expect(events[1]).toMatchObject({
    class: 'message_event',
    error_code: '554',
    raw_reason: '554 5.7.1 we do not want this from 192.0.2.1 <a@b>',
    reason: '554 5.7.1 we do not want this from x.x.x.x x@x',
  })
  expect(events[2]).toMatchObject({ rcpt_to: 'news@sender.example', recv_method: 'internal' })
  expect(await test.log('mainlog.ec')).toMatch(
    /@P@x\.example@.*@554 5\.7\.1 we do not want this from .*\n/,
  )
})

test('what the next hop says cannot write lines of its own into the log', async () => {
  const test = await start({ RCPT: '550 5.1.1 no\x07 such @ user {"msys":1}' })
  await sendOne(test, ['a@x.example'])
  const [, bounce] = await test.events(2)
  expect(bounce?.['raw_reason']).toMatch(/^550 5\.1\.1 no/)
  for (const line of (await test.log('mainlog.ec')).trim().split('\n'))
    expect(line).toMatch(/^\d+@/)
})

test('no copy is sent twice: a message that one hop has taken is gone from the spool', async () => {
  const test = await start({})
  await sendOne(test, ['a@x.example', 'b@x.example'])
  await test.events(4)
  await test.server.close()
  expect(peer?.messages).toHaveLength(peer?.commands.filter((line) => line === 'DATA').length ?? 0)
})

test('below the floor of free space mail is refused for now, and a balancer is told', async () => {
  running = await startServer({ more: `spool_min_free_space = 999999999999999` })
  const wire = await dial(running.smtpPort)
  await wire.expect('220')
  expect(await wire.ask('MAIL FROM:<a@b.example>', '452')).toContain('4.3.1')
  wire.reset()
  const ready = await fetch(`${running.httpUrl}/readyz`)
  expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining('are free')])
  expect(await running.log('paniclog.ec')).toContain('no more mail is taken')
})
