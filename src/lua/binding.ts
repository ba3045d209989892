// Host functions and classes as Lua sees them. A host function takes and returns plain values; a
// promise suspends the coroutine that called it until it settles. Methods check their self.

import {
  NATIVE,
  NIL,
  NO_STATE,
  USERDATA,
  argumentAt,
  host,
  lobject,
  setField,
  lua,
  type NativeFunction,
  type TValue,
  type Table,
  type Thread,
} from './engine.ts'
import { LuaCallError, LuaError } from './error.ts'
import { raise, raisePlain } from './raise.ts'
import { assertSuspendable, suspend } from './suspension.ts'
import {
  emptyTable,
  fromLua,
  isHandle,
  slotOf,
  tableHandle,
  toLua,
  typeName,
  userdataHandle,
  type LuaTable,
  type LuaUserdata,
  type LuaValue,
  type Multiple,
} from './value.ts'

export type HostResult = LuaValue | void | Multiple | Later | Promise<LuaValue | void | Multiple>
export type HostFunction = (...args: LuaValue[]) => HostResult

/** Waiting that is begun only where the script can be suspended; elsewhere the call raises. */
export interface Later {
  readonly kind: 'later'
  readonly start: () => Promise<LuaValue | void | Multiple>
}
export type HostMethod<T> = (self: T, ...args: LuaValue[]) => HostResult

export interface ClassDefinition<T> {
  /** What Lua errors call it: "message expected, got nil". */
  readonly name: string
  readonly methods: Readonly<Record<string, HostMethod<T>>>
  /** What is no method; may throw LuaCallError for an unknown key. */
  readonly get?: (self: T, key: LuaValue) => LuaValue
  /** Assignment; false means that the field cannot be written. */
  readonly set?: (self: T, key: LuaValue, value: LuaValue) => boolean
  /** For tostring and `..`; not named toString, which every object has. */
  readonly text?: (self: T) => string
  /** For `#`. */
  readonly length?: (self: T) => number
  /** For a generic `for`: iterator function, state, control. */
  readonly iterate?: (self: T) => HostResult
}

export interface LuaClass<T> {
  /** The same object is the same userdata. */
  readonly wrap: (object: T) => LuaUserdata
  /** The object behind a value of this class, or undefined for any other value. */
  readonly unwrap: (value: LuaValue) => T | undefined
  /** Its methods by name; what is put there is a method of all its objects. */
  readonly methods: LuaTable
}

/** A call of the host counts as this many steps of Lua: what it does is not counted. */
const HOST_CALL_TICKS = 20

export type InternalError = (error: unknown, name: string) => void

export function later(start: Later['start']): Later {
  return { kind: 'later', start }
}

/** A host function as the engine calls it. */
export function bindFunction(
  name: string,
  call: HostFunction,
  report: InternalError,
): NativeFunction {
  return (L) => {
    const first = L.ci.funcOff + 1
    host.tick.n -= HOST_CALL_TICKS
    let result: HostResult
    try {
      result = call(...argumentsFrom(L, first))
    } catch (error) {
      return raiseFrom(L, name, error, report)
    }
    return deliver(L, name, result, report)
  }
}

/** A class whose objects Lua sees as userdata with methods. */
export function bindClass<T extends object>(
  definition: ClassDefinition<T>,
  report: InternalError,
): LuaClass<T> {
  const { name } = definition
  const wrapped = rememberedOn<T, LuaUserdata>(name)
  const methods = emptyTable()
  const metatable = emptyTable()
  const objectAt = (L: Thread, index: number, method: string): T => {
    const slot = L.top > index ? L.stack[index] : undefined
    const object = objectOf(slot)
    if (object === undefined) {
      return raise(L, `calling '${method}' on bad self (${name} expected, got ${typeName(slot)})`)
    }
    return object
  }
  const objectOf = (slot: TValue | undefined): T | undefined =>
    slot?.type === USERDATA && slot.value.metatable === metatable
      ? // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its metatable says so
        (slot.value.data as T)
      : undefined
  const native = (method: string, call: HostMethod<T>): NativeFunction => {
    const label = `${name}:${method}`
    return (L) => {
      const first = L.ci.funcOff + 1
      const self = objectAt(L, first, method)
      host.tick.n -= HOST_CALL_TICKS
      let result: HostResult
      try {
        result = call(self, ...argumentsFrom(L, first + 1))
      } catch (error) {
        return raiseFrom(L, label, error, report)
      }
      return deliver(L, label, result, report)
    }
  }
  for (const [method, call] of Object.entries(definition.methods)) {
    setNative(methods, method, native(method, call))
  }
  for (const [event, call] of metamethods(definition))
    setNative(metatable, event, native(event, call))
  if (definition.text !== undefined)
    setNative(metatable, '__concat', concatenation(objectOf, definition))
  setField(metatable, '__metatable', toLua(name))
  return {
    wrap(object) {
      const known = wrapped.get(object)
      if (known !== undefined) return known
      const udata = new lobject.Udata(NO_STATE, 0)
      udata.data = object
      udata.methods = methods
      udata.metatable = metatable
      const handle = userdataHandle(udata)
      wrapped.set(object, handle)
      return handle
    },
    unwrap: (value) => (isHandle(value, 'userdata') ? objectOf(slotOf(value)) : undefined),
    methods: tableHandle(methods),
  }
}

/** Puts a native into a table. */
export function setNative(table: Table, key: string, native: NativeFunction): void {
  setField(table, key, new lobject.TValue(NATIVE, native))
}

// What belongs to an object is kept on it under a symbol: a WeakMap of many short-lived objects makes
// every garbage collection slow. Objects that take no properties go to one all the same.
function rememberedOn<K extends object, V>(name: string): Pick<WeakMap<K, V>, 'get' | 'set'> {
  const mark = Symbol(name)
  const sealed = new WeakMap<K, V>()
  return {
    get: (object) => (object as { [mark]?: V })[mark] ?? sealed.get(object),
    set(object, value) {
      if (Object.isExtensible(object)) (object as { [mark]?: V })[mark] = value
      else sealed.set(object, value)
      return sealed
    },
  }
}

function metamethods<T>(definition: ClassDefinition<T>): [string, HostMethod<T>][] {
  const { name, get, set, text, length, iterate } = definition
  const found: [string, HostMethod<T> | undefined][] = [
    ['__index', (self, key) => get?.(self, key)],
    [
      '__newindex',
      (self, key, value) => {
        if (set?.(self, key, value) === true) return
        const field = typeof key === 'string' || typeof key === 'number' ? `'${key}' ` : ''
        throw new LuaCallError(`cannot set field ${field}of ${name}`)
      },
    ],
    ['__tostring', text && ((self) => text.call(definition, self))],
    ['__len', length && ((self) => length.call(definition, self))],
    ['__iter', iterate && ((self) => iterate.call(definition, self))],
  ]
  return found.filter((entry): entry is [string, HostMethod<T>] => entry[1] !== undefined)
}

function concatenation<T>(
  objectOf: (slot: TValue | undefined) => T | undefined,
  definition: ClassDefinition<T>,
): NativeFunction {
  const text = (L: Thread, slot: TValue | undefined): string => {
    const object = objectOf(slot)
    if (object !== undefined) return definition.text?.(object) ?? ''
    const value = slot === undefined ? undefined : fromLua(slot)
    if (typeof value === 'string') return value
    if (typeof value === 'number') return host.numberToText(value)
    return raise(L, `attempt to concatenate a ${typeName(slot)} value`)
  }
  return (L) => {
    L.stack[L.top++] = toLua(text(L, argumentAt(L, 1)) + text(L, argumentAt(L, 2)))
    return 1
  }
}

function argumentsFrom(L: Thread, first: number): LuaValue[] {
  const count = L.top - first
  const values: LuaValue[] = []
  for (let index = 0; index < count; index++) {
    values.push(fromLua(L.stack[first + index] ?? new lobject.TValue(NIL, null)))
  }
  return values
}

function deliver(L: Thread, name: string, result: HostResult, report: InternalError): number {
  if (!(result instanceof Promise) && !isLater(result)) return push(L, result)
  if (isLater(result)) assertSuspendable(L, name)
  let finish = (): number => 0
  const settled = (isLater(result) ? result.start() : result).then(
    (value) => {
      finish = () => push(L, value)
    },
    (error: unknown) => {
      finish = () => raiseFrom(L, name, error, report)
    },
  )
  return suspend(L, name, { settled, finish: () => finish() })
}

function isLater(result: HostResult): result is Later {
  return typeof result === 'object' && 'kind' in result && result.kind === 'later'
}

function push(L: Thread, result: LuaValue | void | Multiple): number {
  if (typeof result === 'object' && 'kind' in result && result.kind === 'multiple') {
    lua.lua_checkstack(L, result.values.length + 1)
    for (const value of result.values) L.stack[L.top++] = toLua(value)
    return result.values.length
  }
  L.stack[L.top++] = toLua(result ?? undefined)
  return 1
}

function raiseFrom(L: Thread, name: string, error: unknown, report: InternalError): never {
  if (error instanceof host.Kill) throw error
  if (error instanceof LuaCallError) return raise(L, error.message)
  if (error instanceof LuaError) {
    // Lua code that the host function called: killed on the same budget, it ends the outer call too.
    if (error.cause instanceof host.Kill) throw error.cause
    return raisePlain(L, error.message)
  }
  // An engine's own jump is no error of the host function.
  if (typeof error === 'object' && error !== null && 'status' in error && 'previous' in error)
    throw error
  report(error, name)
  const message = error instanceof Error ? error.message : String(error)
  return raise(L, `internal error in ${name}: ${message}`)
}
