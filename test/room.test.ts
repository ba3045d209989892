import { expect, test } from 'vitest'
import { makeRoom } from '../src/room.ts'

const KB = 1024

test('takes what there is room for, and again what was given back', () => {
  const room = makeRoom(100 * KB)
  const [one, two] = [room.holder(), room.holder()]
  expect(one(50 * KB)).toBe(true)
  expect(two(50 * KB)).toBe(true)
  expect(room.isLeft()).toBe(false)
  expect(two(51 * KB)).toBe(false)
  two(0)
  expect(room.isLeft()).toBe(true)
  expect(one(60 * KB)).toBe(true)
})

test('large messages leave an eighth to small ones', () => {
  const room = makeRoom(800 * KB)
  const large = Array.from({ length: 8 }, room.holder)
  expect(large.map((hold) => hold(100 * KB))).toEqual([...Array(7).fill(true), false])
  large.at(-1)?.(0)
  expect(room.isLeft()).toBe(true)
  expect(room.holder()(64 * KB)).toBe(true)
  // One that grows is not small any more.
  expect(large[0]?.(101 * KB)).toBe(false)
})
