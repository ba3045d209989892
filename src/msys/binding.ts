// How a binding function declares its arguments, once: names and types as policy authors know them, from
// which come the conversion of values and the errors. A wrong argument raises a Lua error that names the
// function and the parameter.
import type { HostResult } from '../lua/binding.ts'
import { LuaCallError } from '../lua/error.ts'
import { numberToText } from '../lua/number.ts'
import type { LuaTable, LuaValue } from '../lua/value.ts'

export interface Parameter<T> {
  readonly name: string
  readonly expects: string
  /** The converted value; undefined when the value is of another type. */
  read(value: LuaValue): T | undefined
  /** What an absent or nil argument gives; without it the argument is required. */
  readonly absent?: { readonly value: T }
}

type Values<P extends readonly Parameter<unknown>[]> = {
  readonly [K in keyof P]: P[K] extends Parameter<infer T> ? T : never
}

/** A method of an object, or with `Self` void a function of a module. */
export interface Binding<Self> {
  readonly name: string
  call(self: Self, args: readonly LuaValue[]): HostResult
}

/** `name` as policy writes it: `msg:header`, `msys.expandMacro`. `count`: how many arguments were given. */
export function binding<Self, const P extends readonly Parameter<unknown>[]>(
  name: string,
  parameters: P,
  run: (self: Self, values: Values<P>, count: number) => HostResult,
): Binding<Self> {
  const call = (self: Self, args: readonly LuaValue[]): HostResult => {
    const values = parameters.map((parameter, i) => readArgument(name, parameter, i, args[i]))
    return run(self, values as unknown as Values<P>, args.length)
  }
  return { name, call }
}

/** Numbers are welcome where strings are, as everywhere in Lua. */
export function string(name: string): Parameter<string> {
  return { name, expects: 'string', read: asString }
}

export function number(name: string): Parameter<number> {
  return { name, expects: 'number', read: asNumber }
}

/** Any value, nil included. */
export function any(name: string): Parameter<LuaValue> {
  return { name, expects: 'value', read: (value) => value, absent: { value: undefined } }
}

export function table(name: string): Parameter<LuaTable> {
  return { name, expects: 'table', read: (value) => (isTable(value) ? value : undefined) }
}

export function optional<T>(parameter: Parameter<T>, value: T): Parameter<T>
export function optional<T>(parameter: Parameter<T>): Parameter<T | undefined>
export function optional<T>(parameter: Parameter<T>, value?: T): Parameter<T | undefined> {
  return { ...parameter, absent: { value } }
}

/** The text of a string or number; undefined for anything else. */
export function asString(value: LuaValue): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' ? numberToText(value) : undefined
}

export function isTable(value: LuaValue): value is LuaTable {
  return typeof value === 'object' && 'kind' in value && value.kind === 'table'
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
    `bad argument #${index + 1} to '${name}' (${parameter.name}: ${parameter.expects} expected, got ${typeName(value)})`,
  )
}

function typeName(value: LuaValue): string {
  if (value === undefined) return 'nil'
  return typeof value === 'object' && 'kind' in value ? value.kind : typeof value
}
