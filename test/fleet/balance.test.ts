import { expect, test } from 'vitest'
import { makeBalance } from '../../src/fleet/balance.ts'

test('what a worker says and what is on its way to it count together', () => {
  const balance = makeBalance<string>()
  expect(balance.open('a', 25)).toBeUndefined()
  balance.heard('a', [{ port: 25, taken: 0, open: 0 }])
  for (let i = 0; i < 4; i++) balance.given('a', 25)
  expect(balance.open('a', 25)).toBe(4)
  // Two have come there, of which one has ended.
  balance.heard('a', [{ port: 25, taken: 2, open: 1 }])
  expect(balance.open('a', 25)).toBe(3)
  balance.returned('a', 25)
  expect(balance.open('a', 25)).toBe(2)
  expect(balance.open('b', 25)).toBeUndefined()
  balance.gone('a')
  expect(balance.open('a', 25)).toBeUndefined()
})

test('listeners of one port on several addresses are one', () => {
  const balance = makeBalance<string>()
  balance.heard('a', [
    { port: 25, taken: 0, open: 0 },
    { port: 25, taken: 0, open: 0 },
    { port: 587, taken: 0, open: 0 },
  ])
  for (let i = 0; i < 3; i++) balance.given('a', 25)
  balance.heard('a', [
    { port: 25, taken: 2, open: 1 },
    { port: 25, taken: 1, open: 1 },
    { port: 587, taken: 0, open: 0 },
  ])
  expect(balance.open('a', 25)).toBe(2)
  expect(balance.open('a', 587)).toBe(0)
})

test('one that opens a port again begins to count anew', () => {
  const balance = makeBalance<string>()
  for (let i = 0; i < 5; i++) balance.given('a', 25)
  balance.heard('a', [{ port: 25, taken: 5, open: 0 }])
  balance.heard('a', [])
  balance.heard('a', [{ port: 25, taken: 0, open: 0 }])
  expect(balance.open('a', 25)).toBe(0)
  balance.given('a', 25)
  balance.heard('a', [{ port: 25, taken: 1, open: 1 }])
  balance.heard('a', [{ port: 25, taken: 0, open: 0 }])
  expect(balance.open('a', 25)).toBe(0)
})
