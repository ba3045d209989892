// Servers that share a Redis, and what becomes of mail, events and links when it fails (F32 to F36).
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { openSink } from '../../src/cli/sink.ts'
import { runCommand } from '../../src/console/console.ts'
import { type Running, serve } from '../support/process.ts'
import { freePort } from '../support/port.ts'
import { hasRedis, type RedisServer, startRedis, startSentinel } from '../support/redis.ts'
import {
  copyFor,
  send,
  sendOne,
  startServer,
  type TestServer,
  trackedPaths,
} from '../support/server.ts'
import { dial } from '../support/wire.ts'

const KEYS = 'engagement_tracker { tracking_keys = [ a = "00112233445566778899aabbccddeeff" ] }'

let running: TestServer | undefined
afterEach(async () => {
  await running?.close()
  running = undefined
})

async function start(port: number, more = ''): Promise<TestServer> {
  const redis = `redis { uri = "redis://127.0.0.1:${port}" ${more} }`
  const listener = 'click_tracking_enabled = true'
  return (running = await startServer({ more: `${KEYS} ${redis}`, listener }))
}

/** The `event_id` of every entry of the stream. */
function streamed(redis: RedisServer): string[] {
  const text = redis.cli('XRANGE', 'eachrcpt:events', '-', '+')
  return [...text.matchAll(/"event_id":"([^"]+)"/g)].map(([, id]) => id!)
}

const idsOf = (events: readonly Record<string, unknown>[]): string[] =>
  events.map((event) => String(event['event_id'])).sort()

interface Fault {
  readonly name: string
  cause(redis: RedisServer): unknown
  /** The one that goes on. */
  cure(redis: RedisServer): RedisServer | Promise<RedisServer>
}

const FAULTS: readonly Fault[] = [
  { name: 'killed', cause: (redis) => redis.kill(), cure: (redis) => startRedis(redis.port) },
  {
    name: 'not answering',
    cause: (redis) => redis.freeze(),
    cure(redis) {
      redis.thaw()
      return redis
    },
  },
  {
    name: 'slow: answers take five seconds, and come',
    cause: (redis) => redis.cli('CLIENT', 'PAUSE', '5000', 'ALL'),
    cure: (redis) => redis,
  },
  {
    name: 'read-only',
    cause: (redis) => redis.cli('REPLICAOF', '127.0.0.1', '1'),
    cure(redis) {
      redis.cli('REPLICAOF', 'NO', 'ONE')
      return redis
    },
  },
  {
    name: 'full',
    cause: (redis) => redis.cli('CONFIG', 'SET', 'maxmemory', '1'),
    cure(redis) {
      redis.cli('CONFIG', 'SET', 'maxmemory', '0')
      return redis
    },
  },
]

describe.skipIf(!hasRedis)('a Redis (needs redis-server) that is', () => {
  test.each(FAULTS)('$name: mail and links go on, and no event is lost', async (fault) => {
    const redis = await startRedis()
    const test = await start(redis.port)
    await sendOne(test, ['before@x.example'])
    await expect.poll(() => streamed(redis).length).toBe(2)
    const lost = fault.name === 'killed' ? 2 : 0

    await fault.cause(redis)
    expect(await sendOne(test, ['during@x.example'])).toMatch(/^250/)
    const [path] = trackedPaths(await copyFor(test, 'during@x.example', 2))
    const hit = await fetch(`${test.httpUrl}${path}`, { redirect: 'manual' })
    expect(hit.status).toBe(302)
    const events = await test.events(5)

    const cured = await fault.cure(redis)
    await expect.poll(() => streamed(cured).length).toBe(5 - lost)
    expect(idsOf(events)).toEqual(expect.arrayContaining(streamed(cured)))
    expect(new Set(streamed(cured)).size).toBe(5 - lost)
  })

  test('F35 flushed: links of mail that was sent before lead where they did', async () => {
    const redis = await startRedis()
    const test = await start(redis.port)
    await sendOne(test, ['a@x.example'])
    const [path] = trackedPaths(await copyFor(test, 'a@x.example'))
    await expect.poll(() => streamed(redis).length).toBe(2)
    redis.cli('FLUSHALL')
    const hit = await fetch(`${test.httpUrl}${path}`, { redirect: 'manual' })
    expect([hit.status, hit.headers.get('location')]).toEqual([302, 'https://e.com/?a=1&b=2'])
    await expect.poll(() => streamed(redis).length).toBe(1)
  })

  test('F36 failed over: events go to the server that Sentinels name now', async () => {
    const master = await startRedis()
    const replica = await startRedis(undefined, '--replicaof', '127.0.0.1', String(master.port))
    await expect.poll(() => master.cli('INFO', 'replication')).toContain('state=online')
    const sentinel = await startSentinel(master.port)
    await expect.poll(sentinel.knowsReplica).toBe(true)
    const redis = `redis { sentinels = ( "127.0.0.1:${sentinel.port}" ) sentinel_master = "m" }`
    const test = (running = await startServer({ more: `${KEYS} ${redis}` }))
    await sendOne(test, ['a@x.example'])
    await expect.poll(() => streamed(replica).length).toBe(2)
    await master.kill()
    expect(await sendOne(test, ['b@x.example'])).toMatch(/^250/)
    const events = await test.events(4)
    await expect.poll(() => streamed(replica).sort()).toEqual(idsOf(events))
  }, 60_000)

  test('F32 absent at the start: mail is taken, or not, as `mail` says', async () => {
    const port = await freePort()
    const open = await start(port)
    expect(await sendOne(open, ['a@x.example'])).toMatch(/^250/)
    await open.close()

    const closed = await start(port, 'mail = fail_closed')
    const ask = async (): Promise<string> => {
      const wire = await dial(closed.smtpPort)
      await wire.expect('220')
      wire.send('MAIL FROM:<a@b.example>\r\n')
      const reply = await wire.reply()
      wire.reset()
      return reply
    }
    await expect.poll(ask).toMatch(/^451 4\.3\.0/)
    expect((await fetch(`${closed.httpUrl}/readyz`)).status).toBe(503)
    await startRedis(port)
    await expect.poll(ask).toMatch(/^250/)
  })
})

describe.skipIf(!hasRedis)('two servers with one Redis (needs redis-server)', () => {
  test('links that one of them denies lead nowhere at both, also over an outage and a flush', async () => {
    const redis = await startRedis()
    const one = await start(redis.port)
    const two = await start(redis.port)
    onTestFinished(() => one.close())
    await sendOne(one, ['a@x.example'])
    const [path] = trackedPaths(await copyFor(one, 'a@x.example'))
    const [injected] = await one.events(1)
    const name = String(injected?.['message_id'])
    const statuses = (): Promise<number[]> =>
      Promise.all(
        [one, two].map(
          async ({ httpUrl }) => (await fetch(`${httpUrl}${path}`, { redirect: 'manual' })).status,
        ),
      )
    const say = (test: TestServer, text: string) =>
      runCommand(
        { server: test.server, now: Date.now, pages: [], shutdown: () => {} },
        text.split(' '),
      )
    expect(await statuses()).toEqual([302, 302])
    const answer = await say(one, `deny message ${name}`)
    expect(answer.text).toBe(`links of message ${name} lead nowhere\n`)
    await expect.poll(statuses).toEqual([404, 404])
    expect((await say(two, 'deny')).text).toMatch(`message ${name} (since `)

    // Each goes on with what it knows; what is said meanwhile is told later.
    await redis.kill()
    expect(await statuses()).toEqual([404, 404])
    expect((await say(two, `allow message ${name}`)).text).toContain('told later: redis: ')
    expect(await statuses()).toEqual([404, 302])
    const cured = await startRedis(redis.port)
    await expect.poll(statuses).toEqual([302, 302])
    await say(one, `deny message ${name}`)
    cured.cli('FLUSHALL')
    await expect.poll(() => cured.cli('HKEYS', 'eachrcpt:{denied}')).toBe(`message ${name}`)
    await expect.poll(statuses).toEqual([404, 404])
  }, 60_000)

  test('when one is killed under load the other takes the traffic, its spool is delivered when it is back, and each event is once in the stream', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'eachrcpt-nodes-'))
    const redis = await startRedis()
    const sink = await openSink()
    const nodes: Running[] = []
    onTestFinished(async () => {
      nodes.forEach(({ child }) => child.kill('SIGKILL'))
      await sink.close()
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    })
    const begin = async (name: string, port = sink.port): Promise<Running> => {
      await mkdir(join(folder, name), { recursive: true })
      await writeFile(
        join(folder, name, 'e.conf'),
        `hostname = "${name}.test" spoolbase = "spool" gateway = "127.0.0.1:${port}" ${KEYS}
         retry_interval = 1
         redis { uri = "redis://127.0.0.1:${redis.port}" }
         esmtp_listener { listen "127.0.0.1:0" {} relay_hosts = ( 127.0.0.0/8 ) }`,
      )
      const node = await serve(['--config', 'e.conf'], join(folder, name))
      nodes.push(node)
      return node
    }
    // What the first one takes before it is killed stays in its spool: its next hop is not there.
    const [one, two] = await Promise.all([begin('one', await freePort()), begin('two')])
    const ports = [one.smtpPort, two.smtpPort]
    const acknowledged: string[] = []
    const atFirst: string[] = []
    let isStopped = false
    let count = 0
    // As behind a balancer: each connection to the next of those that answer.
    const pour = async (): Promise<void> => {
      for (let turn = 0; !isStopped; turn++) {
        const port = ports[turn % ports.length] ?? 0
        try {
          const wire = await dial(port)
          await wire.expect('220')
          for (let i = 0; i < 3; i++) {
            const rcptto = `m${count++}@x.example`
            if (!(await send(wire, [rcptto])).startsWith('250')) continue
            acknowledged.push(rcptto)
            if (port === one.smtpPort) atFirst.push(rcptto)
          }
          wire.end()
        } catch {
          // The other one, then.
        }
      }
    }
    const more = async (messages: number): Promise<void> => {
      const enough = acknowledged.length + messages
      await expect.poll(() => acknowledged.length).toBeGreaterThanOrEqual(enough)
    }
    const pouring = Promise.all([pour(), pour()])
    await more(20)
    one.child.kill('SIGKILL')
    await more(40)
    expect(atFirst.length).toBeGreaterThan(5)
    expect(sink.mail.filter(({ rcptto }) => atFirst.includes(rcptto))).toEqual([])
    const again = await begin('one')
    ports[0] = again.smtpPort
    await more(20)
    isStopped = true
    await pouring

    const delivered = (): Set<string> => new Set(sink.mail.map(({ rcptto }) => rcptto))
    await expect.poll(() => acknowledged.filter((rcptto) => !delivered().has(rcptto))).toEqual([])
    for (const node of [again, two]) expect(await node.stop('SIGTERM')).toBe(0)
    const ids = streamed(redis)
    expect(new Set(ids).size).toBe(ids.length)
    const text = redis.cli('XRANGE', 'eachrcpt:events', '-', '+')
    const of = (type: string): string[] =>
      [...text.matchAll(/\{"msys":.*\}/g)].flatMap(([line]) =>
        line.includes(`"type":"${type}"`) ? [/"rcpt_to":"([^"]+)"/.exec(line)?.[1] ?? ''] : [],
      )
    const injected = of('injection')
    expect(new Set(injected).size).toBe(injected.length)
    for (const type of ['injection', 'delivery']) {
      const told = new Set(of(type))
      expect(acknowledged.filter((rcptto) => !told.has(rcptto))).toEqual([])
    }
  }, 60_000)
})
