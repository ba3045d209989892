// What becomes of a value of Lua in JSON: a table with something at 1 is an array up to its first nil, any
// other table an object; a JSON object stands for itself.
import { chargeTicks } from '../../lua/budget.ts'
import { LuaCallError } from '../../lua/error.ts'
import { numberToText } from '../../lua/number.ts'
import { isHandle as isLua, type LuaTable, type LuaValue } from '../../lua/value.ts'
import { asObject, typeName } from '../parameter.ts'
import { type JsonHandle, jsonArray, jsonObject, type JsonValue } from './value.ts'

/** A table can hold itself. */
const DEEPEST = 100
const NEARLY = 1.5e-8
const LARGEST_INT = 2 ** 31

export function toJson(value: LuaValue, depth = 0): JsonValue {
  chargeTicks(1)
  if (typeof value === 'number') return roundOff(value)
  if (value === undefined || typeof value === 'boolean' || typeof value === 'string') return value
  if (isLua(value, 'table')) {
    if (depth === DEEPEST) throw new LuaCallError('json: the table is nested too deeply')
    return fromTable(value, depth)
  }
  const handle = asObject<JsonHandle>(value, 'json')
  if (handle === undefined) {
    throw new LuaCallError(`json: cannot assign values of type ${typeName(value)}`)
  }
  return handle.shape === 'scalar' ? handle.value : handle
}

function fromTable(table: LuaTable, depth: number): JsonValue {
  if (table.get(1) !== undefined) {
    const array = jsonArray()
    for (let item = table.get(1); item !== undefined; item = table.get(array.items.length + 1)) {
      array.items.push(toJson(item, depth + 1))
    }
    return array
  }
  const object = jsonObject()
  for (const [key, item] of table.entries()) {
    object.members.set(keyText(key), toJson(item, depth + 1))
  }
  return object
}

/** A key as it is printed. */
export function keyText(key: LuaValue): string {
  if (typeof key === 'string') return key
  if (typeof key === 'number') return numberToText(key)
  throw new LuaCallError(`json: a key of type ${typeName(key)} cannot be a string`)
}

/** What is nearly an integer is one, as far as an int of C reaches. */
function roundOff(value: number): number {
  const whole = Math.floor(value)
  const isInt = value - whole < NEARLY && value >= -LARGEST_INT && value < LARGEST_INT
  return isInt ? whole : value
}
