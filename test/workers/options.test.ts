// Two workers and what orders what their policies set: in the end both have the same.
import { expect, test, vi } from 'vitest'
import { shareOptions } from '../../src/workers/options.ts'

const set = (value: number): string[] => ['config', 'set', 'retry_interval', String(value)]

function workersOf(count: number) {
  const has: (string | undefined)[] = []
  const applied: number[] = []
  const listeners: ((slot: number, data: unknown) => void)[] = []
  const questions: { slot: number; commands: readonly (readonly string[])[]; done(): void }[] = []
  const workers = Array.from({ length: count }, (_, slot) =>
    shareOptions({
      member: {
        ask: (question) =>
          new Promise<void>((resolve) => {
            const { commands } = question as { commands: string[][] }
            questions.push({ slot, commands, done: resolve })
          }),
        listen: (_topic, heard) => void (listeners[slot] = heard),
      },
      apply(command) {
        has[slot] = command.at(-1)
        applied[slot] = (applied[slot] ?? 0) + 1
      },
      gatherMs: 50,
    }),
  )
  return {
    has,
    applied,
    questions,
    policySets(slot: number, value: number) {
      has[slot] = String(value)
      workers[slot]?.set(set(value))
    },
    /** The primary takes the question that came first, or a later one. */
    async order(at = 0) {
      const [question] = questions.splice(at, 1)
      listeners.forEach((heard, slot) => slot !== question?.slot && heard(-1, question?.commands))
      question?.done()
      await vi.advanceTimersByTimeAsync(0)
    },
  }
}

test.each([0, 1])(
  'what is set at once in two of them is the same in both: %i first',
  async (at) => {
    vi.useFakeTimers()
    const fleet = workersOf(2)
    fleet.policySets(0, 1)
    fleet.policySets(1, 2)
    await vi.advanceTimersByTimeAsync(50)
    await fleet.order(at)
    await fleet.order()
    expect(fleet.has).toEqual(at === 0 ? ['2', '2'] : ['1', '1'])
    vi.useRealTimers()
  },
)

test('what was set again meanwhile is not undone by what others set before', async () => {
  vi.useFakeTimers()
  const fleet = workersOf(3)
  fleet.policySets(0, 1)
  await vi.advanceTimersByTimeAsync(50)
  fleet.policySets(1, 2)
  await vi.advanceTimersByTimeAsync(50)
  fleet.policySets(1, 3)
  await fleet.order()
  expect(fleet.has).toEqual(['1', '3', '1'])
  await fleet.order()
  expect(fleet.has).toEqual(['2', '3', '2'])
  await vi.advanceTimersByTimeAsync(50)
  await fleet.order()
  expect(fleet.has).toEqual(['3', '3', '3'])
  vi.useRealTimers()
})

test('a policy that sets an option all the time tells the others now and then', async () => {
  vi.useFakeTimers()
  const fleet = workersOf(2)
  for (let i = 0; i < 10_000; i++) fleet.policySets(0, i)
  await vi.advanceTimersByTimeAsync(50)
  expect(fleet.questions.map(({ commands }) => commands)).toEqual([[set(9_999)]])
  await fleet.order()
  expect([fleet.has, fleet.applied[1]]).toEqual([['9999', '9999'], 1])
  vi.useRealTimers()
})
