import { expect, test } from 'vitest'
import type { Entry } from '../src/spool/entry.ts'
import type { Stored } from '../src/spool/stored.ts'
import { reportUnreported } from '../src/unreported.ts'
import { copyFor, entryFor, storedFor } from './spool/fixtures.ts'

const NOW = 1_795_260_480_000
const event = (id: string, seconds: number) =>
  `{"msys":{"message_event":{"type":"injection","timestamp":"${seconds}","message_id":"${id}"}}}\n`

const outcome = (id: string, seconds: number) =>
  `{"msys":{"message_event":{"type":"delivery","event_id":"${id}","timestamp":"${seconds}"}}}`

async function report(
  tail: string,
  ...entries: readonly [id: string, receivedMs: number, method?: string][]
) {
  return reportAll(tail, [], ...entries)
}

async function reportAll(
  tail: string,
  outcomes: readonly string[],
  ...entries: readonly [id: string, receivedMs: number, method?: string][]
) {
  const reported: string[] = []
  const known = new Map<Stored, Entry>()
  for (const [id, receivedMs, method = 'esmtp'] of entries) {
    const copy = copyFor('a@b.example', { facts: { message_id: id } })
    const entry = { ...entryFor('b', copy), receivedMs, facts: { recv_method: method } }
    known.set(storedFor(entry), entry)
  }
  const recovered = [...known.keys()]
  await reportUnreported(
    { recovered, events: outcomes, entry: (stored) => Promise.resolve(known.get(stored)!) },
    { tail: () => Promise.resolve(tail), wants: () => true },
    {
      event: (type, ...facts) => void reported.push(`${type} ${facts[1]?.['message_id']}`),
      again: (record) => void reported.push(record),
    },
    NOW,
  )
  return reported
}

test('a message of the last moment that the event log does not know is reported as injected', async () => {
  const tail = event('known', NOW / 1000 - 100)
  expect(await report(tail, ['known', NOW - 101_000], ['lost', NOW - 99_990])).toEqual([
    'injection lost',
  ])
})

test('older ones were reported when they came, or nobody was there to be told', async () => {
  expect(await report(event('known', NOW / 1000), ['old', NOW - 60_000])).toEqual([])
  expect(await report('', ['old', NOW - 3_600_000], ['new', NOW - 10])).toEqual(['injection new'])
})

test('our own notifications are no injections', async () => {
  expect(await report('', ['dsn', NOW, 'internal'])).toEqual([])
})

test('an outcome in the spool whose event the log does not know is reported as it was', async () => {
  const tail = outcome('known', NOW / 1000) + '\n'
  const lost = outcome('lost', NOW / 1000 - 1)
  const old = outcome('old', NOW / 1000 - 60)
  expect(await reportAll(tail, [old, outcome('known', NOW / 1000), lost])).toEqual([lost])
})
