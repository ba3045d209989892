import { describe, expect, test } from 'vitest'
import { abortSignal, currentCall, hold, type Call, type CallEnd } from '../../src/lua/call.ts'
import { LuaCallError } from '../../src/lua/error.ts'
import type { LuaFunction, LuaValue } from '../../src/lua/value.ts'
import { BUDGET, testHost, type TestHost } from './host.ts'

/** `where()` gives the call's context, `wait()` suspends, `never()` for ever, `keep()` holds something. */
function callHost(budget = BUDGET) {
  const host = testHost({ budget })
  const ends: [LuaValue, CallEnd][] = []
  host.state.setGlobal('where', () => String(currentCall()?.context))
  host.state.setGlobal('wait', (value) => Promise.resolve(value))
  host.state.setGlobal('never', () => new Promise<void>(() => {}))
  host.state.setGlobal('keep', (name) => void hold(running(), (end) => ends.push([name, end])))
  return { ...host, ends }
}

function running(): Call {
  const call = currentCall()
  if (call === undefined) throw new Error('nothing runs')
  return call
}

const callIn = (host: TestHost, context: string, source: string) =>
  host.state.call(host.load(source), [], { context })

const functionIn = (value: LuaValue): LuaFunction => {
  if (typeof value !== 'object' || !('kind' in value) || value.kind !== 'function')
    throw new LuaCallError('function expected')
  return value
}

describe('the context of a call', () => {
  test.each([
    ['at once', 'return where()'],
    ['after waiting', 'wait() return where()'],
    ['in a coroutine', 'return coroutine.wrap(function() return where() end)()'],
    ['in a coroutine that waited', 'return coroutine.wrap(function() wait() return where() end)()'],
    ['after pcall of a failure', 'pcall(function() wait() error("x") end) return where()'],
    [
      'in a gsub callback that waited',
      'return (("x"):gsub("x", function() wait() return where() end))',
    ],
    ['in an iterator', 'for w in function() wait() return where() end do return w end'],
  ])('is there %s', async (_, source) => {
    expect(await callIn(callHost(), 'mail', source)).toEqual(['mail'])
  })

  test('is not there outside of a call', async () => {
    const host = callHost()
    await callIn(host, 'mail', 'wait()')
    expect(currentCall()).toBeUndefined()
    expect(host.run('return where()')).toEqual(['undefined'])
  })

  test('is that of each of many calls side by side, in any order', async () => {
    const host = testHost()
    const release: (() => void)[] = []
    host.state.setGlobal('turn', () => new Promise<void>((resolve) => release.push(resolve)))
    host.state.setGlobal('where', () => String(currentCall()?.context))
    const source = `local seen = {}
      local co = coroutine.wrap(function() for i = 1, 3 do turn() coroutine.yield(where()) end end)
      for i = 1, 3 do seen[#seen + 1] = co() turn() seen[#seen + 1] = where() end
      return table.concat(seen, " ")`
    const names = Array.from({ length: 50 }, (_, i) => `m${i}`)
    const calls = names.map((name) => callIn(host, name, source))
    for (let round = 0; round < 6; round++) {
      const waiting = release.splice(0)
      waiting.forEach((_, i) => waiting[(i * 7) % waiting.length]?.())
      for (let turn = 0; turn < 5; turn++) await Promise.resolve()
    }
    expect(await Promise.all(calls.map(async (call) => call))).toEqual(
      names.map((name) => [Array(6).fill(name).join(' ')]),
    )
  })

  test('is passed on to what a host function calls, unless it gives another', () => {
    const host = callHost()
    host.state.setGlobal('inherit', (fn) => host.state.call(functionIn(fn), []))
    host.state.setGlobal('other', (fn) => host.state.call(functionIn(fn), [], { context: 'other' }))
    const source = 'return inherit(where)[1] .. " " .. other(where)[1] .. " " .. where()'
    expect(callIn(host, 'mail', source)).toEqual(['mail other mail'])
  })

  test('and budget stay with a host function that goes on after an await', async () => {
    const host = callHost()
    host.state.setGlobal('later', async (fn) => {
      const within = running()
      await Promise.resolve()
      expect(currentCall()).toBeUndefined()
      return await host.state.call(functionIn(fn), [], { within })
    })
    expect(await callIn(host, 'mail', 'return later(where)[1]')).toEqual(['mail'])
  })
})

describe('what a call holds', () => {
  test('is released when it returns, the last first', () => {
    const host = callHost()
    host.run('keep("a") coroutine.wrap(function() keep("b") end)()')
    expect(host.ends).toEqual([
      ['b', 'returned'],
      ['a', 'returned'],
    ])
  })

  test('is released when it returns after a suspension, and not before', async () => {
    const host = callHost()
    const call = host.wait('keep("a") wait()')
    expect(host.ends).toEqual([])
    await call
    expect(host.ends).toEqual([['a', 'returned']])
  })

  test('is released when it fails', async () => {
    const host = callHost()
    expect(() => host.run('keep("a") error("x")')).toThrow('x')
    await expect(host.wait('keep("b") wait() error("y")')).rejects.toThrow('y')
    expect(host.ends).toEqual([
      ['a', 'failed'],
      ['b', 'failed'],
    ])
  })

  test.each([
    [
      'processor time',
      { ...BUDGET, cpuMs: 5 },
      'while true do pcall(function() while true do end end) end',
    ],
    ['memory', { ...BUDGET, allocBytes: 1e5 }, 'local t = {} while true do t[#t + 1] = {} end'],
  ])('is released when it is killed for %s', (_, budget, source) => {
    const host = callHost(budget)
    expect(() => host.run(`keep("a") ${source}`)).toThrow('killed')
    expect(host.ends).toEqual([['a', 'killed']])
  })

  test('is released when it waits too long, or its state closes', async () => {
    const host = callHost({ ...BUDGET, wallMs: 1 })
    await expect(host.wait('keep("a") pcall(never)')).rejects.toThrow('wall-clock')
    const call = host.wait('keep("b") pcall(never)')
    host.state.close()
    await expect(call).rejects.toThrow('closed')
    expect(host.ends).toEqual([
      ['a', 'killed'],
      ['b', 'killed'],
    ])
  })

  test('is not released again when it was let go before', () => {
    const host = callHost()
    let released = 0
    host.state.setGlobal('once', () => hold(running(), () => released++)())
    host.run('once()')
    expect(released).toBe(0)
  })

  test('is released only with the outermost call of the host', () => {
    const host = callHost()
    host.state.setGlobal('nest', (fn) => void host.state.call(functionIn(fn), []))
    host.state.setGlobal('ended', () => host.ends.length)
    expect(host.run('nest(function() keep("a") end) return ended()')).toEqual([0])
    expect(host.ends).toEqual([['a', 'returned']])
  })
})

describe('a call that is killed', () => {
  test('aborts what its host functions wait for', async () => {
    const host = callHost({ ...BUDGET, wallMs: 1 })
    const signals: AbortSignal[] = []
    host.state.setGlobal('fetch', () => {
      signals.push(abortSignal(running()))
      return new Promise<void>(() => {})
    })
    await expect(host.wait('fetch()')).rejects.toThrow('killed')
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
  })

  test('takes no notice of what it waited for', async () => {
    const host = callHost({ ...BUDGET, wallMs: 1 })
    let settle = (): void => {}
    host.state.setGlobal('late', () => new Promise<void>((resolve) => (settle = resolve)))
    host.state.setGlobal('mark', () => host.printed.push('went on'))
    await expect(host.wait('late() mark()')).rejects.toThrow('killed')
    settle()
    await Promise.resolve()
    expect([host.printed, host.run('return 1')]).toEqual([[], [1]])
  })

  test('leaves its coroutines dead', async () => {
    const host = callHost({ ...BUDGET, wallMs: 1 })
    const source = 'co = coroutine.create(function() never() end) coroutine.resume(co)'
    await expect(host.wait(source)).rejects.toThrow('killed')
    expect(host.run('return coroutine.status(co), coroutine.resume(co)')).toEqual([
      'dead',
      false,
      'cannot resume dead coroutine',
    ])
  })

  test('takes along what its host functions called and wait for', async () => {
    const host = callHost({ ...BUDGET, wallMs: 1 })
    const inner: Promise<unknown>[] = []
    host.state.setGlobal('nest', (fn) => {
      inner.push(host.state.call(functionIn(fn), []) as Promise<unknown>)
      return new Promise<void>(() => {})
    })
    await expect(host.wait('nest(never)')).rejects.toThrow('killed')
    await expect(inner[0]).rejects.toMatchObject({ kind: 'killed', reason: 'wall' })
  })

  test('runs no more Lua code of a host function that lives on', async () => {
    const host = callHost({ ...BUDGET, wallMs: 1 })
    let goOn = (): void => {}
    let after: Promise<unknown> | undefined
    host.state.setGlobal('later', (fn) => {
      const within = running()
      const run = async () => {
        await new Promise<void>((resolve) => (goOn = resolve))
        await host.state.call(functionIn(fn), [], { within })
      }
      return (after = run()).then(() => undefined)
    })
    await expect(host.wait('later(function() print("ran") end)')).rejects.toThrow('killed')
    goOn()
    await expect(after).rejects.toMatchObject({ kind: 'killed', reason: 'wall' })
    expect(host.printed).toEqual([])
  })
})

test('Lua and the host cannot call each other for ever', () => {
  const host = callHost()
  host.state.setGlobal('call', (fn) => host.state.call(functionIn(fn), []))
  const [ok, message] = host.run(
    'function f() return call(f) end local ok, message = pcall(f) return ok, message',
  )
  expect([ok, message]).toEqual([false, expect.stringContaining('stack overflow')])
  expect(host.run('return call(function() return 5 end)[1]')).toEqual([5])
})
