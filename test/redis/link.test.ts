// Redis of every kind as a link meets it, real servers all of them.
import { readFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import type { RedisServer } from '../../src/config/redis.ts'
import { type Link, openLink } from '../../src/redis/link.ts'
import { portOf } from '../support/peer.ts'
import { freePort } from '../support/port.ts'
import { hasRedis, startRedis } from '../support/redis.ts'

const links: Link[] = []
afterEach(() => links.splice(0).forEach((link) => link.close()))

const ACCESS = {
  username: undefined,
  password: undefined,
  sentinelPassword: undefined,
  db: 0,
  tls: undefined,
  timeoutMs: 250,
}

/** Its clock goes on when the test says so. */
function open(server: Partial<RedisServer>) {
  const clock = { ms: 0 }
  const changes: (string | undefined)[] = []
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- completed by the caller
  const link = openLink({ ...ACCESS, ...server } as RedisServer, {
    resolve: () => Promise.resolve(['127.0.0.1']),
    now: () => clock.ms,
    onChange: (away) => void changes.push(away),
  })
  links.push(link)
  return { link, clock, changes }
}

const single = (port: number): Partial<RedisServer> => ({
  kind: 'single',
  host: 'redis.example',
  port,
})

/** Passes octets on, until it is told to keep them. */
async function stallingProxy(port: number) {
  const state = { isStalled: false, connections: 0 }
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    state.connections++
    const upstream = connect(port, '127.0.0.1')
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
    }
    client.on('data', (bytes) => state.isStalled || upstream.write(bytes))
    upstream.on('data', (bytes) => state.isStalled || client.write(bytes))
    client.on('close', () => upstream.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    sockets.forEach((socket) => socket.destroy())
    server.close()
  })
  return Object.assign(state, { port: portOf(server) })
}

describe.skipIf(!hasRedis)('a link to Redis (needs redis-server)', () => {
  test('one that takes no writes is away until it takes one', async () => {
    const redis = await startRedis()
    const { link, clock, changes } = open(single(redis.port))
    const write = (): Promise<unknown> => link.call('SET', 'k', '1')
    await write()
    redis.cli('CONFIG', 'SET', 'min-replicas-to-write', '1')
    await expect(write()).rejects.toThrow('NOREPLICAS')
    clock.ms += 10_000
    await link.call('PING')
    expect(link.away).toContain('NOREPLICAS')
    await expect(write()).rejects.toThrow('NOREPLICAS')
    redis.cli('CONFIG', 'SET', 'min-replicas-to-write', '0')
    clock.ms += 10_000
    await write()
    expect([link.away, changes]).toEqual([
      undefined,
      [expect.stringContaining('NOREPLICAS'), undefined],
    ])
  })

  test('calls it, and its answers are octets', async () => {
    const redis = await startRedis()
    const { link } = open(single(redis.port))
    expect(await link.call('SET', 'k', Buffer.from([0, 255]))).toEqual(Buffer.from('OK'))
    expect(await link.call('GET', 'k')).toEqual(Buffer.from([0, 255]))
    expect(await link.call('DEL', 'k')).toBe(1)
    await expect(link.call('LPUSH')).rejects.toThrow('wrong number of arguments')
    // It has answered: nobody is refused.
    expect([link.away, await link.call('EXISTS', 'k')]).toEqual([undefined, 0])
  })

  test('F34 one that is slow is away after the deadline, and calls are refused at once', async () => {
    const redis = await startRedis()
    const proxy = await stallingProxy(redis.port)
    const { link, clock, changes } = open({ ...single(proxy.port), timeoutMs: 60 })
    await link.call('PING')
    proxy.isStalled = true
    await expect(link.call('PING')).rejects.toThrow('no answer within 60 ms')
    const before = proxy.connections
    for (let i = 0; i < 20; i++) await expect(link.call('PING')).rejects.toThrow('away: no answer')
    expect(proxy.connections).toBe(before)
    proxy.isStalled = false
    clock.ms = 249
    await expect(link.call('PING')).rejects.toThrow('away')
    clock.ms = 250
    expect(String(await link.call('PING'))).toBe('PONG')
    expect(changes).toEqual(['no answer within 60 ms', undefined])
  })

  test('pauses grow while it stays away', async () => {
    const { link, clock } = open(single(await freePort()))
    const tried: number[] = []
    for (clock.ms = 0; clock.ms < 15_000; clock.ms += 250) {
      const error = await link.call('PING').catch((reason: unknown) => String(reason))
      if (!String(error).includes('away:')) tried.push(clock.ms)
    }
    expect(tried).toEqual([0, 250, 750, 1_750, 3_750, 7_750, 12_750])
  })

  test('F34 one that is full or read-only is left, until it takes a write', async () => {
    const redis = await startRedis()
    const { link, clock } = open(single(redis.port))
    redis.cli('CONFIG', 'SET', 'maxmemory', '1')
    await expect(link.call('SET', 'k', 'v')).rejects.toThrow('OOM')
    expect(link.away).toContain('OOM')
    redis.cli('CONFIG', 'SET', 'maxmemory', '0')
    clock.ms += 10_000
    await link.call('SET', 'k', 'v')
    expect(link.away).toBeUndefined()
    redis.cli('REPLICAOF', '127.0.0.1', '1')
    await expect(link.call('SET', 'k', 'v')).rejects.toThrow('READONLY')
    expect(link.away).toContain('READONLY')
  })

  test('a Cluster is asked where a key is', async () => {
    const [one, two] = [await startNode(), await startNode()]
    one.cli('CLUSTER', 'ADDSLOTSRANGE', '0', '8191')
    two.cli('CLUSTER', 'ADDSLOTSRANGE', '8192', '16383')
    two.cli('CLUSTER', 'SET-CONFIG-EPOCH', '2')
    for (const node of [one, two]) {
      // A meeting that a slow machine was too late for is not tried again by itself.
      const meet = (): string => {
        one.cli('CLUSTER', 'MEET', '127.0.0.1', String(two.port))
        return node.cli('CLUSTER', 'INFO')
      }
      await expect
        .poll(meet, { interval: 1_000 })
        .toMatch(/cluster_state:ok[^]*cluster_slots_ok:16384/)
    }
    const { link } = open({ kind: 'cluster', nodes: [{ host: 'c.example', port: one.port }] })
    for (let i = 0; i < 8; i++) await link.call('SET', `key ${i}`, i)
    const script = "return redis.call('GET', KEYS[1])"
    const answers = []
    for (let i = 0; i < 8; i++) answers.push(String(await link.call('EVAL', script, 1, `key ${i}`)))
    expect(answers).toEqual(['0', '1', '2', '3', '4', '5', '6', '7'])
    const sizes = [one, two].map((node) => Number(node.cli('DBSIZE')))
    expect([Math.min(...sizes) > 0, sizes[0]! + sizes[1]!]).toEqual([true, 8])
  })

  test('an ACL user over TLS, whose certificate is checked', async () => {
    const port = await freePort()
    const file = (name: string): string =>
      new URL(`../corpus/tls/${name}`, import.meta.url).pathname
    const tls = ['--tls-port', String(port), '--tls-auth-clients', 'no']
    const files = ['--tls-cert-file', file('server.pem'), '--tls-key-file', file('server-key.pem')]
    const redis = await startRedis(0, ...tls, ...files)
    redis.cli('ACL', 'SETUSER', 'mail', 'on', '>p@ss', '~p:*', '+set', '+ping', '+info', '+select')
    const server = { ...single(port), host: 'server.example', username: 'mail', password: 'p@ss' }
    const ca = readFileSync(file('ca.pem'))
    const good = open({ ...server, tls: { ca } })
    expect(String(await good.link.call('SET', 'p:k', 'v'))).toBe('OK')
    await expect(good.link.call('SET', 'other', 'v')).rejects.toThrow('NOPERM')
    const bad = open({ ...server, tls: {} })
    await expect(bad.link.call('PING')).rejects.toThrow(/certificate|self.signed|issuer/i)
  })
})

async function startNode() {
  return startRedis(undefined, '--cluster-enabled', 'yes', '--cluster-node-timeout', '10000')
}
