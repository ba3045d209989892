// What becomes of events in a whole server: files, webhooks and a Redis stream, over signals, reloads and
// crashes.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openSink, type Sink } from '../../src/cli/sink.ts'
import { type Running, serve } from '../support/process.ts'
import { openReceiver } from '../support/receiver.ts'
import { hasRedis, startRedis } from '../support/redis.ts'
import { MESSAGE, send } from '../support/server.ts'
import { dial } from '../support/wire.ts'

let folder: string
let sink: Sink
const processes: Running[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eachrcpt-events-'))
  sink = await openSink()
})

afterEach(async () => {
  for (const { child, stop } of processes.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) await stop('SIGKILL')
  }
  await sink.close()
  await rm(folder, { recursive: true, force: true })
})

const config = (more: string) => `
  hostname = "mail.test"
  spoolbase = "spool"
  gateway = "127.0.0.1:${sink.port}"
  smtpapi {}
  esmtp_listener {
    listen "127.0.0.1:0" {}
    relay_hosts = ( 127.0.0.0/8 )
    open_tracking_enabled = true
    click_tracking_enabled = true
    tracking_domain = "track.example"
  }
  http_listener { listen "127.0.0.1:0" {} }
  ec_logger { mainlog = "mainlog.ec" rejectlog = "" paniclog = "paniclog.ec" }
  ${more}`

const FILE = 'event_hydrant { write_jlog = true jlog_filename = "events.jsonl" }'
const hook = (url: string, more = '') =>
  `webhook "crm" { url = "${url}" allow_private = true batch_seconds = 0 ${more} }`

const write = (more: string) => writeFile(join(folder, 'e.conf'), config(more))

async function start(more?: string): Promise<Running> {
  if (more !== undefined) await write(more)
  const running = await serve(['--config', 'e.conf'], folder)
  processes.push(running)
  return running
}

async function sendTo({ smtpPort }: Running, ...rcpttos: readonly string[]): Promise<void> {
  const wire = await dial(smtpPort)
  await wire.expect('220')
  expect(await send(wire, rcpttos, MESSAGE)).toMatch(/^250/)
  wire.end()
}

/** Follows the link of the newest copy. */
async function click({ httpUrl }: Running): Promise<void> {
  const copy = sink.mail.at(-1)?.bytes.toString('latin1').replaceAll('=\r\n', '') ?? ''
  const [, path] = /http:\/\/track\.example(\/f\/a\/[\w/-]+)/.exec(copy) ?? []
  const response = await fetch(httpUrl + path, { redirect: 'manual' })
  expect(response.status).toBe(302)
}

const read = (name: string) => readFileSync(join(folder, name), 'utf8')
const typesIn = (text: string) => [...text.matchAll(/"type":"(\w+)"/g)].map(([, type]) => type)
const types = (events: readonly Record<string, unknown>[]) => events.map(({ type }) => type)

test('E154 E158 E160 injection, delivery and click reach every sink in this order, all fields strings', async () => {
  const receiver = await openReceiver()
  const running = await start(FILE + hook(receiver.url))
  await sendTo(running, 'Anna@rcpt.example')
  await sink.waitFor(1, 5_000)
  await expect.poll(() => receiver.events().length).toBe(2)
  await click(running)
  await expect.poll(() => receiver.events().length).toBe(3)
  expect(receiver.received[0]?.body).toBe('[{"msys":{}}]')
  const events = receiver.events()
  expect(types(events)).toEqual(['injection', 'delivery', 'click'])
  expect(events[2]).toMatchObject({
    rcpt_to: 'anna@rcpt.example',
    raw_rcpt_to: 'Anna@rcpt.example',
    target_link_url: 'https://e.com/?a=1&b=2',
    target_link_name: 'Raw URL',
    ip_address: '127.0.0.1',
    delv_method: 'esmtp',
    node_name: 'mail.test',
  })
  for (const event of events) {
    for (const [name, value] of Object.entries(event)) {
      if (name !== 'user_agent_parsed') expect([name, typeof value]).toEqual([name, 'string'])
    }
  }
  expect(await running.stop('SIGTERM')).toBe(0)
  expect(typesIn(read('events.jsonl'))).toEqual(['injection', 'delivery', 'click'])
})

test('a webhook gets the events that it lists, also without a file', async () => {
  const receiver = await openReceiver()
  const running = await start(hook(receiver.url, 'events = ( click delivery )'))
  await sendTo(running, 'a@rcpt.example')
  await sink.waitFor(1, 5_000)
  await click(running)
  await expect.poll(() => receiver.events().length).toBe(2)
  expect(types(receiver.events())).toEqual(['delivery', 'click'])
  expect(existsSync(join(folder, 'events.jsonl'))).toBe(false)
})

test('kill -9 between the append and the answer: the next run sends the same batch with the same id', async () => {
  const receiver = await openReceiver()
  receiver.answers.push(200, 'hang')
  const running = await start(hook(receiver.url))
  await sendTo(running, 'a@rcpt.example')
  await expect.poll(() => receiver.received.length).toBe(2)
  await sendTo(running, 'b@rcpt.example')
  await running.stop('SIGKILL')
  receiver.answers.push(200)
  await start()
  await expect.poll(() => receiver.events().length).toBeGreaterThanOrEqual(4)
  const batches = receiver.received.filter(({ body }) => body !== '[{"msys":{}}]')
  expect(batches[1]?.body).toBe(batches[0]?.body)
  expect(batches[1]?.headers['x-messagesystems-batch-id']).toBe(
    batches[0]?.headers['x-messagesystems-batch-id'],
  )
  const injected = receiver.events().filter(({ type }) => type === 'injection')
  expect(injected.map(({ rcpt_to: to }) => to)).toEqual(['a@rcpt.example', 'b@rcpt.example'])
})

test('kill -9 while the file is written: no event of the log is lost, no line is broken or double', async () => {
  const running = await start(FILE)
  await sendTo(running, 'a@rcpt.example')
  await sink.waitFor(1, 5_000)
  for (let i = 0; i < 40; i++) await click(running)
  const log = join('spool/0/events', '0000000000000000.jsonl')
  await expect.poll(() => typesIn(read(log)).length).toBe(42)
  await running.stop('SIGKILL')
  const next = await start()
  await click(next)
  expect(await next.stop('SIGTERM')).toBe(0)
  const lines = read('events.jsonl').trimEnd().split('\n')
  const ids = lines.map((line) => {
    const { msys } = JSON.parse(line) as { msys: Record<string, { event_id: string }> }
    return Object.values(msys)[0]?.event_id
  })
  expect(new Set(ids).size).toBe(ids.length)
  expect(typesIn(lines.join('\n')).filter((type) => type === 'click')).toHaveLength(41)
})

test('SIGTERM lets a slow sink finish within the grace, and leaves the rest for the next run', async () => {
  const receiver = await openReceiver()
  receiver.answers.push(200, 'hang')
  const running = await start(`shutdown_grace = 1 ${hook(receiver.url)}`)
  await sendTo(running, 'a@rcpt.example')
  await expect.poll(() => receiver.received.length).toBe(2)
  expect(await running.stop('SIGTERM')).toBe(0)
  await start()
  await expect.poll(() => types(receiver.events())).toContain('injection')
  expect(receiver.received[3]?.headers['x-messagesystems-batch-id']).toBe(
    receiver.received[1]?.headers['x-messagesystems-batch-id'],
  )
})

test('SIGUSR2 after a rotation: events go on in a new file, and none is lost between', async () => {
  const running = await start(FILE)
  await sendTo(running, 'a@rcpt.example')
  await expect.poll(() => typesIn(read('events.jsonl'))).toHaveLength(2)
  await rename(join(folder, 'events.jsonl'), join(folder, 'events.1'))
  running.child.kill('SIGUSR2')
  await expect.poll(() => existsSync(join(folder, 'events.jsonl'))).toBe(true)
  await click(running)
  expect(await running.stop('SIGTERM')).toBe(0)
  expect(typesIn(read('events.1'))).toEqual(['injection', 'delivery'])
  expect(typesIn(read('events.jsonl'))).toEqual(['click'])
})

describe('SIGHUP', () => {
  test('moves a webhook to another address: what the old one did not take goes there', async () => {
    const [old, moved] = [await openReceiver(), await openReceiver()]
    old.answers.push(200, ...Array.from({ length: 20 }, () => 503))
    const running = await start(FILE + hook(old.url))
    await sendTo(running, 'a@rcpt.example')
    await expect.poll(() => old.received.length).toBeGreaterThan(1)
    await write(FILE + hook(moved.url))
    running.child.kill('SIGHUP')
    await expect.poll(() => types(moved.events())).toContain('injection')
    expect(moved.received[1]?.headers['x-messagesystems-batch-id']).toBe(
      old.received[1]?.headers['x-messagesystems-batch-id'],
    )
    await click(running)
    await expect.poll(() => types(moved.events())).toContain('click')
    expect(await running.stop('SIGTERM')).toBe(0)
    expect(typesIn(read('events.jsonl'))).toEqual(['injection', 'delivery', 'click'])
    expect(read('paniclog.ec')).toMatch(
      /events: webhook crm: batch \S+ will be tried again: answered 503/,
    )
  })

  test('adds and removes sinks; one that cannot be opened changes nothing', async () => {
    const receiver = await openReceiver()
    const running = await start(FILE)
    await sendTo(running, 'a@rcpt.example')
    await sink.waitFor(1, 5_000)
    await write('event_hydrant { write_jlog = true jlog_filename = "e.conf/no/file" }')
    running.child.kill('SIGHUP')
    await running.says('reload failed')
    await click(running)
    await write(hook(receiver.url))
    running.child.kill('SIGHUP')
    await expect.poll(() => receiver.received.length).toBe(1)
    await click(running)
    await expect.poll(() => types(receiver.events())).toEqual(['click'])
    expect(typesIn(read('events.jsonl'))).toEqual(['injection', 'delivery', 'click'])
    // What is being written has another name.
    const files = readdirSync(join(folder, 'spool/0/events')).filter(
      (file) => !file.endsWith('.new'),
    )
    expect(files.sort()).toEqual([
      expect.stringMatching(/^\d{16}\.jsonl$/),
      'id',
      'webhook%20crm.cursor',
    ])
  })
})

test.skipIf(!hasRedis)(
  'F33 while Redis is away events wait on disk, mail goes on, and all are there when it is back',
  async () => {
    const redis = await startRedis()
    const running = await start(`
      engagement_tracker { tracking_keys = [ a = "000102030405060708090a0b0c0d0e0f" ] }
      redis { uri = "redis://127.0.0.1:${redis.port}" }`)
    await sendTo(running, 'a@rcpt.example')
    await expect.poll(() => redis.cli('XLEN', 'eachrcpt:events')).toBe('2')
    await redis.kill()
    await sendTo(running, 'b@rcpt.example', 'c@rcpt.example')
    await sink.waitFor(3, 5_000)
    await expect
      .poll(() => read('paniclog.ec'))
      .toMatch(/events: redis: batch \S+ will be tried again: /)
    const again = await startRedis(redis.port)
    await expect.poll(() => again.cli('XLEN', 'eachrcpt:events')).toBe('4')
    const entries = again.cli('XRANGE', 'eachrcpt:events', '-', '+')
    expect(typesIn(entries)).toEqual(['injection', 'injection', 'delivery', 'delivery'])
  },
)

test('E146 with tracking off and the event store gone, a link that was sent still leads there', async () => {
  const running = await start(FILE)
  await sendTo(running, 'a@rcpt.example')
  await sink.waitFor(1, 5_000)
  expect(await running.stop('SIGTERM')).toBe(0)
  await rm(join(folder, 'spool/0/events'), { recursive: true })
  await rm(join(folder, 'events.jsonl'))
  await write(FILE)
  const text = read('e.conf').replaceAll(
    /(open|click)_tracking_enabled = true/g,
    '$1_tracking_enabled = false',
  )
  await writeFile(join(folder, 'e.conf'), text)
  const next = await start()
  await click(next)
  expect(await next.stop('SIGTERM')).toBe(0)
  // The spool still has what came before, and the new log does not know it.
  expect(typesIn(read('events.jsonl'))).toEqual(['injection', 'delivery', 'click'])
})
