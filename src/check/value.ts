// What an expression can be known to be without running it. Whatever is not certain is unknown.
import type { Declaration } from '../msys/declaration.ts'
import { fieldTypes, resultTypes } from '../msys/result.ts'
import { objectOf } from './catalogue.ts'
import type { Script } from './program.ts'
import type { FunctionExpression, TableExpression } from './syntax/ast.ts'

export type Value =
  | { readonly kind: 'unknown' }
  /** A module, function or constant of the API or of Lua: `msys.core`, `string.format`. */
  | { readonly kind: 'api'; readonly path: string }
  /** An object of the API: `msg`. A guess goes by the name of a parameter. */
  | {
      readonly kind: 'object'
      readonly prefix: string
      readonly isGuess: boolean
      readonly mayBeNil: boolean
    }
  /** Plain data of one of some types: `string`, `number`, `1`, `nil`, `string[]`. */
  | { readonly kind: 'data'; readonly types: readonly string[]; readonly from: string }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'table'; readonly node: TableExpression }
  | { readonly kind: 'function'; readonly node: FunctionExpression }
  /** What a script gives to those who require it. */
  | { readonly kind: 'module'; readonly script: Script }
  /** A table that `module` has made on the way to a longer name: `inbound`. */
  | { readonly kind: 'namespace'; readonly path: string }
  /** The table of globals. */
  | { readonly kind: 'globals' }

export const UNKNOWN: Value = { kind: 'unknown' }

export function data(types: readonly string[], from = ''): Value {
  return { kind: 'data', types, from }
}

export function object(prefix: string, isGuess = false, mayBeNil = false): Value {
  return { kind: 'object', prefix, isGuess, mayBeNil }
}

/** What a function of the API gives at an index of its results. `from` names it. */
export function valueOfResult(result: string, index: number, from: string): Value {
  const types = resultTypes(result)[index]
  if (!types) return UNKNOWN
  const [type, ...others] = types.filter((one) => one !== 'nil')
  const prefix = type !== undefined && others.length === 0 ? objectOf(type) : undefined
  if (prefix !== undefined) return object(prefix, false, types.includes('nil'))
  return data(types, from)
}

/** What a call of a function of the API gives at an index, with so many arguments. */
export function valueOfApi(
  { name, result, parameters = [] }: Declaration,
  index: number,
  count: number,
): Value {
  const value = valueOfResult(result, index, name)
  const needed = parameters.filter((one) => !one.endsWith('?') && !one.startsWith('...'))
  const isReading = needed.length < parameters.length && count <= needed.length
  if (!isReading || value.kind !== 'data' || value.types.length < 2) return value
  // `string[] | boolean`: reading gives a list, setting whether it was done.
  return data(
    value.types.filter((type) => type !== 'boolean'),
    value.from,
  )
}

/** What a field of some data is: `parts[1]`, `ac.inst.address`. */
export function fieldOfData(value: Extract<Value, { kind: 'data' }>, key: Value): Value {
  const { types, from } = value
  const [type = ''] = types
  if (types.length !== 1 && !types.every((one) => one === 'nil' || one === 'string[]'))
    return UNKNOWN
  if (types.includes('string[]')) return data(['string', 'nil'], from)
  const field = key.kind === 'text' ? fieldTypes(type)?.get(key.text) : undefined
  return field === undefined ? UNKNOWN : valueOfResult(field, 0, from)
}

/** Whether two values are certainly of the same kind, or the same thing. */
export function isSame(a: Value, b: Value): boolean {
  if (a === b) return true
  switch (a.kind) {
    case 'object':
      return b.kind === 'object' && a.prefix === b.prefix
    case 'api':
      return b.kind === 'api' && a.path === b.path
    case 'data':
      return b.kind === 'data' && a.types.join() === b.types.join()
    case 'table':
      return b.kind === 'table' && a.node === b.node
    case 'function':
      return b.kind === 'function' && a.node === b.node
    case 'module':
      return b.kind === 'module' && a.script === b.script
    case 'namespace':
      return b.kind === 'namespace' && a.path === b.path
    case 'globals':
      return b.kind === 'globals'
    case 'text':
      return b.kind === 'text'
    case 'unknown':
      return false
    default:
      return a satisfies never
  }
}
