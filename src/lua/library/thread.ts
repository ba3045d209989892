// The `thread` library of Momentum's Lua. There are no threads here: what locks keep apart are calls, which
// take turns only where one of them waits. Results and errors are those of the original, that is of
// pthreads: true, or the number EBUSY; misuse raises. Unlike there, a lock that a call still holds when it
// ends is given back, and a warning says so.

import { bindClass, later, type HostFunction, type HostResult } from '../binding.ts'
import type { InternalError } from '../binding.ts'
import { currentCall, hold, type Call } from '../call.ts'
import { LuaCallError } from '../error.ts'
import { lockAgain, makeLock, tryLock, unlock, waitForLock } from '../lock.ts'
import type { Lock, LockMode } from '../lock.ts'
import { multiple, type LuaValue } from '../value.ts'
import { badArgument, integerArgument, numberArgument } from './argument.ts'

interface Mutex {
  readonly type: number
  readonly lock: Lock
}

interface Condition {
  readonly mutex: Mutex
  /** In the order in which they began to wait. */
  readonly waiters: Set<() => void>
}

const [NORMAL, RECURSIVE, ERRORCHECK] = [0, 1, 2]
const EBUSY = 16

export const THREAD_CONSTANTS: Readonly<Record<string, number>> = {
  MUTEX_NORMAL: NORMAL,
  MUTEX_RECURSIVE: RECURSIVE,
  MUTEX_ERRORCHECK: ERRORCHECK,
}

/** `warn` gets each advice once. */
export function threadFunctions(
  warn: (text: string) => void,
  report: InternalError,
): Record<string, HostFunction> {
  const warned = new Set<string>()
  const lockOf = (what: string): Lock =>
    makeLock(({ label }, end) => {
      const text = `${label}: ended with a ${what} locked; it is unlocked now`
      if (end !== 'returned' || warned.has(text)) return
      warned.add(text)
      warn(text)
    })
  const mutexOf = (type: number): Mutex => ({ type, lock: lockOf('mutex') })
  const mutexes = bindClass<Mutex>({ name: 'thread.mutex', methods: MUTEX_METHODS }, report)
  const rwlocks = bindClass<Lock>({ name: 'thread.rwlock', methods: RWLOCK_METHODS }, report)
  const conditions = bindClass<Condition>({ name: 'thread.cond', methods: COND_METHODS }, report)
  return {
    mutex(...args) {
      const type = args.length === 0 ? ERRORCHECK : integerArgument(args, 0, 'mutex')
      if (type === NORMAL || type === RECURSIVE || type === ERRORCHECK) {
        return mutexes.wrap(mutexOf(type))
      }
      const names = Object.keys(THREAD_CONSTANTS).map((name) => `thread.${name}`)
      throw badArgument(0, 'mutex', `specify one of ${names.join(', ')}`)
    },
    rwlock: () => rwlocks.wrap(lockOf('rwlock')),
    condition(...args) {
      const mutex = args.length === 0 ? mutexOf(NORMAL) : mutexes.unwrap(args[0])
      if (mutex === undefined) throw badArgument(0, 'condition', 'thread.mutex expected')
      return conditions.wrap({ mutex, waiters: new Set() })
    },
    sleep(...args) {
      const ms = integerArgument(args, 0, 'sleep') * 1000
      return ms > 0 ? later(() => pause(runningCall(), ms)) : 0
    },
    create() {
      throw new LuaCallError(
        'thread.create: not available: there are no threads here; msys.runInPool runs a function beside others',
      )
    },
  }
}

const MUTEX_METHODS = {
  lock: (mutex: Mutex): HostResult => lockMutex(mutex),
  trylock(mutex: Mutex): HostResult {
    const call = runningCall()
    if (mutex.type === RECURSIVE && mutex.lock.shares.has(call)) return again(mutex.lock, call)
    return tryLock(mutex.lock, call, 'exclusive') === 'taken' || EBUSY
  },
  unlock: (mutex: Mutex): HostResult => unlockMutex(mutex),
}

const RWLOCK_METHODS = {
  rdlock: (lock: Lock): HostResult => acquire(lock, 'shared', 'rdlock rwlock'),
  wrlock: (lock: Lock): HostResult => acquire(lock, 'exclusive', 'wrlock rwlock'),
  tryrdlock: (lock: Lock): HostResult =>
    tryLock(lock, runningCall(), 'shared') === 'taken' || EBUSY,
  trywrlock: (lock: Lock): HostResult =>
    tryLock(lock, runningCall(), 'exclusive') === 'taken' || EBUSY,
  unlock: (lock: Lock): HostResult =>
    unlock(lock, runningCall()) || fail('unlock rwlock', NOT_OWNER),
}

const COND_METHODS = {
  acquire: ({ mutex }: Condition): HostResult => lockMutex(mutex),
  release: ({ mutex }: Condition): HostResult => unlockMutex(mutex),
  signal({ waiters }: Condition): HostResult {
    const [first] = waiters
    first?.()
    return multiple()
  },
  broadcast({ waiters }: Condition): HostResult {
    for (const wake of waiters) wake()
    return multiple()
  },
  wait(condition: Condition, ...args: LuaValue[]): HostResult {
    const seconds = args.length === 0 ? undefined : numberArgument(args, 0, 'wait')
    const call = runningCall()
    if (!condition.mutex.lock.shares.has(call)) {
      throw new LuaCallError('cond:wait failed Operation not permitted')
    }
    return later(() => waitFor(condition, call, seconds))
  },
}

const DEADLOCK = '35 Resource deadlock avoided'
const NOT_OWNER = '1 Operation not permitted'

function lockMutex({ type, lock }: Mutex): HostResult {
  const call = runningCall()
  if (type === RECURSIVE && lock.shares.has(call)) return again(lock, call)
  // A normal mutex would wait for ever here.
  return acquire(lock, 'exclusive', 'lock mutex')
}

// Anybody may unlock a normal mutex.
function unlockMutex({ type, lock }: Mutex): HostResult {
  if (type !== NORMAL) return unlock(lock, runningCall()) || fail('unlock mutex', NOT_OWNER)
  const [holder] = lock.shares.keys()
  if (holder !== undefined) unlock(lock, holder)
  return true
}

function again(lock: Lock, call: Call): true {
  lockAgain(lock, call)
  return true
}

function acquire(lock: Lock, mode: LockMode, what: string): HostResult {
  const call = runningCall()
  switch (tryLock(lock, call, mode)) {
    case 'taken':
      return true
    case 'own':
      return fail(what, DEADLOCK)
    case 'busy':
      return later(async () => {
        await waitForLock(lock, call, mode)
        return true
      })
  }
}

async function waitFor({ mutex, waiters }: Condition, call: Call, seconds?: number) {
  const { lock } = mutex
  const signalled = new Promise<boolean>((resolve) => {
    const end = (isSignalled: boolean): void => {
      waiters.delete(wake)
      clearTimeout(timer)
      drop()
      resolve(isSignalled)
    }
    const wake = (): void => end(true)
    const timer =
      seconds === undefined ? undefined : setTimeout(end, clamped(seconds * 1000), false)
    waiters.add(wake)
    const drop = hold(call, () => end(false))
  })
  unlock(lock, call)
  const isSignalled = await signalled
  if (tryLock(lock, call, 'exclusive') !== 'taken') await waitForLock(lock, call, 'exclusive')
  return seconds === undefined ? multiple() : isSignalled
}

function pause(call: Call, ms: number): Promise<number> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      drop()
      resolve(0)
    }, clamped(ms))
    const drop = hold(call, () => clearTimeout(timer))
  })
}

function runningCall(): Call {
  const call = currentCall()
  if (call === undefined) throw new LuaCallError('thread: no call runs')
  return call
}

// setTimeout takes no more.
function clamped(ms: number): number {
  return Math.min(ms, 2 ** 31 - 1)
}

function fail(what: string, why: string): never {
  throw new LuaCallError(`failed to ${what}: ${why}`)
}
