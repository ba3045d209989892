import { expect, test } from 'vitest'
import { type Counts, makeTally, type SharedTally } from '../../src/fleet/tally.ts'

/** Tallies that hear each other at once. */
function fleetOf(size: number): SharedTally[] {
  const all: SharedTally[] = Array.from({ length: size }, (_, slot) =>
    makeTally({
      gatherMs: 0,
      say: (counts: Counts) =>
        all.forEach((other, i) => {
          if (i !== slot) other.heard(slot, counts)
        }),
    }),
  )
  return all
}

const gathered = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5))

test('each sees the sum of all', async () => {
  const [a, b, c] = fleetOf(3) as [SharedTally, SharedTally, SharedTally]
  a.add('x', 2)
  b.add('x', 1)
  b.add('y', 5)
  expect([a.count('x'), b.count('x'), c.count('x')]).toEqual([2, 1, 0])
  await gathered()
  expect([a, b, c].map((each) => [each.count('x'), each.count('y')])).toEqual([
    [3, 5],
    [3, 5],
    [3, 5],
  ])
  b.add('y', -5)
  await gathered()
  expect([...c.entries()]).toEqual([['x', 3]])
})

test('what one had goes with it, and one that comes is told what the others have', async () => {
  const [a, b] = fleetOf(2) as [SharedTally, SharedTally]
  a.add('x', 2)
  b.add('x', 3)
  await gathered()
  a.gone(1)
  expect(a.count('x')).toBe(2)
  a.heard(1, { x: 1 })
  expect(a.count('x')).toBe(3)
  b.gone(0)
  a.sayAll()
  expect(b.count('x')).toBe(5)
})

test('alone it counts for itself', () => {
  const alone = makeTally()
  alone.add('x', 1)
  alone.add('x', -1)
  expect([alone.count('x'), [...alone.entries()]]).toEqual([0, []])
})
