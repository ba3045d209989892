// Named locks of policy between processes: workers of one node, and nodes that share a Redis. What the lock guards
// is a place that the test keeps: callouts say when they enter and leave.
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { type Running, serve } from '../support/process.ts'
import { hasRedis, type RedisServer, startRedis } from '../support/redis.ts'
import { dial, type Wire } from '../support/wire.ts'

let folder: string
const running: Running[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eachrcpt-locks-'))
})
afterEach(async () => {
  for (const { child } of running.splice(0)) child.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true, maxRetries: 5 })
})

/** A recipient enters, stays until it is told to leave, and leaves; who is called `silent…` just ends. */
const POLICY = (port: number): string => `
  require("msys.http.client")
  local mod = {}
  local function tell(what, who, more)
    local client = msys.http.client.new()
    client:do_request("GET", "http://127.0.0.1:${port}/" .. what .. "/" .. who .. "/" .. string.gsub(more, " ", "_"), "")
  end
  function mod:validate_rcptto(msg, str, ac, vctx)
    local who = string.match(msg:rcptto(), "^[^@]+")
    local fence = msys.lock("the place")
    tell("enter", who, fence)
    if string.match(who, "^silent") then return msys.core.VALIDATE_CONT end
    local isOurs, why = pcall(msys.unlock, "the place")
    if not isOurs then tell("lost", who, string.match(why, "was lost: (.*)")) end
    return msys.core.VALIDATE_CONT
  end
  msys.registerModule("p", mod)`

interface Place {
  readonly port: number
  /** Who entered, in order, with the fencing numbers. */
  readonly entered: { readonly who: string; readonly fence: number }[]
  readonly told: string[]
  /** Two at a time. */
  readonly overlaps: string[]
  /** Those who are called so stay inside until then. */
  letGo(): void
}

/** Answers `enter` when it is time to leave. */
async function openPlace(): Promise<Place> {
  const entered: Place['entered'] = []
  const told: string[] = []
  const overlaps: string[] = []
  let inside: string | undefined
  let letGo = (): void => {}
  const server = createServer((request, response) => {
    const [, what, who = '', more = ''] = (request.url ?? '').split('/')
    if (what !== 'enter') {
      told.push(`${what} ${who} ${more}`)
      return response.end()
    }
    entered.push({ who, fence: Number(more) })
    const isLong = who.startsWith('long')
    if (inside !== undefined) overlaps.push(`${who} beside ${inside}`)
    if (!isLong) inside = who
    const leave = (): void => {
      if (inside === who) inside = undefined
      response.end()
    }
    if (isLong) letGo = leave
    else setTimeout(leave, 3)
    return undefined
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { port, entered, told, overlaps, letGo: () => letGo() }
}

async function start(name: string, place: Place, more: string): Promise<Running> {
  await mkdir(join(folder, name), { recursive: true })
  await writeFile(join(folder, name, 'p.lua'), POLICY(place.port))
  await writeFile(
    join(folder, name, 'e.conf'),
    `hostname = "${name}.test" spoolbase = "spool"
     engagement_tracker { tracking_keys = [ a = "00112233445566778899aabbccddeeff" ] }
     scriptlet "scriptlet" { http_allow = ( 127.0.0.1 ) script "p" { source = "p" } }
     ec_logger { paniclog = "paniclog.ec" }
     esmtp_listener { listen "127.0.0.1:0" {} relay_hosts = ( 127.0.0.0/8 ) } ${more}`,
  )
  const node = await serve(['--config', 'e.conf'], join(folder, name))
  running.push(node)
  return node
}

const redisOf = ({ port }: RedisServer, more = ''): string =>
  `redis { uri = "redis://127.0.0.1:${port}" lock_lease = 1 ${more} }`

/** A session that is ready for recipients. */
async function sessionWith({ smtpPort }: Running): Promise<Wire> {
  const wire = await dial(smtpPort)
  await wire.expect('220')
  await wire.ask('EHLO client.example', '250')
  await wire.ask('MAIL FROM:<a@b.example>', '250')
  return wire
}

const ask = (wire: Wire, who: string): Promise<string> => {
  wire.send(`RCPT TO:<${who}@x.example>\r\n`)
  return wire.reply()
}

/** Sessions of these servers ask so many times each, all at once; all are answered. */
async function contend(servers: readonly Running[], times: number): Promise<void> {
  const wires = await Promise.all(servers.map(sessionWith))
  const all = wires.map(async (wire, w) => {
    for (let i = 0; i < times; i++) expect(await ask(wire, `w${w}-${i}`)).toMatch(/^250/)
    wire.reset()
  })
  await Promise.all(all)
}

function expectOneByOne({ entered, overlaps, told }: Place, times: number): void {
  expect(overlaps).toEqual([])
  expect(told).toEqual([])
  expect(entered.length).toBe(times)
  const fences = entered.map(({ fence }) => fence)
  expect(fences).toEqual([...new Set(fences)].sort((a, b) => a - b))
}

const names = ({ entered }: Place): string[] => entered.map(({ who }) => who)

/** Enters, and stays. */
async function stay(place: Place, node: Running): Promise<{ wire: Wire; reply: Promise<string> }> {
  const wire = await sessionWith(node)
  const reply = ask(wire, 'long')
  // It may end with its server.
  reply.catch(() => undefined)
  await expect.poll(() => names(place).at(-1)).toBe('long')
  return { wire, reply }
}

/** The process that has the other end of this connection. */
async function pidOf(wire: Wire, pids: readonly number[]): Promise<number> {
  const hex = (port = 0): string => port.toString(16).toUpperCase().padStart(4, '0')
  const { localPort, remotePort } = wire.socket
  const ends = new RegExp(`:${hex(remotePort)} \\w+:${hex(localPort)} (?:\\S+ +){6}(\\d+)`)
  const [, inode] = ends.exec(await readFile('/proc/net/tcp', 'utf8')) ?? []
  for (const pid of pids) {
    for (const fd of await readdir(`/proc/${pid}/fd`)) {
      const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')
      if (target === `socket:[${inode}]`) return pid
    }
  }
  throw new Error('nobody has it')
}

async function workersOf(node: Running): Promise<number[]> {
  const path = `/proc/${node.child.pid}/task/${node.child.pid}/children`
  return (await readFile(path, 'utf8')).trim().split(' ').map(Number)
}

test('workers enter one at a time, with numbers that grow; what a killed one had goes to the next', async () => {
  const place = await openPlace()
  const node = await start('one', place, 'workers = 2')
  await contend([node, node, node, node], 5)
  expectOneByOne(place, 20)

  const holder = await stay(place, node)
  const others = [await sessionWith(node), await sessionWith(node)]
  const pids = await workersOf(node)
  const pid = await pidOf(holder.wire, pids)
  const owners = await Promise.all(others.map((wire) => pidOf(wire, pids)))
  const next = others[owners.findIndex((owner) => owner !== pid)]
  const entering = ask(next!, 'next')
  process.kill(pid, 'SIGKILL')
  expect(await entering).toMatch(/^250/)
  expect(names(place).slice(-2)).toEqual(['long', 'next'])
}, 60_000)

describe.skipIf(!hasRedis)('servers that share a Redis (needs redis-server)', () => {
  test('enter one at a time, with numbers that grow, workers or not', async () => {
    const place = await openPlace()
    const redis = await startRedis()
    const one = await start('one', place, redisOf(redis))
    const two = await start('two', place, `${redisOf(redis)} workers = 2`)
    await contend([one, two, one, two, two], 5)
    expectOneByOne(place, 25)
    // A callout that just ends gives it back, too; nothing stays behind but the last number.
    await contend([one, two], 2)
    const wire = await sessionWith(one)
    await ask(wire, 'silent')
    await expect
      .poll(() => redis.cli('KEYS', 'eachrcpt:{lock:*'))
      .toBe('eachrcpt:{lock:the place}:fence')
  }, 60_000)

  test('F36 what a killed one had is free when its lease is over; one that stood still hears that it was lost', async () => {
    const place = await openPlace()
    const redis = await startRedis()
    const one = await start('one', place, redisOf(redis))
    const two = await start('two', place, redisOf(redis))
    await stay(place, one)
    one.child.kill('SIGKILL')
    const wire = await sessionWith(two)
    expect(await ask(wire, 'heir')).toMatch(/^250/)

    const again = await start('one', place, redisOf(redis))
    const late = await stay(place, again)
    again.child.kill('SIGSTOP')
    expect(await ask(wire, 'next')).toMatch(/^250/)
    again.child.kill('SIGCONT')
    place.letGo()
    expect(await late.reply).toMatch(/^250/)
    expect(place.told).toEqual(['lost long its_lease_ran_out,_and_another_one_may_have_had_it'])
    expect(names(place)).toEqual(['long', 'heir', 'long', 'next'])
    const fences = place.entered.map(({ fence }) => fence)
    expect(fences).toEqual(fences.toSorted((a, b) => a - b))
  }, 60_000)

  test('one that holds it goes on holding it while it renews the lease, also over a flush', async () => {
    const place = await openPlace()
    const redis = await startRedis()
    const [one, two] = [
      await start('one', place, redisOf(redis)),
      await start('two', place, redisOf(redis)),
    ]
    const holder = await stay(place, one)
    const lease = (): number => Number(redis.cli('PTTL', 'eachrcpt:{lock:the place}'))
    redis.cli('FLUSHALL')
    await expect.poll(lease).toBeGreaterThan(0)
    const waiting = ask(await sessionWith(two), 'next')
    // It is renewed: there is more left than a moment ago.
    let before = lease()
    await expect.poll(() => before < (before = lease())).toBe(true)
    expect(names(place)).toEqual(['long'])
    place.letGo()
    expect([await holder.reply, await waiting].map((reply) => reply.slice(0, 3))).toEqual([
      '250',
      '250',
    ])
    expect([names(place), place.told]).toEqual([['long', 'next'], []])
  }, 60_000)

  test.each([
    ['gone', (redis: RedisServer) => redis.kill()],
    ['not answering', async (redis: RedisServer) => redis.freeze()],
    ['read-only', async (redis: RedisServer) => redis.cli('REPLICAOF', '127.0.0.1', '1')],
  ])(
    "F34 while Redis is %s a lock is a server's own, or cannot be had",
    async (_, cause) => {
      const place = await openPlace()
      const redis = await startRedis()
      const open = await start('open', place, redisOf(redis))
      const closed = await start('closed', place, redisOf(redis, 'locks = fail_closed'))
      const wires = [await sessionWith(open), await sessionWith(closed)] as const
      for (const wire of wires) expect(await ask(wire, 'before')).toMatch(/^250/)
      await cause(redis)
      await contend([open, open], 3)
      expectOneByOne({ ...place, entered: place.entered.slice(2) }, 6)
      expect(await ask(wires[1], 'refused')).toMatch(/^421/)
      await expect
        .poll(() => readFile(join(folder, 'closed/paniclog.ec'), 'utf8'))
        .toMatch(/msys\.lock: "the place" cannot be had: /)
      expect(names(place)).not.toContain('refused')
    },
    60_000,
  )

  test('one that is full keeps locks all the same', async () => {
    const place = await openPlace()
    const redis = await startRedis()
    const more = redisOf(redis, 'locks = fail_closed')
    const [one, two] = [await start('one', place, more), await start('two', place, more)]
    redis.cli('CONFIG', 'SET', 'maxmemory', '1')
    await contend([one, two, two], 5)
    expectOneByOne(place, 15)
  }, 60_000)
})
