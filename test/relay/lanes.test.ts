// Lanes: whose options hold for whom, and what waits behind a next hop that takes nothing.
import { expect, test } from 'vitest'
import { begin, start, until } from './begun.ts'
import { DEFAULTS } from './fakes.ts'

test.each([
  ['first', ['a@own.test', 'b@to.test']],
  ['last', ['b@to.test', 'a@own.test']],
])(
  'what is said of a domain holds for it alone where all go to one gateway: it comes %s',
  async (_, rcpttos) => {
    const { relay, spool, log, config, peer } = await begin({ EHLO: '250 peer.test' })
    for (const own of [{ blackhole: 'internal' }, { tls: 'required' }] as const) {
      log.length = 0
      relay.reconfigure({
        ...config,
        outbound: (domain) => ({
          ...config.outbound(domain),
          ...(domain === 'own.test' && own),
        }),
      })
      relay.enqueue(spool.add(rcpttos, { mailfrom: '' }))
      await relay.idle()
      expect(log.toSorted()).toEqual(
        [
          'delivery b@to.test 9 250 2.0.0 queued',
          'blackhole' in own
            ? 'bounce a@own.test 0 554 5.7.0 [internal] Blackholed'
            : 'delay a@own.test 11 454 4.7.0 [internal] STARTTLS is required but not offered',
        ].toSorted(),
      )
      expect(relay.lanes().map(({ key }) => key)).toEqual(
        expect.arrayContaining([`gateway 127.0.0.1 ${peer.port} as own.test`]),
      )
    }
  },
)

test('L12 of a hundred next hops one is a black hole: the mail of the others goes at once', async () => {
  const { relay, spool, log, peer } = await begin({})
  const hole = await start({ greeting: 'wedge' })
  relay.reconfigure({
    hostname: 'us.test',
    outbound: (domain) => ({
      ...DEFAULTS,
      maxOutboundConnections: 2,
      gateway: { host: '127.0.0.1', port: domain === 'd0.test' ? hole.port : peer.port },
      ehloHostname: domain,
    }),
  })
  const domains = Array.from({ length: 100 }, (_, i) => `d${i}.test`)
  for (let round = 0; round < 3; round++) {
    for (const domain of domains) relay.enqueue(spool.add([`m${round}@${domain}`]))
  }
  await until(() => log.length === 3 * 99)
  expect(log.filter((line) => !line.startsWith('delivery'))).toEqual([])
  expect(spool.unfinished().toSorted()).toEqual(['m0@d0.test', 'm1@d0.test', 'm2@d0.test'])
})

test('large mail to a next hop that takes nothing waits outside memory, small mail goes on', async () => {
  const { relay, spool, log, peer, clock } = await begin({ message: ['wedge', '250 ok'] })
  const sizeBytes = 40 * 1024 * 1024
  for (const local of ['b', 'c', 'd']) relay.enqueue(spool.add([`${local}@to.test`], { sizeBytes }))
  await until(() => peer.messages.length === 1)
  relay.enqueue(spool.add(['small@to.test']))
  for (let second = 0; second < 3; second++) {
    clock.tick(1_000)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await until(() => log.length === 1)
  expect(log).toEqual(['delivery small@to.test 9 250 ok'])
  expect(peer.messages).toHaveLength(2)
})

test('what waits behind a wedged connection goes over another', async () => {
  const { relay, spool, log, clock } = await begin({ message: ['wedge', 'wedge', '250 ok'] })
  for (const local of ['b', 'c', 'd']) {
    relay.enqueue(spool.add([`${local}@to.test`]))
    await until(() => relay.lanes()[0]?.workers !== 0)
  }
  for (let second = 0; second < 3; second++) {
    await new Promise((resolve) => setImmediate(resolve))
    clock.tick(1_000)
  }
  await until(() => log.length === 1)
  expect(log[0]).toMatch(/^delivery [cd]@to\.test 9 250 ok$/)
})

test('what waits in a lane when the spool breaks stays there', async () => {
  const { relay, spool, log, peer, clock } = await begin({ MAIL: 'wedge' })
  for (const local of ['b', 'c', 'd']) relay.enqueue(spool.add([`${local}@to.test`]))
  await until(() => peer.commands.some((line) => line.startsWith('MAIL')))
  spool.break()
  clock.tick(31_000)
  await new Promise((resolve) => setImmediate(resolve))
  expect([log, relay.lanes()[0]?.active]).toEqual([[], 1])
})

test('fails what expires while its delivery is suspended', async () => {
  const { relay, spool, log, clock } = await begin(
    {},
    { suspendDelivery: true, messageExpirationSeconds: 50 },
  )
  relay.enqueue(spool.add(['b@to.test'], { mailfrom: '' }))
  await clock.advance(90_000, relay)
  expect(log).toEqual([
    'bounce b@to.test 0 554 5.4.7 [internal] exceeded max time without delivery',
  ])
})

test('fails what expires while the throttle holds it back', async () => {
  const { relay, spool, log, clock } = await begin(
    {},
    { throttleMessages: { count: 1, seconds: 3600 }, messageExpirationSeconds: 50 },
  )
  for (const local of ['b', 'c']) relay.enqueue(spool.add([`${local}@to.test`], { mailfrom: '' }))
  await relay.idle()
  await clock.advance(90_000, relay)
  expect(log).toEqual([
    'delivery b@to.test 9 250 2.0.0 queued',
    'bounce c@to.test 0 554 5.4.7 [internal] exceeded max time without delivery',
  ])
})
