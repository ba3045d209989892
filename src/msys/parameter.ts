// The parameters of the API's functions: names and types as policy authors know them, from which come the
// conversion of values and the errors. A wrong argument raises a Lua error that names function and parameter.
import { LuaCallError } from '../lua/error.ts'
import { numberToText } from '../lua/number.ts'
import { isHandle, type LuaFunction, type LuaTable, type LuaValue, objectIn } from '../lua/value.ts'
import type { ApiObject } from './handle.ts'

export interface Parameter<T> {
  readonly name: string
  readonly expects: string
  /** The converted value; undefined when the value is of another type. */
  read(value: LuaValue): T | undefined
  /** What an absent or nil argument gives; without it the argument is required. */
  readonly absent?: { readonly value: T }
  /** It takes all further arguments and is their array. */
  readonly rest?: true
}

export type Values<P extends readonly Parameter<unknown>[]> = {
  readonly [K in keyof P]: P[K] extends Parameter<infer T> ? T : never
}

/** The values of a call's arguments; further ones are ignored, as everywhere in Lua. */
export function readArguments<const P extends readonly Parameter<unknown>[]>(
  name: string,
  parameters: P,
  args: readonly LuaValue[],
): Values<P> {
  const values = parameters.map((parameter, index) =>
    parameter.rest
      ? args.slice(index).map((value, at) => readArgument(name, parameter, index + at, value))
      : readArgument(name, parameter, index, args[index]),
  )
  return values as unknown as Values<P>
}

/** Numbers are welcome where strings are, as everywhere in Lua. */
export function string(name: string): Parameter<string> {
  return { name, expects: 'string', read: asString }
}

export function number(name: string): Parameter<number> {
  return { name, expects: 'number', read: asNumber }
}

/** @public */
export function boolean(name: string): Parameter<boolean> {
  return {
    name,
    expects: 'boolean',
    read: (value) => (typeof value === 'boolean' ? value : undefined),
  }
}

/** Any value, nil included. */
export function any(name: string): Parameter<LuaValue> {
  return { name, expects: 'value', read: (value) => value, absent: { value: undefined } }
}

export function table(name: string): Parameter<LuaTable> {
  return { name, expects: 'table', read: (value) => (isTable(value) ? value : undefined) }
}

export function func(name: string): Parameter<LuaFunction> {
  return {
    name,
    expects: 'function',
    read: (value) => (isHandle(value, 'function') ? value : undefined),
  }
}

/**
 * An object of the API, by the kind of its class.
 * @public
 */
export function object<T extends ApiObject>(name: string, kind: T['kind']): Parameter<T> {
  return { name, expects: kind, read: (value) => asObject<T>(value, kind) }
}

export function optional<T>(parameter: Parameter<T>, value: T): Parameter<T>
export function optional<T>(parameter: Parameter<T>): Parameter<T | undefined>
export function optional<T>(parameter: Parameter<T>, value?: T): Parameter<T | undefined> {
  return { ...parameter, absent: { value } }
}

/**
 * All further arguments; it must be the last parameter.
 * @public
 */
export function rest<T>(parameter: Parameter<T>): Parameter<readonly T[]> {
  return { ...parameter, rest: true } as unknown as Parameter<readonly T[]>
}

/** The text of a string or number; undefined for anything else. */
export function asString(value: LuaValue): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' ? numberToText(value) : undefined
}

export function isTable(value: LuaValue): value is LuaTable {
  return typeof value === 'object' && 'kind' in value && value.kind === 'table'
}

/** The object of the API behind a value, if it is of that kind. */
export function asObject<T extends ApiObject>(value: LuaValue, kind: T['kind']): T | undefined {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- userdata are made of ApiObjects
  const found = objectIn(value) as ApiObject | undefined
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its kind says so
  return found?.kind === kind ? (found as T) : undefined
}

function asNumber(value: LuaValue): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value !== 'string' || value.trim() === '') return undefined
  const number = Number(value)
  return Number.isNaN(number) ? undefined : number
}

function readArgument(
  name: string,
  parameter: Parameter<unknown>,
  index: number,
  value: LuaValue,
): unknown {
  if (value === undefined && parameter.absent) return parameter.absent.value
  const read = parameter.read(value)
  if (read !== undefined) return read
  throw new LuaCallError(
    `${name}: bad argument #${index + 1} (${parameter.expects} expected, got ${typeName(value)}): ${parameter.name}`,
  )
}

/** How authors call the type of a value; an object of the API by its kind. */
export function typeName(value: LuaValue): string {
  if (value === undefined) return 'nil'
  if (typeof value !== 'object' || !('kind' in value)) return typeof value
  return value.kind === 'userdata'
    ? // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- userdata are made of ApiObjects
      ((objectIn(value) as ApiObject | undefined)?.kind ?? 'userdata')
    : value.kind
}
