import { afterEach, expect, test, vi } from 'vitest'
import { steadyClock } from '../../src/relay/clock.ts'

afterEach(() => void vi.useRealTimers())

test.each([
  ['an hour ahead', 3_600_000],
  ['an hour back', -3_600_000],
  ['ten years back', -315_360_000_000],
])('F37 the system clock, set %s, moves neither retries nor expiry', async (_, ms) => {
  const clock = steadyClock()
  const before = clock.now()
  vi.useFakeTimers({ toFake: ['Date'], now: before + ms })
  expect(Math.abs(Date.now() - before - ms)).toBeLessThan(1000)
  expect(Math.abs(clock.aheadMs() + ms)).toBeLessThan(1000)
  await new Promise<void>((resolve) => void clock.after(1, resolve))
  expect(clock.now() - before).toBeGreaterThan(0)
  expect(clock.now() - before).toBeLessThan(60_000)
})
