import { expect, test } from 'vitest'
import { makeIds, siblingId } from '../../src/mail/ids.ts'

const seeded = () => makeIds(25004, Buffer.from('abcd000031b987f2', 'hex'), () => 1_795_260_480_123)

test('a batch id looks as Momentum prints it', () => {
  expect(seeded().batch()).toBe('00/00-25004-31B987F3')
})

test('ids of one process differ', () => {
  const made = seeded()
  const all = [made.batch(), made.connection(), made.batch(), made.message(), made.transmission()]
  expect(new Set(all).size).toBe(all.length)
})

test('a message has 20 hex digits in events, a transmission 17 decimal ones', () => {
  const made = seeded()
  expect(made.message()).toMatch(/^[0-9a-f]{20}$/)
  expect(made.transmission()).toMatch(/^1795260480123\d{4}$/)
})

test.each([
  [0, '00/00-1-AA'],
  [1, '10/00-1-AA'],
  [15, 'F0/00-1-AA'],
  [16, '01/00-1-AA'],
  [256, '00/01-1-AA'],
])('copy %i of a batch has a first pair of bytes of its own', (index, id) => {
  expect(siblingId('00/00-1-AA', index)).toBe(id)
})

test('65,536 siblings differ', () => {
  const all = Array.from({ length: 65_536 }, (_, i) => siblingId('00/00-1-AA', i))
  expect(new Set(all).size).toBe(65_536)
})

test('a seed that is too short is a bug that shows', () => {
  expect(() => makeIds(1, Buffer.alloc(6), () => 0)).toThrow(RangeError)
})
