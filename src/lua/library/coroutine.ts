// Coroutines of Lua. When what a coroutine calls suspends for the host, resume and wrap are suspended
// with it and go on when it does, so that policy sees host functions as synchronous everywhere.

import {
  LUA_CLOSURE,
  NATIVE,
  OK,
  THREAD,
  YIELD,
  argumentAt,
  lauxlib,
  lobject,
  lua,
  textIn,
  type NativeFunction,
  type Thread,
} from '../engine.ts'
import { raise, raiseArgument } from '../raise.ts'
import { waitingOf } from '../suspension.ts'
import { toLua } from '../value.ts'

const YIELDED_BY_HOST = -2
const FAILED = -1

export const COROUTINE_FUNCTIONS: Readonly<Record<string, NativeFunction>> = {
  create(L) {
    const thread = newThread(L)
    L.stack[L.top++] = new lobject.TValue(THREAD, thread)
    return 1
  },
  wrap(L) {
    const thread = newThread(L)
    L.stack[L.top++] = new lobject.TValue(NATIVE, (from: Thread) => {
      const count = resume(from, thread, lua.lua_gettop(from))
      return count === YIELDED_BY_HOST ? park(from, thread, wrapped) : wrapped(from, count)
    })
    return 1
  },
  resume(L) {
    const thread = threadAt(L)
    const count = resume(L, thread, lua.lua_gettop(L) - 1)
    return count === YIELDED_BY_HOST ? park(L, thread, tagged) : tagged(L, count)
  },
  yield(L) {
    if (L.from === null) return raise(L, 'attempt to yield across metamethod/C-call boundary')
    return lua.lua_yieldk(L, lua.lua_gettop(L), null, null)
  },
  status(L) {
    L.stack[L.top++] = toLua(statusOf(L, threadAt(L)))
    return 1
  },
  running(L) {
    L.stack[L.top++] = L.from === null ? toLua(undefined) : new lobject.TValue(THREAD, L)
    return 1
  },
}

function newThread(L: Thread): Thread {
  const body = argumentAt(L, 1)
  if (body?.type !== LUA_CLOSURE) {
    lauxlib.luaL_checktype(L, 1, 6)
    return raiseArgument(L, 1, 'Lua function expected')
  }
  const thread = lua.lua_newthread(L)
  L.top--
  thread.stack[thread.top++] = new lobject.TValue(body.type, body.value)
  return thread
}

function threadAt(L: Thread): Thread {
  const slot = argumentAt(L, 1)
  return slot?.type === THREAD ? slot.value : raiseArgument(L, 1, 'coroutine expected')
}

// Moves `args` values over, runs the coroutine, and moves its results (or its error) back.
function resume(L: Thread, thread: Thread, args: number): number {
  const status = statusOf(L, thread)
  if (status !== 'suspended') {
    L.stack[L.top++] = toLua(`cannot resume ${status === 'dead' ? 'dead' : status} coroutine`)
    return FAILED
  }
  lua.lua_checkstack(thread, args + 1)
  lua.lua_xmove(L, thread, args)
  return finish(L, thread, lua.lua_resume(thread, L, args))
}

function finish(L: Thread, thread: Thread, status: number): number {
  if (status === YIELD && waitingOf(thread) !== undefined) return YIELDED_BY_HOST
  const count = status === OK || status === YIELD ? lua.lua_gettop(thread) : 1
  lua.lua_checkstack(L, count + 1)
  lua.lua_xmove(thread, L, count)
  return status === OK || status === YIELD ? count : FAILED
}

type Deliver = (L: Thread, count: number) => number

// Suspends the coroutine that resumed one which waits for the host; on waking it resumes that again.
function park(L: Thread, thread: Thread, deliver: Deliver): number {
  return lua.lua_yieldk(L, 0, thread, () => {
    const count = finish(L, thread, lua.lua_resume(thread, L, 0))
    return count === YIELDED_BY_HOST ? park(L, thread, deliver) : deliver(L, count)
  })
}

function tagged(L: Thread, count: number): number {
  const values = count === FAILED ? 1 : count
  const flag = toLua(count !== FAILED)
  L.stack.copyWithin(L.top - values + 1, L.top - values, L.top)
  L.stack[L.top++ - values] = flag
  return values + 1
}

function wrapped(L: Thread, count: number): number {
  if (count !== FAILED) return count
  const message = textIn(L.stack[L.top - 1])
  return message === undefined ? lua.lua_error(L) : raise(L, message)
}

function statusOf(L: Thread, thread: Thread): 'running' | 'suspended' | 'normal' | 'dead' {
  if (L === thread) return 'running'
  const waiting = waitingOf(thread)
  if (waiting !== undefined) return waiting.abandoned ? 'dead' : 'normal'
  if (thread.status === YIELD) return 'suspended'
  if (thread.status !== OK) return 'dead'
  if (lua.lua_getstack(thread, 0, new lua.lua_Debug()) > 0) return 'normal'
  return lua.lua_gettop(thread) === 0 ? 'dead' : 'suspended'
}
