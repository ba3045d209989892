import { expect, test } from 'vitest'
import type { FromWorker, ToWorker } from '../../src/fleet/message.ts'
import { type Child, startFleet, StartError } from '../../src/fleet/primary.ts'

interface FakeChild extends Child {
  readonly slot: number
  readonly sent: ToWorker[]
  say(message: FromWorker): void
  exit(code: number | null, signal?: string): void
  isAlive: boolean
}

/** Time that passes when the test says so. */
function fakeTimers() {
  let now = 0
  const waiting = new Set<{ atMs: number; everyMs?: number; task: () => void }>()
  const add = (timer: { atMs: number; everyMs?: number; task: () => void }) => {
    waiting.add(timer)
    return () => void waiting.delete(timer)
  }
  return {
    now: () => now,
    after: (ms: number, task: () => void) => add({ atMs: now + ms, task }),
    every: (ms: number, task: () => void) => add({ atMs: now + ms, everyMs: ms, task }),
    pass(ms: number) {
      for (const end = now + ms; now < end;) {
        now += 100
        for (const timer of [...waiting].filter(({ atMs }) => atMs <= now)) {
          if (timer.everyMs === undefined) waiting.delete(timer)
          else timer.atMs += timer.everyMs
          timer.task()
        }
      }
    },
  }
}

function setUp(count: number, begin: (child: FakeChild) => void = ready) {
  const children: FakeChild[] = []
  const reports: string[] = []
  const replaced: number[] = []
  const timers = fakeTimers()
  const fork = (slot: number): Child => {
    const messages: ((message: FromWorker) => void)[] = []
    const exits: ((code: number | null, signal: string | null) => void)[] = []
    const child: FakeChild = {
      slot,
      pid: 100 + children.length,
      sent: [],
      isAlive: true,
      send: (message) => void child.sent.push(message),
      kill: (signal) => child.exit(null, signal),
      onMessage: (listener) => void messages.push(listener),
      onExit: (listener) => void exits.push(listener),
      say: (message) => messages.forEach((listener) => listener(message)),
      exit(code, signal) {
        if (!child.isAlive) return
        child.isAlive = false
        exits.forEach((listener) => listener(code, signal ?? null))
      },
    }
    children.push(child)
    queueMicrotask(() => begin(child))
    return child
  }
  const fleet = startFleet({
    count,
    fork,
    silentMs: 5_000,
    answer: (request) =>
      request === 'no' ? Promise.reject(new Error('never')) : Promise.resolve([request]),
    report: (text) => void reports.push(text),
    onReplaced: ({ slot }) => void replaced.push(slot),
    timers,
  })
  return { fleet, children, reports, replaced, timers }
}

const ready = (child: FakeChild): void => child.say({ kind: 'ready', facts: child.slot })
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('the first starts alone, the others when it is ready', async () => {
  const { fleet, children } = setUp(3, () => {})
  await turn()
  expect(children.map(({ slot }) => slot)).toEqual([0])
  children[0]?.say({ kind: 'ready', facts: 'x' })
  await turn()
  expect(children.map(({ slot }) => slot)).toEqual([0, 1, 2])
  children.slice(1).forEach(ready)
  expect((await fleet).workers.map(({ slot, isReady, facts }) => [slot, isReady, facts])).toEqual([
    [0, true, 'x'],
    [1, true, 1],
    [2, true, 2],
  ])
})

test('one that cannot start ends all, with its exit code', async () => {
  const { fleet, children } = setUp(2, (child) =>
    child.slot === 0 ? ready(child) : child.exit(78),
  )
  const error = await fleet.catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(StartError)
  expect(error).toMatchObject({ code: 78 })
  expect(children.map(({ isAlive }) => isAlive)).toEqual([false, false])
})

test('one that has lasted is replaced at once, in its slot', async () => {
  const { fleet, children, timers, reports, replaced } = setUp(2)
  await fleet
  timers.pass(3_000)
  children.forEach((child) => child.say({ kind: 'alive', status: 's' }))
  timers.pass(4_000)
  children.forEach((child) => child.say({ kind: 'alive', status: 's' }))
  timers.pass(4_000)
  children[1]?.exit(null, 'SIGSEGV')
  timers.pass(100)
  await turn()
  expect(children.map(({ slot }) => slot)).toEqual([0, 1, 1])
  expect([reports, replaced]).toEqual([
    ['worker 1 (process 101) has ended, SIGSEGV: replaced'],
    [1],
  ])
})

test('one that ends again and again is replaced ever later', async () => {
  const { fleet, children, timers, reports } = setUp(1)
  await fleet
  for (const delayMs of [500, 1_000, 2_000, 4_000]) {
    const before = children.length
    children.at(-1)?.exit(1)
    timers.pass(delayMs - 100)
    expect(children).toHaveLength(before)
    timers.pass(100)
    expect(children).toHaveLength(before + 1)
    await turn()
  }
  expect(reports[3]).toBe('worker 0 (process 103) has ended, exit 1: replaced in 4 s')
})

test('one that is silent is killed; signs of life of any kind keep it', async () => {
  const { fleet, children, timers, reports } = setUp(2)
  await fleet
  timers.pass(4_000)
  children[0]?.say({ kind: 'alive', status: undefined })
  timers.pass(1_500)
  expect(children.slice(0, 2).map(({ isAlive }) => isAlive)).toEqual([true, false])
  expect(reports[0]).toBe('worker 1 (process 101) has not answered for 5 s: killed')
})

test('questions have answers, or end with the worker', async () => {
  const { fleet, children } = setUp(1)
  const [worker] = (await fleet).workers
  const [good, bad, open] = [1, 2, 3].map((request) => worker!.ask(request))
  expect(children[0]?.sent).toEqual([
    { kind: 'ask', id: 1, request: 1 },
    { kind: 'ask', id: 2, request: 2 },
    { kind: 'ask', id: 3, request: 3 },
  ])
  children[0]?.say({ kind: 'failed', id: 2, reason: 'no' })
  children[0]?.say({ kind: 'answer', id: 1, value: 'yes' })
  expect(await good).toBe('yes')
  await expect(bad).rejects.toThrow('no')
  children[0]?.exit(1)
  await expect(open).rejects.toThrow('worker 0 has ended')
  await expect(worker!.ask(4)).rejects.toThrow('worker 0 has ended')
})

test('a worker asks the primary', async () => {
  const { fleet, children } = setUp(1)
  await fleet
  children[0]?.say({ kind: 'ask', id: 1, request: 'x' })
  children[0]?.say({ kind: 'ask', id: 2, request: 'no' })
  await turn()
  expect(children[0]?.sent).toEqual([
    { kind: 'answer', id: 1, value: ['x'] },
    { kind: 'failed', id: 2, reason: 'never' },
  ])
})

test('what one says the others hear, also that it is gone', async () => {
  const { fleet, children } = setUp(3)
  await fleet
  children[1]?.say({ kind: 'say', topic: 't', data: 7 })
  children[1]?.exit(0)
  const heard = [
    { kind: 'said', slot: 1, topic: 't', data: 7 },
    { kind: 'gone', slot: 1 },
  ]
  expect(children.slice(0, 3).map(({ sent }) => sent)).toEqual([heard, [], heard])
})

test('closing replaces nobody, and kills those that do not end in time', async () => {
  const { fleet, children, timers } = setUp(2)
  const running = await fleet
  let isClosed = false
  const closed = running.close('bye', 3_000).then(() => (isClosed = true))
  expect(children[0]?.sent).toEqual([{ kind: 'ask', id: 1, request: 'bye' }])
  children[0]?.exit(0)
  timers.pass(2_900)
  await turn()
  expect([isClosed, children.length]).toEqual([false, 2])
  timers.pass(100)
  await closed
  expect([children.length, children[1]?.isAlive]).toEqual([2, false])
})
