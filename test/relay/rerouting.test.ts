// Queued copies that an operator sends to another domain.
import { expect, test } from 'vitest'
import { SpoolError } from '../../src/spool/error.ts'
import { type QueueItem, wayOf } from '../../src/spool/queue.ts'
import type { Script } from '../support/peer.ts'
import { begin, until } from './begun.ts'

const isOld = (item: QueueItem): boolean => wayOf(item).routingDomain === 'old.test'
const NEW = 'new.test'
const toNew = (item: QueueItem) => ({ ...wayOf(item), routingDomain: NEW })

/** Nothing goes to old.test. */
async function beginSuspended(script: Script = {}) {
  const begun = await begin(script)
  const { relay, config } = begun
  relay.reconfigure({
    ...config,
    outbound(domain, egress) {
      const outbound = config.outbound(domain, egress)
      return domain === 'old.test' ? { ...outbound, suspendDelivery: true } : outbound
    },
  })
  return begun
}

test('what waits for one domain is delivered by the way of the other', async () => {
  const { relay, spool, log, peer } = await beginSuspended()
  relay.enqueue(spool.add(['a@old.test', 'b@other.test', 'c@old.test']))
  relay.enqueue(spool.add(['d@old.test']))
  await relay.idle()
  expect(log).toEqual(['delivery b@other.test 9 250 2.0.0 queued'])
  expect(await relay.reroute(isOld, toNew)).toEqual({ count: 3, left: 0, failure: '' })
  await relay.idle()
  expect(log.length).toBe(4)
  expect(peer.messages).toHaveLength(3)
  expect(spool.unfinished()).toEqual([])
})

test('what was not due waits on', async () => {
  const { relay, spool, log, clock } = await begin(
    { MAIL: ['450 4.2.0 later', '250 ok'] },
    { retryIntervalSeconds: 60 },
  )
  const stored = spool.add(['a@old.test'])
  relay.enqueue(stored)
  await relay.idle()
  expect(await relay.reroute(isOld, toNew)).toMatchObject({ count: 1 })
  await clock.advance(50_000, relay)
  expect(log).toHaveLength(1)
  expect(stored.ways[0]?.routingDomain).toBe(NEW)
  await clock.advance(20_000, relay)
  expect(log[1]).toMatch(/^delivery a@old\.test/)
})

test('what is on its way is left alone', async () => {
  let answer = (): void => {}
  const { relay, spool, log } = await begin(
    { MAIL: (socket) => void (answer = () => socket.write('250 ok\r\n')) },
    { maxOutboundConnections: 1 },
  )
  const first = spool.add(['a@old.test'])
  const second = spool.add(['b@old.test'])
  const asked = answer
  relay.enqueue(first)
  await until(() => answer !== asked)
  relay.enqueue(second)
  expect(await relay.reroute(isOld, toNew)).toMatchObject({ count: 1 })
  expect(first.ways[0]?.routingDomain).toBe('old.test')
  expect(second.ways[0]?.routingDomain).toBe(NEW)
  const next = answer
  answer()
  await until(() => answer !== next)
  answer()
  await relay.idle()
  expect(log.map((line) => line.split(' ')[1])).toEqual(['a@old.test', 'b@old.test'])
})

test('what cannot be written again stays where it was', async () => {
  const { relay, spool, config } = await beginSuspended()
  const stored = Array.from({ length: 100 }, () => spool.add(['a@old.test', 'b@old.test']))
  for (const each of stored) relay.enqueue(each)
  spool.rejectNext(new SpoolError('damaged', 'set aside'))
  spool.rejectNext(new SpoolError('no room', 'the disk is full'))
  const rerouted = await relay.reroute(isOld, toNew)
  // They are tried some at a time: those of the first time that do not fail are moved.
  expect(rerouted).toEqual({ count: 124, left: 74, failure: 'the disk is full' })
  relay.reconfigure(config)
  await relay.idle()
  expect(spool.unfinished()).toEqual([])
})
