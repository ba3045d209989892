import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { FleetingMap, FleetingSet } from '../../src/mail/fleeting.ts'

test('is what a Map is, in the same order, however often its own was replaced', () => {
  const step = fc.record({ key: fc.nat(300), isAdded: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { minLength: 3000, maxLength: 6000 }), (steps) => {
      const fleeting = new FleetingMap<number, number>()
      const map = new Map<number, number>()
      for (const [i, { key, isAdded }] of steps.entries()) {
        if (isAdded) map.set(key, i)
        else map.delete(key)
        if (isAdded) fleeting.set(key, i)
        else fleeting.delete(key)
      }
      expect([...fleeting]).toEqual([...map])
      expect([...fleeting.keys()]).toEqual([...map.keys()])
      expect(fleeting.size).toBe(map.size)
      expect(fleeting.get(7)).toBe(map.get(7))
    }),
    { seed: 1, numRuns: 30 },
  )
})

test('keeps all of very many', () => {
  const set = new FleetingSet<number>()
  for (let i = 0; i < 50_000; i++) set.add(i)
  expect(set.size).toBe(50_000)
  for (let i = 0; i < 49_999; i++) set.delete(i)
  expect([...set]).toEqual([49_999])
})

test('what a loop deletes is gone, and the loop goes on', () => {
  const map = new FleetingMap<number, string>()
  for (let i = 0; i < 10; i++) map.set(i, '')
  for (const key of map.keys()) if (key % 2 === 0) map.delete(key)
  expect([...map.keys()]).toEqual([1, 3, 5, 7, 9])
})
