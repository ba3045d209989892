// `json` in Lua: objects and arrays are userdata that are indexed, walked and printed like tables.
// Momentum manual pages "lua.ref.json.decode" and its siblings.
import { chargeTicks } from '../../lua/budget.ts'
import { LuaCallError } from '../../lua/error.ts'
import { type LuaValue, multiple } from '../../lua/value.ts'
import { declare } from '../declaration.ts'
import { any, number, object, string, typeName } from '../parameter.ts'
import type { Runtime } from '../runtime.ts'
import type { ClassShape } from '../shape.ts'
import { keyText, toJson } from './assign.ts'
import { decodeJson, ERRORS, JsonError } from './decode.ts'
import { encodeJson } from './encode.ts'
import { isHandle, type JsonArray, type JsonHandle, jsonObject, type JsonValue } from './value.ts'

const fn = declare<undefined>()

/** How far behind its end an array may be set: what lies between becomes null. */
const LARGEST_GAP = 10_000

export const JSON_CONSTANTS = Object.fromEntries(
  Object.entries(ERRORS).map(([name, [code]]) => [`ERROR_${name}`, code]),
)

export const JSON_FUNCTIONS = [
  fn('json.new', [], { result: 'json', tier: 1, doc: 'an empty object' }, (_, __, { wrap }) =>
    wrap(jsonObject()),
  ),
  fn(
    'json.decode',
    [string('text')],
    {
      result: 'json | string | number | boolean | nil, code, error',
      tier: 1,
      doc: 'reads JSON; null is nil, objects and arrays are userdata',
    },
    (_, [text], runtime) => {
      chargeTicks(text.length >> 1)
      try {
        const value = decodeJson(text)
        return value === undefined ? multiple(undefined, 0, 'success') : toLua(value, runtime)
      } catch (error) {
        if (!(error instanceof JsonError)) throw error
        return multiple(undefined, error.code, error.message)
      }
    },
  ),
  fn(
    'json.encode',
    [any('value')],
    {
      result: 'json',
      tier: 1,
      doc: 'an object of a value; tostring() gives its text',
      differs: 'integers are printed without a fraction however large, NaN and infinity as null',
    },
    (_, [value], { wrap }, count) => {
      const made = count === 0 ? jsonObject() : toJson(value)
      return wrap<JsonHandle>(
        isHandle(made) ? made : { kind: 'json', shape: 'scalar', value: made },
      )
    },
  ),
  fn(
    'json.strerror',
    [number('code')],
    { result: 'string', tier: 2, doc: 'the text of an error code' },
    (_, [code]) => Object.values(ERRORS).find(([known]) => known === code)?.[1] ?? 'unknown error',
  ),
  fn(
    'json.free',
    [object<JsonHandle>('object', 'json')],
    { result: 'nil', tier: 2, doc: 'does nothing: memory is freed by itself' },
    () => undefined,
  ),
  fn(
    'json.addref',
    [object<JsonHandle>('object', 'json')],
    { result: 'boolean', tier: 2, doc: 'true: an object lives as long as anything refers to it' },
    () => true,
  ),
]

export const JSON_CLASS: ClassShape<JsonHandle> = {
  kind: 'json',
  className: 'libjson:json_object*',
  prefix: 'json_object',
  methods: [],
  fields: [],
  text: (self) =>
    self.shape === 'scalar' && typeof self.value === 'string' ? self.value : printed(self),
  length: (self) => (self.shape === 'array' ? self.items.length : 0),
  index(self, key, runtime) {
    if (self.shape === 'object') return toLua(self.members.get(keyText(key)), runtime)
    return self.shape === 'array' ? toLua(self.items[place(key) - 1], runtime) : undefined
  },
  newIndex(self, key, value) {
    if (self.shape === 'scalar') {
      throw new LuaCallError('json: cannot assign to this type of json object')
    }
    if (self.shape === 'array') setItem(self, key, value)
    else if (value === undefined) self.members.delete(keyText(key))
    else self.members.set(keyText(key), toJson(value))
  },
  iterate(self, runtime) {
    const entries = entriesOf(self)
    return runtime.newFunction('json.__iter', () => {
      const next = entries.next()
      if (next.done) return undefined
      const [key, value] = next.value
      return multiple(key, toLua(value, runtime))
    })
  },
}

function* entriesOf(self: JsonHandle): Generator<[string | number, JsonValue]> {
  if (self.shape === 'object') yield* self.members
  // A null ends the walk, as a nil does that of a table.
  if (self.shape === 'array') {
    for (const [i, item] of self.items.entries()) {
      if (item === undefined) return
      yield [i + 1, item]
    }
  }
}

function toLua(value: JsonValue, { wrap }: Runtime): LuaValue {
  if (typeof value !== 'object') return value
  return value.kind === 'number' ? value.value : wrap<JsonHandle>(value)
}

function setItem({ items }: JsonArray, key: LuaValue, value: LuaValue): void {
  const at = place(key)
  if (at < 1) {
    throw new LuaCallError('json: lua array semantics are that index operations are 1-based')
  }
  if (value === undefined) throw new LuaCallError('json: cannot delete from json arrays')
  if (at > items.length + LARGEST_GAP) {
    throw new LuaCallError(`json: index ${at} is too far behind the end of the array`)
  }
  const item = toJson(value)
  while (items.length < at - 1) items.push(undefined)
  items[at - 1] = item
}

function place(key: LuaValue): number {
  const at = typeof key === 'string' && key.trim() !== '' ? Number(key) : key
  if (typeof at === 'number' && !Number.isNaN(at)) return Math.trunc(at)
  throw new LuaCallError(`json: json array index must be numeric, not ${typeName(key)}`)
}

function printed(handle: JsonHandle): string {
  try {
    return encodeJson(handle, (octets) => chargeTicks(1 + (octets >> 4)))
  } catch (error) {
    if (error instanceof RangeError) throw new LuaCallError(`json: ${error.message}`)
    throw error
  }
}
