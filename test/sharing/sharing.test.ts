// What policy counts, shared with other nodes by a Redis: each node's reads are its own, and agree in the end.
import { afterEach, describe, expect, test } from 'vitest'
import { makeSharedState } from '../../src/msys/shared/embedded.ts'
import type { SharedState } from '../../src/msys/shared/state.ts'
import { type NodeState, shareWithNodes } from '../../src/sharing/nodestate.ts'
import { type Link, openLink } from '../../src/redis/link.ts'
import { makeSharing, type Sharing } from '../../src/sharing/sharing.ts'
import { hasRedis, type RedisServer, startRedis } from '../support/redis.ts'

const open: { close(): void }[] = []
afterEach(() => open.splice(0).forEach((each) => each.close()))

const SHAPE = { windowSeconds: 60, windows: 5, isPersistent: false, keys: 'string' } as const
const count = (key: string, n: number) =>
  ({ kind: 'series add', series: 's', key, count: n, atMs: Date.now() }) as const

interface TestNode {
  readonly state: SharedState
  readonly sharing: Sharing
  readonly nodeState: NodeState
  sum(key: string): number
}

function startNode(
  redis: RedisServer,
  name: string,
  define: (state: SharedState) => void = () => {},
): TestNode {
  const sharing = makeSharing(makeSharedState(Date.now))
  const { state } = sharing
  state.defineSeries('s', { ...SHAPE, reach: 'cluster' })
  state.defineSeries('own', { ...SHAPE, reach: 'node' })
  define(state)
  const access = { username: undefined, password: undefined, sentinelPassword: undefined }
  const link: Link = openLink(
    { kind: 'socket', path: redis.socket, ...access, db: 0, tls: undefined, timeoutMs: 250 },
    { resolve: () => Promise.resolve([]), now: () => performance.now() },
  )
  const options = { prefix: 'e:' } as never
  const nodeState = shareWithNodes(sharing, { link, options }, name)
  nodeState.begin()
  open.push(link, nodeState)
  // Of all windows: a minute may begin meanwhile.
  return { state, sharing, nodeState, sum: (key) => state.seriesSum('s', key, 0, 4) }
}

describe.skipIf(!hasRedis)('nodes that share a Redis (needs redis-server)', () => {
  test('count together what is to be replicated, and nothing else', async () => {
    const redis = await startRedis()
    const [one, two] = [startNode(redis, 'one'), startNode(redis, 'two')]
    one.state.apply(count('k', 2))
    two.state.apply(count('k', 3))
    one.state.apply({ ...count('k', 1), series: 'own' })
    one.state.apply({ kind: 'counter add', path: '/x', delta: 1 })
    // At once here, a moment later there.
    expect([one.sum('k'), two.sum('k')]).toEqual([2, 3])
    await expect.poll(() => [one.sum('k'), two.sum('k')]).toEqual([5, 5])
    expect([two.state.seriesSum('own', 'k', 0, 0), two.state.counter('/x')]).toEqual([0, 0])
    one.state.apply({ kind: 'series remove', series: 's', key: 'k' })
    await expect.poll(() => two.sum('k')).toBe(0)
  })

  test('a node that starts reads what was said before', async () => {
    const redis = await startRedis()
    const one = startNode(redis, 'one')
    one.state.apply(count('k', 2))
    await expect.poll(() => redis.cli('XLEN', 'e:state')).toBe('1')
    const late = startNode(redis, 'late')
    await expect.poll(() => late.sum('k')).toBe(2)
    // Its own of an earlier run, too: a run has a name of its own.
    const again = startNode(redis, 'one, again')
    await expect.poll(() => again.sum('k')).toBe(2)
  })

  test('of old messages a persistent series takes nothing: it has a file of its own', async () => {
    const redis = await startRedis()
    const one = startNode(redis, 'one')
    one.state.defineSeries('p', { ...SHAPE, reach: 'cluster', isPersistent: true })
    one.state.apply({ ...count('k', 2), series: 'p' })
    one.state.apply(count('k', 2))
    await expect.poll(() => redis.cli('XLEN', 'e:state')).toBe('1')
    await new Promise((resolve) => setTimeout(resolve, 5))
    const late = startNode(redis, 'late', (state) => {
      state.defineSeries('p', { ...SHAPE, reach: 'cluster', isPersistent: true })
    })
    await expect.poll(() => late.sum('k')).toBe(2)
    expect(late.state.seriesSum('p', 'k', 0, 0)).toBe(0)
    one.state.apply({ ...count('k', 3), series: 'p' })
    await expect.poll(() => late.state.seriesSum('p', 'k', 0, 0)).toBe(3)
  })

  test('what is counted while Redis does not answer is told when it does', async () => {
    const redis = await startRedis()
    const [one, two] = [startNode(redis, 'one'), startNode(redis, 'two')]
    one.state.apply(count('k', 1))
    await expect.poll(() => two.sum('k')).toBe(1)
    redis.freeze()
    one.state.apply(count('k', 10))
    await new Promise((resolve) => setTimeout(resolve, 600))
    expect([one.sum('k'), two.sum('k')]).toEqual([11, 1])
    redis.thaw()
    await expect.poll(() => two.sum('k')).toBe(11)
    // It may be in the stream twice, as the first answer was lost; it is counted once.
    one.state.apply(count('k', 100))
    await expect.poll(() => [one.sum('k'), two.sum('k')]).toEqual([111, 111])
  })
})

test('what another one has takes the place of what is here', () => {
  const [mine, theirs] = [1, 2].map(() => makeSharing(makeSharedState(Date.now)))
  for (const { state } of [mine!, theirs!]) state.defineSeries('s', { ...SHAPE, reach: 'node' })
  mine!.state.apply(count('k', 1))
  mine!.state.apply({ kind: 'counter add', path: '/x', delta: 1 })
  theirs!.state.apply(count('k', 5))
  theirs!.state.apply({ kind: 'counter add', path: '/x', delta: 7 })
  theirs!.state.apply({ kind: 'value set', key: 'v', value: 'w' })
  mine!.replaceBy(theirs!.contents())
  const { state } = mine!
  expect([state.seriesSum('s', 'k', 0, 0), state.counter('/x'), state.value('v')]).toEqual([
    5,
    7,
    'w',
  ])
})
