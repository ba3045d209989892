// A state for tests: what Lua printed and what it was warned of, with a generous budget.
import { openState, type LuaState, type StateOptions } from '../../src/lua/state.ts'
import type { LuaFunction, LuaValue } from '../../src/lua/value.ts'

export const BUDGET = { cpuMs: 10_000, wallMs: 10_000, allocBytes: 1e9, maxStringBytes: 2 ** 26 }

export interface TestHost {
  readonly state: LuaState
  readonly printed: string[]
  readonly warned: string[]
  readonly internal: string[]
  readonly load: (source: string) => LuaFunction
  /** Loads and calls a chunk that must not suspend. */
  readonly run: (source: string, ...args: LuaValue[]) => readonly LuaValue[]
  /** Loads and calls a chunk that must suspend. */
  readonly wait: (source: string, ...args: LuaValue[]) => Promise<readonly LuaValue[]>
}

export function testHost(options: Partial<StateOptions> = {}): TestHost {
  const printed: string[] = []
  const warned: string[] = []
  const internal: string[] = []
  const state = openState({
    print: (text) => printed.push(text),
    warn: (text) => warned.push(text),
    roots: [],
    budget: BUDGET,
    onInternalError: (error, name) => internal.push(`${name}: ${String(error)}`),
    ...options,
  })
  const load = (source: string): LuaFunction =>
    state.load(Buffer.from(source, 'latin1'), 'test.lua')
  return {
    state,
    printed,
    warned,
    internal,
    load,
    run(source, ...args) {
      const results = state.call(load(source), args)
      if (results instanceof Promise) throw new Error('the call was suspended')
      return results
    },
    wait(source, ...args) {
      const results = state.call(load(source), args)
      if (!(results instanceof Promise)) throw new Error('the call was not suspended')
      return results
    },
  }
}
