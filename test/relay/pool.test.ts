import { expect, test } from 'vitest'
import type { Tap } from '../../src/relay/channel.ts'
import type { Client } from '../../src/relay/client.ts'
import { type Outcome, outcome, STAGES } from '../../src/relay/outcome.ts'
import { type Listen, makePool, type Pool } from '../../src/relay/pool.ts'
import { PROFILE } from './fakes.ts'

const HOSTS = ['192.0.2.1', '192.0.2.2'].map((address) => ({ name: 'x', address, port: 25 }))
const QUICK = { ...PROFILE, idleMs: 20 }
const WAY = { routingDomain: 'x.test' }
const TO = { hosts: HOSTS, profile: QUICK, way: WAY }

interface FakeClient extends Client {
  isOpen: boolean
  count: number
  heard?: Tap | undefined
}

test('gives a released connection to the next message', async () => {
  const { pool, opened } = fake({})
  const first = await lease(pool)
  pool.release(first, 0)
  expect(await pool.lease(TO)).toBe(first)
  expect(opened).toEqual(['192.0.2.1 us.test'])
  await pool.close()
})

test('gives no connection to two messages at once', async () => {
  const { pool } = fake({})
  expect(await lease(pool)).not.toBe(await lease(pool))
})

test('opens a new connection when asked for a fresh one, or under another name', async () => {
  const { pool, opened } = fake({})
  pool.release(await lease(pool), 0)
  await pool.lease(TO, undefined, true)
  await pool.lease({ ...TO, profile: { ...QUICK, ehloHostname: 'other.test' } })
  expect(opened).toEqual(['192.0.2.1 us.test', '192.0.2.1 us.test', '192.0.2.1 other.test'])
  await pool.close()
})

test('opens none where it may not, but gives an idle one', async () => {
  const { pool, opened } = fake({})
  expect(await pool.lease(TO, () => false)).toBe('held')
  pool.release(await lease(pool), 0)
  expect(isFake(await pool.lease(TO, () => false))).toBe(true)
  expect(opened).toHaveLength(1)
  await pool.close()
})

test('shares no connection between two source addresses, and tries only hosts of their family', async () => {
  const { pool, opened } = fake({})
  const hosts = [{ name: 'x', address: '2001:db8::1', port: 25 }, ...HOSTS]
  const from = (bindAddress: string) => ({ ...TO, hosts, profile: { ...QUICK, bindAddress } })
  for (const bindAddress of ['192.0.2.8', '192.0.2.9', '192.0.2.8', '2001:db8::8']) {
    const client = await pool.lease(from(bindAddress))
    if (isFake(client)) pool.release(client, 0)
  }
  expect(opened).toEqual([
    '192.0.2.1 us.test 192.0.2.8',
    '192.0.2.1 us.test 192.0.2.9',
    '2001:db8::1 us.test 2001:db8::8',
  ])
  expect(await pool.lease({ ...TO, profile: { ...QUICK, bindAddress: '::1' } })).toMatchObject({
    kind: 'deferred',
    stage: 0,
  })
  await pool.close()
})

test('does not give a connection that was closed meanwhile', async () => {
  const { pool } = fake({})
  const first = await lease(pool)
  pool.release(first, 0)
  first.isOpen = false
  expect(await pool.lease(TO)).not.toBe(first)
})

test('ends a connection that has carried as much as it may', async () => {
  const { pool } = fake({})
  const first = await lease(pool)
  first.count = 2
  pool.release(first, 2)
  expect(first.isOpen).toBe(false)
})

test('says QUIT on a connection that stays idle', async () => {
  const { pool, quits } = fake({})
  const first = await lease(pool)
  pool.release(first, 0)
  expect(await quits[0]).toBe(first)
})

test('goes on to the next host when one fails', async () => {
  const busy = outcome(STAGES.readingBanner, '421 busy')
  const { pool } = fake({ '192.0.2.1': busy })
  expect((await lease(pool)).address).toBe('192.0.2.2')
})

test.each([
  ['554 no', '421 busy', '421 busy'],
  ['421 busy', '554 no', '421 busy'],
  ['554 no', '554 never', '554 no'],
])('reports %s and %s as %s', async (first, second, expected) => {
  const { pool } = fake({
    '192.0.2.1': outcome(STAGES.readingBanner, first),
    '192.0.2.2': outcome(STAGES.readingBanner, second),
  })
  expect(await pool.lease(TO)).toMatchObject({ text: expected })
})

test('ends all connections when it closes, and those that open later', async () => {
  const { pool, quits } = fake({})
  const [idle, leased] = [await lease(pool), await lease(pool)]
  pool.release(idle, 0)
  await pool.close()
  expect([await quits[0], idle.isOpen, leased.isOpen]).toEqual([idle, false, false])
  expect((await lease(pool)).isOpen).toBe(false)
})

test('tells which connections there are, for whom, and what they do', async () => {
  const { pool } = fake({})
  const [first, second] = [await lease(pool), await lease(pool)]
  pool.release(first, 0)
  const row = { way: WAY, address: '192.0.2.1', port: 25 }
  expect(pool.all()).toEqual([
    { ...row, state: 'delivering', deliveries: 1 },
    { ...row, state: 'idle', deliveries: 1 },
  ])
  pool.release(second, 1)
  await pool.close()
  const opening = makePool(() => new Promise(() => {}))
  void opening.lease(TO)
  expect(opening.all()).toEqual([{ ...row, state: 'connecting', deliveries: 0 }])
})

test('whoever listens to a domain hears a connection while it is used for that', async () => {
  const tap = (): void => {}
  const { pool } = fake({}, ({ routingDomain }) => (routingDomain === 'x.test' ? tap : undefined))
  const client = await lease(pool)
  pool.release(client, 0)
  await pool.lease({ ...TO, way: { routingDomain: 'y.test' } })
  expect(client.heard).toBe(undefined)
  pool.release(client, 0)
  await lease(pool)
  expect(client.heard).toBe(tap)
  await pool.close()
})

async function lease(pool: Pool): Promise<FakeClient> {
  const client = await pool.lease(TO)
  if (!isFake(client)) throw new Error('nothing was leased')
  return client
}

function isFake(client: object | 'held'): client is FakeClient {
  return client !== 'held' && 'isOpen' in client
}

/** `failures`: what happens instead of opening, by address. */
function fake(
  failures: Readonly<Record<string, Outcome>>,
  listen?: Listen,
): {
  pool: Pool
  opened: string[]
  quits: Promise<Client>[]
} {
  const opened: string[] = []
  const quits: Promise<Client>[] = []
  const open = (host: { address: string; port: number }): FakeClient => {
    let report: (client: Client) => void
    quits.push(new Promise((resolve) => (report = resolve)))
    const client: FakeClient = {
      ...host,
      id: String(opened.length),
      isOpen: true,
      count: 1,
      deliveries: () => client.count,
      deliver: () => Promise.resolve([]),
      isUsable: () => client.isOpen,
      tap: (tap) => void (client.heard = tap),
      quit: () => {
        client.destroy()
        report(client)
        return Promise.resolve()
      },
      destroy: () => void (client.isOpen = false),
    }
    return client
  }
  const pool = makePool((host, { ehloHostname, bindAddress }) => {
    opened.push([host.address, ehloHostname, bindAddress ?? []].flat().join(' '))
    return Promise.resolve(failures[host.address] ?? open(host))
  }, listen)
  return { pool, opened, quits }
}
