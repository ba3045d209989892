// Locks between calls: who waits, in which order, and what becomes of a lock whose call ends.
import { expect, test } from 'vitest'
import type { LuaValue } from '../../src/lua/value.ts'
import { BUDGET, testHost, type TestHost } from './host.ts'

interface LockHost extends TestHost {
  /** Lets the call with this name, which waits in `pause(name)`, go on. */
  readonly release: (name: string) => Promise<void>
  /** Begins a call with a label. */
  readonly start: (source: string, label?: string) => Promise<readonly LuaValue[]>
}

function lockHost(options: Parameters<typeof testHost>[0] = {}): LockHost {
  const host = testHost(options)
  const paused = new Map<LuaValue, () => void>()
  host.state.setGlobal('pause', (name) => new Promise<void>((go) => paused.set(name, go)))
  const settle = async () => {
    for (let turn = 0; turn < 10; turn++) await Promise.resolve()
  }
  return {
    ...host,
    async release(name) {
      const go = paused.get(name)
      if (go === undefined) throw new Error(`${name} does not pause`)
      paused.delete(name)
      go()
      await settle()
    },
    start: async (source, label = 'call') => host.state.call(host.load(source), [], { label }),
  }
}

test('thread is a global and a module', () => {
  expect(
    testHost().run(
      'return require("thread") == thread, thread.MUTEX_NORMAL, thread.MUTEX_RECURSIVE, thread.MUTEX_ERRORCHECK',
    ),
  ).toEqual([true, 0, 1, 2])
})

test.each<[string, unknown[]]>([
  [
    'local m = thread.mutex() return m:lock(), m:unlock(), m:trylock(), m:trylock(), m:unlock()',
    [true, true, true, 16, true],
  ],
  [
    'local m = thread.mutex(thread.MUTEX_RECURSIVE) return m:lock(), m:lock(), m:trylock(), m:unlock(), m:unlock(), m:unlock()',
    Array(6).fill(true),
  ],
  [
    'local m = thread.mutex(thread.MUTEX_NORMAL) return m:unlock(), m:lock(), m:unlock()',
    [true, true, true],
  ],
  [
    'local r = thread.rwlock() return r:rdlock(), r:rdlock(), r:trywrlock(), r:unlock(), r:unlock()',
    [true, true, 16, true, true],
  ],
  [
    'local r = thread.rwlock() return r:wrlock(), r:tryrdlock(), r:unlock(), r:tryrdlock(), r:unlock(), r:trywrlock(), r:unlock()',
    [true, 16, true, true, true, true, true],
  ],
  [
    'local c = thread.condition() return c:acquire(), c:release(), select("#", c:signal()), select("#", c:broadcast())',
    [true, true, 0, 0],
  ],
  ['return type(thread.mutex()), thread.sleep(0)', ['userdata', 0]],
])('without contention: %s', (source, expected) => {
  expect(testHost().run(source)).toEqual(expected)
})

test.each([
  [
    'local m = thread.mutex() m:lock() m:lock()',
    'failed to lock mutex: 35 Resource deadlock avoided',
  ],
  [
    'local m = thread.mutex(0) m:lock() m:lock()',
    'failed to lock mutex: 35 Resource deadlock avoided',
  ],
  ['thread.mutex():unlock()', 'failed to unlock mutex: 1 Operation not permitted'],
  [
    'local m = thread.mutex(1) m:lock() m:unlock() m:unlock()',
    'failed to unlock mutex: 1 Operation not permitted',
  ],
  [
    'local r = thread.rwlock() r:wrlock() r:rdlock()',
    'failed to rdlock rwlock: 35 Resource deadlock avoided',
  ],
  [
    'local r = thread.rwlock() r:rdlock() r:wrlock()',
    'failed to wrlock rwlock: 35 Resource deadlock avoided',
  ],
  ['thread.rwlock():unlock()', 'failed to unlock rwlock: 1 Operation not permitted'],
  ['thread.condition():wait()', 'cond:wait failed Operation not permitted'],
  [
    'thread.mutex(7)',
    "bad argument #1 to 'mutex' (specify one of thread.MUTEX_NORMAL, thread.MUTEX_RECURSIVE, thread.MUTEX_ERRORCHECK)",
  ],
  ['thread.mutex(nil)', "bad argument #1 to 'mutex' (number expected, got nil)"],
  ['thread.condition(1)', "bad argument #1 to 'condition' (thread.mutex expected)"],
  [
    'thread.create(print)',
    'thread.create: not available: there are no threads here; msys.runInPool runs a function beside others',
  ],
  ['thread.mutex().lock({})', "calling 'lock' on bad self (thread.mutex expected, got table)"],
])('raises: %s', (source, message) => {
  expect(testHost().run(`return select(2, pcall(function() ${source} end))`)).toEqual([
    `test.lua:1: ${message}`,
  ])
})

test('a mutex is one for all coroutines of a call', () => {
  expect(
    testHost().run(
      'local m = thread.mutex(1) m:lock() return coroutine.wrap(function() return m:lock(), m:unlock() end)()',
    ),
  ).toEqual([true, true])
})

test('who must wait for a mutex gets it in turn', async () => {
  const { run, start, release, printed } = lockHost()
  run('m = thread.mutex()')
  const calls = ['a', 'b', 'c'].map((name) =>
    start(`m:lock() print("${name} in") pause("${name}") print("${name} out") m:unlock()`),
  )
  expect(printed).toEqual(['a in'])
  // Nobody is overtaken.
  expect(run('return m:trylock()')).toEqual([16])
  for (const name of ['a', 'b', 'c']) await release(name)
  await Promise.all(calls)
  expect(printed).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out'])
  expect(run('return m:trylock(), m:unlock()')).toEqual([true, true])
})

test('lock returns true after waiting, also through pcall and coroutines', async () => {
  const { run, start, release } = lockHost()
  run('m = thread.mutex()')
  const holder = start('m:lock() pause("holder") m:unlock()')
  const waiting = start('return pcall(coroutine.wrap(function() return m:lock(), m:unlock() end))')
  await release('holder')
  await holder
  await expect(waiting).resolves.toEqual([true, true, true])
})

test('readers share a lock, and a writer that waits is not starved', async () => {
  const { run, start, release, printed } = lockHost()
  run('r = thread.rwlock()')
  const enter = (name: string, mode: string) =>
    start(`r:${mode}() print("${name}") pause("${name}") r:unlock()`)
  const calls = [
    enter('reader 1', 'rdlock'),
    enter('reader 2', 'rdlock'),
    enter('writer', 'wrlock'),
    enter('reader 3', 'rdlock'),
    enter('reader 4', 'rdlock'),
  ]
  expect(printed).toEqual(['reader 1', 'reader 2'])
  await release('reader 2')
  expect(printed).toHaveLength(2)
  await release('reader 1')
  expect(printed.slice(2)).toEqual(['writer'])
  await release('writer')
  expect(printed.slice(3)).toEqual(['reader 3', 'reader 4'])
  await release('reader 3')
  await release('reader 4')
  await Promise.all(calls)
})

test('a condition wakes one waiter for a signal and all for a broadcast', async () => {
  const { run, start, printed } = lockHost()
  run('m = thread.mutex() c = thread.condition(m)')
  const calls = ['1', '2', '3'].map((name) =>
    start(`c:acquire() print(select("#", c:wait()), "${name}", m:trylock()) c:release()`),
  )
  run('c:acquire() c:signal() c:release()')
  await calls[0]
  expect(printed).toEqual(['0\t1\t16'])
  run('c:broadcast()')
  await Promise.all(calls)
  expect(printed).toEqual(['0\t1\t16', '0\t2\t16', '0\t3\t16'])
})

test('a condition waits for so many seconds at most', async () => {
  const { run, start } = lockHost()
  run('c = thread.condition()')
  await expect(start('c:acquire() return c:wait(0.001), c:release()')).resolves.toEqual([
    false,
    true,
  ])
  const signalled = start('c:acquire() return c:wait(60), c:release()')
  run('c:signal()')
  await expect(signalled).resolves.toEqual([true, true])
})

test('sleep lets other calls run, and ends with its call', async () => {
  const { state, run, load } = lockHost()
  const budget = { ...BUDGET, wallMs: 1 }
  const sleeping = state.call(load('thread.sleep(60)'), [], { budget })
  expect(run('return 1')).toEqual([1])
  await expect(sleeping).rejects.toMatchObject({ reason: 'wall' })
})

test('where it cannot wait a lock raises, and is not in line afterwards', async () => {
  const { run, start, release } = lockHost()
  run('m = thread.mutex()')
  const holder = start('m:lock() pause("holder") m:unlock()')
  expect(run('return pcall(table.sort, {1, 2}, function() m:lock() end)')).toEqual([
    false,
    expect.stringContaining('thread.mutex:lock cannot wait here'),
  ])
  await release('holder')
  await holder
  expect(run('return m:trylock(), m:unlock()')).toEqual([true, true])
})

test.each([
  ['fails', 'error("x")', 'x'],
  ['is killed for its processor time', 'while true do end', 'killed'],
])('a call that %s lets go of its locks', async (_, ending, message) => {
  const { run, start } = lockHost({ budget: { ...BUDGET, cpuMs: 20 } })
  run('m, r = thread.mutex(), thread.rwlock()')
  await expect(start(`m:lock() r:rdlock() ${ending}`)).rejects.toThrow(message)
  expect(run('return m:trylock(), m:unlock(), r:trywrlock(), r:unlock()')).toEqual([
    true,
    true,
    true,
    true,
  ])
})

test('a call that is killed while it holds a lock hands it on', async () => {
  const { state, run, start, load } = lockHost()
  run('m = thread.mutex()')
  const budget = { ...BUDGET, wallMs: 1 }
  const stuck = state.call(load('m:lock() pause("for ever")'), [], { budget })
  const next = start('return m:lock(), m:unlock()')
  await expect(stuck).rejects.toMatchObject({ reason: 'wall' })
  await expect(next).resolves.toEqual([true, true])
})

test('a call that is killed while it waits leaves the line', async () => {
  const { state, run, start, release, load } = lockHost()
  run('m, r, c = thread.mutex(), thread.rwlock(), thread.condition()')
  const holder = start('m:lock() r:rdlock() pause("holder") m:unlock() r:unlock()')
  const budget = { ...BUDGET, wallMs: 1 }
  const waits = ['m:lock()', 'r:wrlock()', 'c:acquire() c:wait()'].map((source) =>
    state.call(load(source), [], { budget }),
  )
  // Shares the read lock once the writer before it is gone.
  const reader = start('return r:rdlock(), r:unlock()')
  for (const wait of waits) await expect(wait).rejects.toMatchObject({ reason: 'wall' })
  await expect(reader).resolves.toEqual([true, true])
  await release('holder')
  await holder
  expect(run('return m:trylock(), m:unlock(), c:acquire(), c:signal(), c:release()')).toEqual([
    true,
    true,
    true,
    undefined,
    true,
  ])
})

test('a call that was handed a lock but is killed before it runs gives it back', async () => {
  const { state, run, start, load } = lockHost()
  run('m = thread.mutex()')
  const holder = start('m:lock() pause("holder")')
  const waiting = start('m:lock()')
  const closed = [
    expect(holder).rejects.toMatchObject({ reason: 'closed' }),
    expect(waiting).rejects.toMatchObject({ reason: 'closed' }),
  ]
  state.close()
  await Promise.all(closed)
  expect(state.call(load('return m:trylock()'), [])).toEqual([true])
})

test('a lock that a call forgets is unlocked, with one warning', () => {
  const { state, run, load, warned } = lockHost()
  run('m, r = thread.mutex(1), thread.rwlock()')
  for (const label of ['validate_data', 'validate_data', 'validate_ehlo']) {
    void state.call(load('m:lock() m:lock() r:rdlock()'), [], { label })
    expect(run('return m:trylock(), m:unlock(), r:trywrlock(), r:unlock()')[0]).toBe(true)
  }
  expect(warned).toEqual([
    'validate_data: ended with a rwlock locked; it is unlocked now',
    'validate_data: ended with a mutex locked; it is unlocked now',
    'validate_ehlo: ended with a rwlock locked; it is unlocked now',
    'validate_ehlo: ended with a mutex locked; it is unlocked now',
  ])
})
