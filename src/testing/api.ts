// What a file of tests finds: describe, it, before_each, after_each (lua/testing.lua), session, expect,
// expect_equal and fail.
import type { HostFunction } from '../lua/binding.ts'
import { LuaCallError } from '../lua/error.ts'
import type { LuaState } from '../lua/state.ts'
import { isHandle, type LuaFunction, type LuaValue } from '../lua/value.ts'
import { readSessionArguments, textOf } from './arguments.ts'
import { expectEqual, luaText } from './complaint.ts'
import type { Outside } from '../outside/outside.ts'
import { fakeDatabases, fakeDns, fakeHttp, fakeRandom, fakeTimeMs } from './fakes.ts'
import { type Place, play } from './played.ts'
import { recipientClass } from './recipientclass.ts'
import { sessionClass } from './sessionclass.ts'
import { type Group, namesOf, openGroup, type Test } from './suite.ts'

export interface Api {
  /** In the order in which they stand. From now on there can be no more. */
  finish(): readonly Test[]
}

/** `sugar` is the text of lua/testing.lua. */
export async function openApi(state: LuaState, place: Place, sugar: Buffer): Promise<Api> {
  const { finish, host } = registry()
  const find = finderOf(state)
  const sessions = sessionClass(state, find, recipientClass(state, find))
  const globals: Readonly<Record<string, HostFunction>> = {
    session: (given) => {
      const read = readSessionArguments(given)
      return play(place, read).then((played) => sessions.wrap(played))
    },
    ...fakesOf(state, place),
    expect_equal: (got, expected, what) =>
      expectEqual(got, expected, textOf(what) ?? 'values differ'),
    expect(value, what) {
      if (value !== undefined && value !== false) return
      throw new LuaCallError(
        `${textOf(what) ?? 'something true was expected'}: got ${luaText(value)}`,
      )
    },
    fail(why) {
      throw new LuaCallError(textOf(why) ?? 'failed')
    },
  }
  for (const [name, call] of Object.entries(globals)) state.setGlobal(name, call)
  const table = state.newTable()
  for (const [name, call] of Object.entries(host)) table.set(name, state.newFunction(name, call))
  await state.call(state.load(sugar, SUGAR), [table])
  return { finish }
}

/** They hold for sessions that begin in the test, or in all of them where they stand outside. */
function fakesOf(state: LuaState, place: Place): Readonly<Record<string, HostFunction>> {
  const put = (outside: Partial<Outside>): void => {
    const { fakes } = place
    place.fakes = { ...fakes, outside: { ...fakes.outside, ...outside } }
  }
  const answering = (fake: typeof fakeDns) => (answers: LuaValue) => {
    const calls = state.newTable()
    put(fake(state, answers, calls))
    return calls
  }
  return {
    fake_dns: answering(fakeDns),
    fake_http: answering(fakeHttp),
    fake_db: answering(fakeDatabases),
    fake_random: (numbers) => put(fakeRandom(numbers)),
    fake_clock(value) {
      place.fakes = { ...place.fakes, startMs: fakeTimeMs(value) }
    },
  }
}

/** No file of the tests: errors are not shown there. */
export const SUGAR = '(testing)'

function registry() {
  const tests: Test[] = []
  let isFinished = false
  const assertOpen = (what: string): void => {
    if (isFinished) throw new LuaCallError(`${what}: not within a test`)
  }
  let group: Group = openGroup('', undefined, false)
  const host: Readonly<Record<string, HostFunction>> = {
    enter(name, isSkipped) {
      assertOpen('describe')
      group = openGroup(textOf(name) ?? '', group, isSkipped === true)
    },
    leave() {
      group = group.parent ?? group
    },
    test(name, kind, line, run) {
      assertOpen('it')
      tests.push({
        path: [...namesOf(group), textOf(name) ?? ''],
        group,
        run: run === undefined ? undefined : functionOf('it', run),
        line: typeof line === 'number' ? line : undefined,
        isSkipped: kind === 'skip',
        isOnly: kind === 'only',
      })
    },
    hook(kind, body) {
      const isBefore = kind === 'before'
      const run = functionOf(isBefore ? 'before_each' : 'after_each', body)
      group[isBefore ? 'before' : 'after'].push(run)
    },
  }
  const finish = (): readonly Test[] => {
    isFinished = true
    return tests
  }
  return { finish, host }
}

/** Patterns are Lua's own. */
function finderOf(state: LuaState) {
  const library = state.getGlobal('string')
  const find = isHandle(library, 'table') ? library.get('find') : undefined
  return (text: string, pattern: string, isPlain: boolean): boolean => {
    const results = state.call(functionOf('find', find), [text, pattern, 1, isPlain])
    return !(results instanceof Promise) && results[0] !== undefined
  }
}

function functionOf(what: string, value: LuaValue): LuaFunction {
  if (isHandle(value, 'function')) return value
  throw new LuaCallError(`${what}: a function was expected`)
}
