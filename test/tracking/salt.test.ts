import { expect, test } from 'vitest'
import { numberOf, openSalts, SALT_LENGTH, seriesOf } from '../../src/tracking/salt.ts'

/** Series of ones, twos, … */
function dice(): (octets: number) => Buffer {
  let fill = 0
  return (octets) => Buffer.alloc(octets, ++fill)
}

test('messages are numbered through one series', () => {
  const newSalt = openSalts(dice())
  const salts = [newSalt(), newSalt(), newSalt()]
  expect(salts.map((salt) => salt.length)).toEqual([SALT_LENGTH, SALT_LENGTH, SALT_LENGTH])
  expect(salts.map((salt) => [seriesOf(salt)[0], numberOf(salt)])).toEqual([
    [1, 0],
    [1, 1],
    [1, 2],
  ])
})

test('no salt comes twice when the numbers of a series are used up', () => {
  const newSalt = openSalts(dice())
  const seen = new Set(Array.from({ length: 150_000 }, () => newSalt().toString('latin1')))
  expect(seen.size).toBe(150_000)
  expect(seriesOf(newSalt())).toEqual(Buffer.alloc(14, 3))
})
