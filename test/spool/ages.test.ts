// How old what is queued is, as a spool knows it without going through its messages.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { makeAges } from '../../src/spool/ages.ts'
import { entryFor, makeDirectory, open } from './fixtures.ts'

test('is that of the oldest second of which one is left, whatever the order', () => {
  const times = fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 30 })
  fc.assert(
    fc.property(times, fc.infiniteStream(fc.nat()), (came, dice) => {
      const ages = makeAges()
      const left: number[] = []
      const oldest = () =>
        left.length > 0 ? Math.floor(Math.min(...left) / 1000) * 1000 : undefined
      for (const ms of came) {
        ages.came(ms)
        left.push(ms)
        if ((dice.next().value ?? 0) % 3 === 0) {
          const [gone = 0] = left.splice((dice.next().value ?? 0) % left.length, 1)
          ages.went(gone)
        }
        expect(ages.oldestMs()).toBe(oldest())
      }
      while (left.length > 0) {
        ages.went(left.pop() ?? 0)
        expect(ages.oldestMs()).toBe(oldest())
      }
    }),
  )
})

test('a spool tells it over ends, products, compaction and restarts', async () => {
  const directory = makeDirectory()
  const spool = await open(directory, { segmentBytes: 4_096 })
  expect(spool.backlog()).toEqual({ messages: 0, oldestMs: undefined })
  const at = (second: number) => ({ ...entryFor(`m${second}`), receivedMs: second * 1000 + 7 })
  const data = Buffer.alloc(1_000)
  const stored = []
  for (let second = 1; second <= 12; second++) stored.push(await spool.append(at(second), data))
  expect(spool.backlog()).toEqual({ messages: 12, oldestMs: 1_000 })
  spool.finish(stored[0]!, [0])
  expect(spool.backlog()).toEqual({ messages: 11, oldestMs: 2_000 })
  await spool.replace(stored[1]!, [0], { entry: at(40), data })
  expect(spool.backlog()).toEqual({ messages: 11, oldestMs: 3_000 })
  // Only the oldest and the product are left of segments that are moved together.
  for (const each of stored.slice(3)) spool.finish(each, [0])
  await spool.flush()
  expect(spool.backlog()).toEqual({ messages: 2, oldestMs: 3_000 })
  spool.finish(stored[2]!, [0])
  expect(spool.backlog()).toEqual({ messages: 1, oldestMs: 40_000 })
  await spool.close()
  expect((await open(directory)).backlog()).toEqual({ messages: 1, oldestMs: 40_000 })
})
