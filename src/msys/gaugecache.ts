// `msys.gauge_cache`: numbers by key that go up and down, and are forgotten when nobody changes them.
// Momentum manual pages "lua.ref.msys.gauge_cache.*".
import { LuaCallError } from '../lua/error.ts'
import { declare } from './declaration.ts'
import { boolean, number, optional, string } from './parameter.ts'
import type { Runtime } from './runtime.ts'
import { applyOrWarn, boundedKey } from './shared/room.ts'

const fn = declare<undefined>()

const CACHE_AND_KEY = [string('cache'), string('key')] as const

export const GAUGE_CACHE_FUNCTIONS = [
  fn(
    'msys.gauge_cache.define',
    [string('name'), number('maxelems'), number('ttl'), optional(boolean('replicated'), false)],
    {
      result: 'nil',
      tier: 2,
      doc: 'a cache of that many keys, each kept for `ttl` seconds after its last change; `replicated`: all nodes share it',
      differs: 'a cache holds at most 100,000 keys',
    },
    (_, [cache, maxKeys, ttlSeconds, isReplicated], { shared }) => {
      if (!(maxKeys >= 1)) throw wrong('#2 (a number from 1 expected): maxelems')
      if (!(ttlSeconds >= 0)) throw wrong('#3 (a number of seconds expected): ttl')
      const reach = isReplicated ? 'cluster' : 'node'
      if (shared.defineGauges(cache, { maxKeys, ttlSeconds, reach })) return
      throw new LuaCallError('msys.gauge_cache.define: there are too many caches')
    },
  ),
  fn(
    'msys.gauge_cache.inc',
    CACHE_AND_KEY,
    { result: 'number', tier: 2, doc: 'adds one and gives the new value' },
    (_, [cache, key], runtime) => change('msys.gauge_cache.inc', cache, key, 1, runtime),
  ),
  fn(
    'msys.gauge_cache.dec',
    CACHE_AND_KEY,
    { result: 'number', tier: 2, doc: 'takes one away and gives the new value' },
    (_, [cache, key], runtime) => change('msys.gauge_cache.dec', cache, key, -1, runtime),
  ),
  fn(
    'msys.gauge_cache.get',
    CACHE_AND_KEY,
    { result: 'number', tier: 2, doc: 'the value of a key; 0 when there is none' },
    (_, [cache, key], runtime) => {
      assertDefined('msys.gauge_cache.get', cache, runtime)
      return runtime.shared.gauge(cache, boundedKey(key))
    },
  ),
  fn(
    'msys.gauge_cache.remove_item',
    CACHE_AND_KEY,
    { result: 'nil', tier: 2, doc: 'removes a key' },
    (_, [cache, key], runtime) => {
      assertDefined('msys.gauge_cache.remove_item', cache, runtime)
      applyOrWarn(runtime, { kind: 'gauge remove', cache, key: boundedKey(key) })
    },
  ),
]

function change(
  name: string,
  cache: string,
  text: string,
  delta: number,
  runtime: Runtime,
): number {
  assertDefined(name, cache, runtime)
  const key = boundedKey(text)
  applyOrWarn(runtime, { kind: 'gauge add', cache, key, delta, atMs: runtime.nowMs() })
  return runtime.shared.gauge(cache, key)
}

function assertDefined(name: string, cache: string, { shared }: Runtime): void {
  if (shared.gauges(cache)) return
  throw new LuaCallError(`${name}: there is no gauge cache '${cache}' (msys.gauge_cache.define)`)
}

function wrong(text: string): LuaCallError {
  return new LuaCallError(`msys.gauge_cache.define: bad argument ${text}`)
}
