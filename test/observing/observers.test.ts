// What the relay's attempts become in the event log.
import { expect, test } from 'vitest'
import type { Journal } from '../../src/events/journal.ts'
import { countsFrom, relayObservers } from '../../src/observing/observers.ts'
import type { Attempt } from '../../src/relay/attempt.ts'

const COPY = {
  id: '01/00-1-A',
  mailfrom: 'a@b.example',
  rcptto: 'c@d.example',
  routingDomain: 'd.example',
  rendition: { pieces: [], holes: [] },
  sizeBytes: 10,
  context: { connection: {}, message: {} },
  facts: { rcpt_to: 'c@d.example' },
}

const ATTEMPT = {
  entry: { batchId: '00/00-1-A', connectionId: 'c1', facts: {}, copies: [COPY] },
  copyIndex: 0,
  remoteAddress: '192.0.2.1',
  outboundConnectionId: 'c2',
  code: 450,
  text: '450 4.2.0 c@d.example at 192.0.2.1 is busy',
  stage: 5,
  retries: 2,
  queuedMs: 2500,
  sizeBytes: 10,
} as unknown as Attempt

test.each(['delivery', 'delay', 'bounce'] as const)(
  '%s: the log has whole seconds in the queue, the event milliseconds',
  (kind) => {
    const seen: unknown[] = []
    const take = (line: { queueSeconds: number }, ...facts: object[]) => {
      seen.push(line.queueSeconds, Object.assign({}, ...facts))
      return { event: undefined, tell: () => {} }
    }
    const journal = { delivery: take, delay: take, bounce: take } as unknown as Journal
    const { onDelivery, onDelay, onBounce } = relayObservers(
      () => journal,
      countsFrom(0),
      () => () => {},
    )
    const observers = { delivery: onDelivery, delay: onDelay, bounce: onBounce }
    observers[kind](ATTEMPT)
    expect(seen[0]).toBe(2)
    expect(seen[1]).toMatchObject({
      rcpt_to: 'c@d.example',
      ip_address: '192.0.2.1',
      num_retries: '2',
      queue_time: '2500',
      delv_method: 'esmtp',
    })
  },
)
