// What workers leave in the spool when there are fewer of them at the next start.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { orphansOf } from '../src/place.ts'
import { sendOne, startServer } from './support/server.ts'

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'eachrcpt-partitions-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const place = (slot: number, workers: number) => ({ slot, workers })
const nowhere = 'gateway = "127.0.0.1:9" retry_interval = 1'

test('a folder without its worker falls to exactly one of the others', () => {
  const slots = [0, 1, 2, 3, 4, 5, 6, 7]
  const adopted = [0, 1, 2].map((slot) => orphansOf(slots, place(slot, 3)))
  expect(adopted).toEqual([[3, 6], [4, 7], [5]])
  expect(orphansOf(slots, place(0, 1))).toEqual([1, 2, 3, 4, 5, 6, 7])
})

test('mail of a worker that is there no more is delivered, its events told once', async () => {
  const folder = makeFolder()
  const one = await startServer({ folder, place: place(1, 3), wayOut: nowhere })
  const two = await startServer({ folder, place: place(2, 3), wayOut: nowhere })
  await sendOne(one, ['a@x.example', 'b@x.example'])
  await sendOne(two, ['c@x.example'])
  await one.events(4)
  await Promise.all([one.close(), two.close()])
  expect(readdirSync(join(folder, 'spool')).filter((name) => /^\d$/.test(name))).toEqual(['1', '2'])

  const alone = await startServer({ folder })
  await alone.sink.waitFor(3, 10_000)
  expect(alone.sink.mail.map(({ rcptto }) => rcptto).sort()).toEqual([
    'a@x.example',
    'b@x.example',
    'c@x.example',
  ])
  await expect.poll(() => [...alone.server.mail.unfinished()]).toEqual([])
  const events = await alone.events(9)
  expect(new Set(events.map((event) => event['event_id'])).size).toBe(events.length)
  const ofType = (type: string) => events.filter((event) => event.type === type).length
  expect([ofType('injection'), ofType('delivery')]).toEqual([3, 3])
  await alone.close()

  // Nothing is left for anybody.
  const again = await startServer({ folder, place: place(1, 2) })
  expect([...again.server.mail.unfinished()]).toEqual([])
  expect(again.sink.mail).toEqual([])
  await again.close()
})

test('a notification about adopted mail is kept where that mail was', async () => {
  const folder = makeFolder()
  const one = await startServer({ folder, place: place(1, 2), wayOut: nowhere })
  await sendOne(one, ['a@x.example'])
  await one.events(2)
  await one.close()

  const expiring = { wayOut: `${nowhere} message_expiration = 0`, folder }
  const alone = await startServer(expiring)
  // The notification cannot be delivered, either, and expires without another one.
  await expect.poll(() => [...alone.server.mail.unfinished()]).toEqual([])
  const events = await alone.events(4)
  expect(events.map(({ type }) => type).filter((type) => type === 'bounce')).toHaveLength(2)
  await alone.close()
})
