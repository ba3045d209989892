// A dispatcher at work on a fake spool and a scripted peer, and what its observers are told.
import { onTestFinished } from 'vitest'
import type { OutboundOptions } from '../../src/config/config.ts'
import type { Ids } from '../../src/mail/ids.ts'
import type { Attempt } from '../../src/relay/attempt.ts'
import { type Dispatcher, makeDispatcher } from '../../src/relay/dispatcher.ts'
import type { RelayConfig } from '../../src/relay/worker.ts'
import type { Report } from '../../src/relay/settlement.ts'
import { makeQueue } from '../../src/spool/queue.ts'
import { type Peer, type Script, startPeer } from '../support/peer.ts'
import { DEFAULTS, fakeClock, type FakeClock, fakeSpool, type FakeSpool } from './fakes.ts'

export interface Begun {
  relay: Dispatcher
  config: RelayConfig
  peer: Peer
  clock: FakeClock
  spool: FakeSpool
  /** What observers were told, a line each. */
  log: string[]
  attempts: Attempt[]
  errors: unknown[]
}

function report(tell: (attempt: Attempt) => void): (attempt: Attempt) => Report {
  return (attempt) => ({ tell: () => tell(attempt) })
}

/** A dispatcher that sends everything to a peer with this script. */
export async function begin(
  script: Script,
  options: Partial<OutboundOptions> = {},
  observe?: (attempt: Attempt) => void,
): Promise<Begun> {
  const peer = await start(script)
  const clock = fakeClock()
  const spool = fakeSpool(clock)
  const log: string[] = []
  const attempts: Attempt[] = []
  const errors: unknown[] = []
  const observer =
    (kind: string) =>
    (attempt: Attempt): void => {
      observe?.(attempt)
      attempts.push(attempt)
      const rcptto = attempt.entry.copies[attempt.copyIndex]?.rcptto
      log.push(`${kind} ${rcptto} ${attempt.stage} ${attempt.text}`)
    }
  const gateway = { host: '127.0.0.1', port: peer.port }
  const config: RelayConfig = {
    hostname: 'us.test',
    outbound: () => ({ ...DEFAULTS, gateway, ...options }),
  }
  const relay = makeDispatcher({
    config,
    spool: spool.spool,
    queue: makeQueue(),
    ids: countingIds(),
    observers: {
      onDelivery: report(observer('delivery')),
      onDelay: observer('delay'),
      onBounce: report(observer('bounce')),
    },
    onError: (error) => void errors.push(error),
    resolver: { resolveMx: absent, resolve4: absent, resolve6: absent },
    clock,
    random: () => 0.5,
  })
  onTestFinished(async () => {
    const closed = relay.close({ graceMs: 0 })
    clock.tick(0)
    await closed
  })
  return { relay, config, peer, clock, spool, log, attempts, errors }
}

export async function start(script: Script): Promise<Peer> {
  const peer = await startPeer(script)
  onTestFinished(peer.close)
  return peer
}

/** Lets I/O happen until the condition holds; the test's own time limit ends a wait in vain. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

function absent(): Promise<never> {
  return Promise.reject(Object.assign(new Error('ENOTFOUND'), { code: 'ENOTFOUND' }))
}

function countingIds(): Pick<Ids, 'batch' | 'connection' | 'message'> {
  let count = 0
  return {
    connection: () => `connection ${++count}`,
    batch: () => `00/00-1-0000000${++count}`,
    message: () => `message ${++count}`,
  }
}
