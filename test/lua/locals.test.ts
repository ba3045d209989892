import { expect, test } from 'vitest'
import { testHost } from './host.ts'

test('_TLS belongs to the calls that are given the same table, _OSTLS to the state', () => {
  const { state, load } = testHost()
  const [one, other] = [state.newTable(), state.newTable()]
  const run = (source: string, locals = one) => state.call(load(source), [], { locals })
  void run('_TLS.n = 1 _OSTLS.n = "os"')
  expect(run('return _TLS.n, _OSTLS.n')).toEqual([1, 'os'])
  expect(run('return _TLS.n, _OSTLS.n, type(_TLS)', other)).toEqual([undefined, 'os', 'table'])
  expect(one.get('n')).toBe(1)
})

test('a call that is given none has a _TLS of its own', () => {
  const { run } = testHost()
  expect(run('_TLS.n = 1 return _TLS.n, _TLS == _TLS')).toEqual([1, true])
  expect(run('return _TLS.n')).toEqual([undefined])
})

test('coroutines, modules and calls from within see the same _TLS', () => {
  const { state, run, load } = testHost()
  const inner = load('return _TLS.n')
  state.setGlobal('nested', () => (state.call(inner, []) as [number])[0])
  expect(
    run(
      '_TLS.n = 5 return coroutine.wrap(function() return _TLS.n end)(), nested(), (function() module("m", package.seeall) return _TLS.n end)()',
    ),
  ).toEqual([5, 5, 5])
})

test('another state has another _OSTLS', () => {
  testHost().run('_OSTLS.n = 1')
  expect(testHost().run('return _OSTLS.n')).toEqual([undefined])
})

test('other unknown globals are nil, also with keys that are no names', () => {
  expect(testHost().run('return nothing, _G[1], _G[false], rawget(_G, "_TLS")')).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ])
})
