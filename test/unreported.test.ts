import { expect, test } from 'vitest'
import type { Tail } from '../src/events/events.ts'
import type { Told } from '../src/spool/recoveredevents.ts'
import { reportUnreported } from '../src/unreported.ts'

const NOW = 1_795_260_480_000
const event = (id: string, seconds: number) =>
  `{"msys":{"message_event":{"type":"injection","timestamp":"${seconds}","message_id":"${id}"}}}\n`

const outcome = (id: string, seconds: number) =>
  `{"msys":{"message_event":{"type":"delivery","event_id":"${id}","timestamp":"${seconds}"}}}`

const accepted = (id: string, receivedMs: number, facts = { transmission_id: '1' }): Told => ({
  receivedMs,
  facts,
  copies: [{ message_id: id }],
})

async function report(tail: string | ((bytes: number) => Tail), ...told: readonly Told[]) {
  const reported: string[] = []
  const whole = (lines: string): Tail => ({ lines, isPart: false, isPruned: false })
  await reportUnreported(
    { told },
    {
      tail: (bytes) => Promise.resolve(typeof tail === 'string' ? whole(tail) : tail(bytes)),
      wants: () => true,
    },
    {
      injection: (ms, ...facts) => void reported.push(`${facts[1]?.['message_id']} of ${ms}`),
      again: (record) => void reported.push(record),
    },
    NOW,
  )
  return reported
}

test('a message of the last moment that the event log does not know is reported as injected', async () => {
  const tail = event('known', NOW / 1000 - 100)
  expect(
    await report(tail, accepted('known', NOW - 101_000), accepted('lost', NOW - 99_990)),
  ).toEqual([`lost of ${NOW - 99_990}`])
})

test('an injection is reported before the outcome that came of it', async () => {
  const delivered = outcome('one', NOW / 1000)
  expect(await report('', accepted('one', NOW), delivered)).toEqual([`one of ${NOW}`, delivered])
})

test('older ones were reported when they came, or nobody was there to be told', async () => {
  expect(await report(event('known', NOW / 1000), accepted('old', NOW - 60_000))).toEqual([])
  expect(await report('', accepted('old', NOW - 3_600_000), accepted('new', NOW - 10))).toEqual([
    `new of ${NOW - 10}`,
  ])
})

test('our own notifications are no injections', async () => {
  expect(await report('', { receivedMs: NOW, facts: {}, copies: [{ message_id: 'x' }] })).toEqual(
    [],
  )
})

test('an outcome in the spool whose event the log does not know is reported as it was', async () => {
  const tail = outcome('known', NOW / 1000) + '\n'
  const lost = outcome('lost', NOW / 1000 - 1)
  const old = outcome('old', NOW / 1000 - 60)
  expect(await report(tail, old, outcome('known', NOW / 1000), lost)).toEqual([lost])
})

test('a busy log is read as far back as something may be missing', async () => {
  const first = event('early', NOW / 1000 - 20) + event('known', NOW / 1000 - 4)
  const last = event('last', NOW / 1000)
  const tailOf = (bytes: number): Tail => {
    const isPart = bytes < 10_000_000
    return { lines: isPart ? last : first + last, isPart, isPruned: false }
  }
  expect(await report(tailOf, accepted('known', NOW - 4_000))).toEqual([])
})

test('what sinks have taken and the log has let go is not reported again', async () => {
  const tail: Tail = { lines: event('last', NOW / 1000), isPart: false, isPruned: true }
  expect(await report(() => tail, accepted('gone', NOW - 2_000))).toEqual([])
})
