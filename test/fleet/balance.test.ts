import { expect, test } from 'vitest'
import { type Load, makeBalance } from '../../src/fleet/balance.ts'

/** Two workers that listen on ports 25 and 587. */
function start(isFree: (worker: string) => boolean = () => true) {
  const balance = makeBalance<string>(isFree)
  const say = (worker: string, ...loads: readonly Load[]): void => balance.heard(worker, loads)
  for (const worker of ['a', 'b'])
    say(worker, { port: 25, taken: 0, open: 0 }, { port: 587, taken: 0, open: 0 })
  /** Whose turn it is, and who gets it. */
  const take = (port: number, turns: string): string =>
    turns
      .split('')
      .map((turn) => {
        const chosen = balance.choose(port, turn)
        balance.given(chosen, port)
        return chosen
      })
      .join('')
  return { balance, say, take }
}

test('whoever has the fewest of the port gets the next one; of equals, whose turn it is', () => {
  const { take } = start()
  expect(take(25, 'aaaaaa')).toBe('ababab')
  expect(take(587, 'bbb')).toBe('bab')
})

test('what a worker says and what is on its way to it count together', () => {
  const { say, take } = start()
  expect(take(25, 'aaaa')).toBe('abab')
  // One of two that it has taken has ended; the other is on its way.
  say('a', { port: 25, taken: 1, open: 0 })
  expect(take(25, 'bbb')).toBe('aba')
})

test('what could not be taken, or whose worker is gone, counts no more', () => {
  const { balance, take } = start()
  expect(take(25, 'ab')).toBe('ab')
  balance.returned('b', 25)
  expect(take(25, 'aaa')).toBe('bab')
  balance.gone('b')
  expect(take(25, 'aa')).toBe('aa')
})

test('one that is not free, or does not listen there, gets none that is not its turn', () => {
  const { say, take } = start((worker) => worker !== 'b')
  expect(take(25, 'aaab')).toBe('aaab')
  const other = start()
  other.say('b', { port: 587, taken: 0, open: 0 })
  expect(other.take(25, 'aab')).toBe('aab')
  say('b')
  expect(take(25, 'a')).toBe('a')
})

test('listeners of one port on several addresses are one', () => {
  const { balance, say, take } = start()
  for (const worker of ['a', 'a', 'b']) balance.given(worker, 25)
  say('a', { port: 25, taken: 1, open: 1 }, { port: 25, taken: 1, open: 1 })
  say('b', { port: 25, taken: 1, open: 1 })
  expect(take(25, 'a')).toBe('b')
})

test('one that opens a port again begins to count anew', () => {
  const { balance, say, take } = start()
  for (let i = 0; i < 5; i++) balance.given('a', 25)
  say('a', { port: 25, taken: 5, open: 0 })
  say('a', { port: 587, taken: 0, open: 0 })
  say('a', { port: 25, taken: 0, open: 0 })
  expect(take(25, 'aa')).toBe('ab')
  say('a', { port: 25, taken: 1, open: 0 })
  say('a', { port: 25, taken: 0, open: 0 })
  expect(take(25, 'b')).toBe('a')
})
