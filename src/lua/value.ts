// What crosses between TypeScript and Lua, and how. Strings are byte strings (one character per
// octet). Tables, functions, userdata and coroutines of Lua are handles, one per object, that refer
// to the engine's objects directly: nothing is registered, so nothing has to be released.

import {
  BOOLEAN,
  LUA_CLOSURE,
  NATIVE,
  NATIVE_CLOSURE,
  NIL,
  NO_STATE,
  NUMBER,
  STRING,
  TABLE,
  THREAD,
  USERDATA,
  fieldOf,
  lobject,
  lstring,
  ltable,
  setField,
  type TValue,
  type Table,
  type Udata,
} from './engine.ts'

/** Where a handle keeps the engine's slot. */
const SLOT = Symbol('slot')

export type LuaValue =
  | undefined
  | boolean
  | number
  | string
  | LuaTable
  | LuaFunction
  | LuaUserdata
  | LuaThread
  /** Becomes a new array table. */
  | readonly LuaValue[]
  /** Becomes a new table. */
  | ReadonlyMap<string, LuaValue>

/** A table; access is raw, metatables are not asked. */
export interface LuaTable {
  readonly kind: 'table'
  readonly [SLOT]: TValue & { readonly value: Table }
  get(key: string | number): LuaValue
  set(key: string | number, value: LuaValue): void
  length(): number
  /** Array part ascending, then the rest in order of insertion. */
  entries(): IterableIterator<[LuaValue, LuaValue]>
}

export interface LuaFunction {
  readonly kind: 'function'
  readonly [SLOT]: TValue
}

export interface LuaUserdata {
  readonly kind: 'userdata'
  readonly [SLOT]: TValue
}

export interface LuaThread {
  readonly kind: 'thread'
  readonly [SLOT]: TValue
}

/** Several results of a host function. */
export interface Multiple {
  readonly kind: 'multiple'
  readonly values: readonly LuaValue[]
}

export function multiple(...values: LuaValue[]): Multiple {
  return { kind: 'multiple', values }
}

/** The value of an engine's slot. */
export function fromLua(slot: TValue): LuaValue {
  switch (slot.type) {
    case STRING: {
      const string = slot.value
      return string.hash ?? lstring.luaS_hashlongstr(string)
    }
    case NUMBER:
      return slot.value
    case BOOLEAN:
      return slot.value
    case NIL:
      return undefined
    case TABLE:
      return tableHandle(slot.value)
    case USERDATA:
      return userdataHandle(slot.value)
    case LUA_CLOSURE:
    case NATIVE:
    case NATIVE_CLOSURE:
      return remembered(slot.value, () => ({
        kind: 'function',
        [SLOT]: new lobject.TValue(slot.type, slot.value),
      }))
    case THREAD:
      return remembered(slot.value, () => ({
        kind: 'thread',
        [SLOT]: new lobject.TValue(THREAD, slot.value),
      }))
    default:
      return undefined
  }
}

/** A new slot that holds a value. */
export function toLua(value: LuaValue): TValue {
  switch (typeof value) {
    case 'string':
      return new lobject.TValue(STRING, lstring.luaS_text(value))
    case 'number':
      return new lobject.TValue(NUMBER, value)
    case 'boolean':
      return new lobject.TValue(BOOLEAN, value)
    case 'undefined':
      return new lobject.TValue(NIL, null)
    default:
      return objectToLua(value)
  }
}

/** The type of a slot as Lua names it. */
export function typeName(slot: TValue | undefined): string {
  return slot === undefined ? 'no value' : (TYPE_NAMES[slot.type & 15] ?? 'userdata')
}

/** Whether a value is a handle of the given kind: a table, function, userdata or thread of Lua. */
export function isHandle<Kind extends Handle['kind']>(
  value: LuaValue,
  kind: Kind,
): value is Extract<Handle, { readonly kind: Kind }> {
  return typeof value === 'object' && 'kind' in value && value.kind === kind
}

export function tableHandle(table: Table): LuaTable {
  return remembered(table, () => ({
    kind: 'table',
    [SLOT]: { type: TABLE, value: table },
    ...TABLE_METHODS,
  }))
}

export function userdataHandle(udata: Udata): LuaUserdata {
  return remembered(udata, () => ({
    kind: 'userdata',
    [SLOT]: new lobject.TValue(USERDATA, udata),
  }))
}

/** The object of TypeScript behind a userdata; undefined for any other value. */
export function objectIn(value: LuaValue): unknown {
  return isHandle(value, 'userdata') && value[SLOT].type === USERDATA
    ? value[SLOT].value.data
    : undefined
}

/** The engine's table behind a handle. */
export function tableOf(handle: LuaTable): Table {
  return handle[SLOT].value
}

/** A new slot with what is behind a handle. */
export function slotOf(handle: Handle): TValue {
  const { type, value } = handle[SLOT]
  return new lobject.TValue(type, value)
}

/** An empty table. */
export function emptyTable(): Table {
  return ltable.luaH_new(NO_STATE)
}

type Handle = LuaTable | LuaFunction | LuaUserdata | LuaThread

const TYPE_NAMES = [
  'nil',
  'boolean',
  'userdata',
  'number',
  'string',
  'table',
  'function',
  'userdata',
  'thread',
]

const TABLE_METHODS = {
  get(this: LuaTable, key: string | number): LuaValue {
    const table = tableOf(this)
    return fromLua(typeof key === 'number' ? ltable.luaH_getint(table, key) : fieldOf(table, key))
  },
  set(this: LuaTable, key: string | number, value: LuaValue): void {
    const table = tableOf(this)
    if (typeof key === 'number') ltable.luaH_setint(table, key, toLua(value))
    else setField(table, key, toLua(value))
  },
  length(this: LuaTable): number {
    return ltable.luaH_getn(tableOf(this))
  },
  *entries(this: LuaTable): IterableIterator<[LuaValue, LuaValue]> {
    const table = tableOf(this)
    for (const [index, slot] of table.array.entries()) {
      if (slot.type !== NIL) yield [index + 1, fromLua(slot)]
    }
    for (let entry = table.f; entry !== undefined; entry = entry.n) {
      yield [fromLua(entry.key), fromLua(entry.value)]
    }
  },
}

// The engine's objects carry their handle: a WeakMap of them would burden the garbage collector.
function remembered<H extends Handle>(object: { handle?: unknown }, make: () => H): H {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only this function sets it
  const known = object.handle as H | undefined | null
  if (known !== undefined && known !== null) return known
  const handle = make()
  object.handle = handle
  return handle
}

function objectToLua(value: Exclude<LuaValue, string | number | boolean | undefined>): TValue {
  if ('kind' in value) return slotOf(value)
  const table = emptyTable()
  if (isArray(value)) {
    for (const [index, item] of value.entries()) {
      if (item !== undefined) ltable.luaH_setint(table, index + 1, toLua(item))
    }
  } else {
    for (const [key, item] of value) setField(table, key, toLua(item))
  }
  return new lobject.TValue(TABLE, table)
}

// Array.isArray does not narrow readonly arrays.
const isArray = (value: object): value is readonly LuaValue[] => Array.isArray(value)
