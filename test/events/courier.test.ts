import { expect, test } from 'vitest'
import {
  LIMITS,
  makeFolder,
  openLog,
  record,
  startTestCourier,
  testClock,
  testSink,
} from './store.ts'

async function start(options: Parameters<typeof testSink>[0] = {}) {
  const folder = makeFolder()
  let courier: Awaited<ReturnType<typeof startTestCourier>> | undefined
  const log = await openLog(folder, { onDurable: () => courier?.wake(), segmentBytes: 1_000 })
  const sink = testSink(options)
  const clock = testClock()
  courier = await startTestCourier(folder, log, sink, clock)
  const append = async (...lines: string[]): Promise<void> => {
    for (const line of lines) log.append(line)
    await log.flush()
  }
  return { folder, log, sink, clock, courier, append }
}

const opens = (...numbers: number[]) => numbers.map((n) => record('open', n))

test('events go out in order, in batches of at most so many', async () => {
  const { sink, courier, append } = await start()
  await append(...opens(1, 2, 3, 4, 5))
  await courier.flush()
  expect(sink.attempts.map(({ events }) => events)).toEqual([opens(1, 2, 3), opens(4, 5)])
  await append(...opens(6))
  await courier.flush()
  expect(sink.attempts.at(-1)?.events).toEqual(opens(6))
})

test('a sink gets only what it wants, and its cursor passes the rest', async () => {
  const { sink, courier, log, append } = await start({ wants: (type) => type === 'click' })
  await append(record('open', 1), record('click', 2), record('open', 3))
  await courier.flush()
  await courier.flush()
  expect(sink.attempts.map(({ events }) => events)).toEqual([[record('click', 2)]])
  expect(courier.place).toBe(log.durable)
})

test('E156 a batch that fails is tried again, the same with the same id, at growing delays', async () => {
  const { sink, clock, courier, append } = await start()
  sink.failures.push('answered 500', 'answered 500', 'no answer within 6 s', 'answered 503')
  await append(...opens(1, 2))
  await expect.poll(() => sink.attempts.length).toBe(5)
  await courier.flush()
  expect(new Set(sink.attempts.map(({ id }) => id)).size).toBe(1)
  expect(new Set(sink.attempts.map(({ events }) => events.join())).size).toBe(1)
  expect(clock.slept).toEqual([1_000, 2_000, 4_000, 8_000])
  expect(courier.reports).toEqual([
    expect.stringMatching(/^batch [0-9a-f-]{36} will be tried again: answered 500$/),
    expect.stringMatching(/^batch [0-9a-f-]{36} is delivered, after 4 failures$/),
  ])
})

test('events that come meanwhile wait for it, in order, in a batch of their own', async () => {
  const { sink, courier, append } = await start()
  sink.failures.push('answered 500')
  await append(...opens(1, 2))
  await expect.poll(() => sink.attempts.length).toBeGreaterThan(0)
  await append(...opens(3))
  await expect.poll(() => sink.attempts.length).toBe(3)
  await courier.flush()
  const [first, again, second] = sink.attempts
  expect(again).toEqual(first)
  expect(second?.events).toEqual(opens(3))
  expect(second?.id).not.toBe(first?.id)
})

test('F48 after four hours a batch is dropped and told of; the next one has its own four', async () => {
  const { sink, clock, courier, append } = await start()
  sink.failures.push(...Array.from({ length: 400 }, () => 'answered 500'))
  await append(...opens(1, 2, 3, 4))
  await expect
    .poll(() => courier.reports.filter((text) => text.includes('dropped')).length)
    .toBeGreaterThanOrEqual(1)
  expect(courier.reports[1]).toMatch(/^3 events are dropped, batch [0-9a-f-]{36}: answered 500$/)
  const first = sink.attempts.filter(({ events }) => events.length === 3)
  const waited = clock.slept.slice(0, first.length - 1).reduce((sum, ms) => sum + ms, 0)
  expect(waited).toBeGreaterThan(3.8 * 3600 * 1000)
  expect(waited).toBeLessThanOrEqual(4 * 3600 * 1000)
})

test('the four hours are those of trying, over restarts: not of a server that was down', async () => {
  let attempts = 0
  const hang = (signal: AbortSignal): Promise<never> =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new Error('left')))
    })
  const { folder, log, clock, courier, append } = await start({
    deliver: (_, signal) =>
      attempts++ < 20 ? Promise.reject(new Error('answered 500')) : hang(signal),
  })
  await append(...opens(1))
  await expect.poll(() => attempts).toBe(21)
  await courier.stop(0)
  const after = testSink()
  after.failures.push(...Array.from({ length: 400 }, () => 'answered 500'))
  const later = testClock(9 * 3600 * 1000)
  const next = await startTestCourier(folder, log, after, later)
  await expect.poll(() => next.reports.at(-1)).toContain('1 events are dropped')
  const tried = [...clock.slept, ...later.slept].reduce((sum, ms) => sum + ms, 0)
  expect(tried).toBeGreaterThan(3.8 * 3600 * 1000)
  expect(tried).toBeLessThanOrEqual(4 * 3600 * 1000)
})

test('what was begun before a restart is the same batch after it, though more has come', async () => {
  const { folder, log, sink, courier, append } = await start()
  sink.failures.push('answered 500')
  await append(...opens(1, 2))
  await courier.flush()
  await courier.stop(0)
  await append(...opens(3))
  const after = testSink()
  const next = await startTestCourier(folder, log, after, testClock())
  await expect.poll(() => after.attempts.length).toBe(2)
  await next.flush()
  expect(after.attempts[0]).toEqual(sink.attempts[0])
  expect(after.attempts[1]?.events).toEqual(opens(3))
})

test('what was done before a restart is not done again', async () => {
  const { folder, log, sink, courier, append } = await start()
  await append(...opens(1, 2))
  await courier.flush()
  await courier.stop(0)
  await append(...opens(3))
  const after = testSink()
  const next = await startTestCourier(folder, log, after, testClock())
  await next.flush()
  await expect.poll(() => after.attempts.length).toBe(1)
  expect(sink.attempts[0]?.events).toEqual(opens(1, 2))
  expect(after.attempts[0]?.events).toEqual(opens(3))
})

test('a batch is not full: it waits for more, but not longer than it should', async () => {
  const { sink, clock, append } = await start({ limits: { ...LIMITS, waitMs: 30_000 } })
  await append(...opens(1))
  await expect.poll(() => sink.attempts.length).toBe(1)
  expect(clock.slept).toEqual([30_000])
})

test('stopping delivers what is there, without waiting for more', async () => {
  const { sink, courier, append } = await start({ limits: { ...LIMITS, waitMs: 3_600_000 } })
  await append(...opens(1))
  await courier.stop(1_000)
  expect(sink.attempts.map(({ events }) => events)).toEqual([opens(1)])
})

test('stopping does not wait for a sink that does not answer: the batch is left for the next run', async () => {
  const { sink, courier, append } = await start({
    deliver: (_, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true })
      }),
  })
  await append(...opens(1))
  await courier.stop(5)
  expect(courier.place).toBe(0)
  expect(sink.attempts).toEqual([])
})

test('a sink that is new begins with the next event', async () => {
  const folder = makeFolder()
  const log = await openLog(folder)
  log.append(record('open', 1))
  await log.flush()
  const sink = testSink()
  const courier = await startTestCourier(folder, log, sink, testClock())
  log.append(record('open', 2))
  await log.flush()
  await courier.flush()
  expect(sink.attempts.map(({ events }) => events)).toEqual([opens(2)])
})

test('octets that are no event are left out and told of', async () => {
  const { sink, courier, append } = await start()
  await append('\0\0\0\0', ...opens(1), '{"msys":{"track_event":{"type":"open"')
  await courier.flush()
  expect(sink.attempts.map(({ events }) => events)).toEqual([opens(1)])
  expect(courier.reports[0]).toBe('an event of the log is damaged: left out')
})

test('events that were dropped before it could take them are told of', async () => {
  const { folder, log, sink, courier, append } = await start()
  await courier.stop(0)
  await append(...Array.from({ length: 60 }, (_, i) => record('open', i)))
  await append(record('open', 60))
  await log.trim(log.durable - 10)
  const after = testSink()
  const next = await startTestCourier(folder, log, after, testClock())
  await next.flush()
  expect(next.reports[0]).toMatch(/^\d+ octets of events were dropped before it could take them$/)
  expect(after.attempts.at(-1)?.events.at(-1)).toBe(record('open', 60))
  expect(sink.attempts).toEqual([])
})
