// Finds out what an expression is: follows locals, parameters, globals, fields, `require` and results.
import type { Argument } from '../policy/phases.ts'
import { findEntry, findLibrary, isModule, isNamespace, suggest } from './catalogue.ts'
import type { Definition, Variable } from './facts.ts'
import { fieldsOf, type Program, type Script } from './program.ts'
import type { Call, Expression, FunctionExpression, Index, MethodCall, Name } from './syntax/ast.ts'
import {
  data,
  fieldOfData,
  isSame,
  object,
  UNKNOWN,
  type Value,
  valueOfApi,
  valueOfResult,
} from './value.ts'

export function valueOf(program: Program, node: Expression): Value {
  const found = program.known.get(node)
  if (found) return found
  // What depends on itself is unknown.
  program.known.set(node, UNKNOWN)
  const value = evaluate(program, node)
  program.known.set(node, value)
  return value
}

/** What several definitions have in common. */
export function valueOfAll(program: Program, definitions: readonly Definition[]): Value {
  const [first, ...others] = definitions.map((one) => valueOfDefinition(program, one))
  if (!first) return UNKNOWN
  return others.every((one) => isSame(one, first)) ? first : UNKNOWN
}

/** A field of a value; undefined: nobody knows whether it is there. */
export function fieldOf(program: Program, value: Value, key: Value): Value {
  switch (value.kind) {
    case 'api':
      return key.kind === 'text' ? memberNear(`${value.path}.${key.text}`) : UNKNOWN
    case 'object': {
      if (key.kind !== 'text') return UNKNOWN
      const name = `${value.prefix}.${key.text}`
      const entry = findEntry(name)
      if (entry?.declaration) return valueOfResult(entry.declaration.result, 0, name)
      const method = `${value.prefix}:${key.text}`
      return findEntry(method) ? { kind: 'api', path: method } : UNKNOWN
    }
    case 'data':
      return fieldOfData(value, key)
    case 'table':
    case 'module': {
      const holder = value.kind === 'table' ? value.node : value.script
      const definitions = key.kind === 'text' ? fieldsOf(program, holder).get(key.text) : undefined
      return definitions ? valueOfAll(program, definitions) : UNKNOWN
    }
    case 'namespace':
      return key.kind === 'text' ? namespaceAt(program, `${value.path}.${key.text}`) : UNKNOWN
    case 'globals':
      return key.kind === 'text' ? valueOfGlobal(program, key.text, undefined) : UNKNOWN
    case 'unknown':
    case 'text':
    case 'function':
      return UNKNOWN
    default:
      return value satisfies never
  }
}

/** The function that a call runs, if it stands in a script, and its arguments, `self` first. */
export function calledFunction(
  program: Program,
  node: Call | MethodCall,
): { readonly node: FunctionExpression; readonly arguments: readonly Expression[] } | undefined {
  if (node.kind === 'call') {
    const callee = valueOf(program, node.callee)
    return callee.kind === 'function' ? { node: callee.node, arguments: node.arguments } : undefined
  }
  const callee = methodOf(program, node)
  return callee.kind === 'function'
    ? { node: callee.node, arguments: [node.object, ...node.arguments] }
    : undefined
}

/** The name of the function of the API or of Lua that a call runs: `msg:header`, `string.format`. */
export function calledName(program: Program, node: Call | MethodCall): string | undefined {
  if (node.kind === 'call') {
    const callee = valueOf(program, node.callee)
    return callee.kind === 'api' ? callee.path : undefined
  }
  const target = valueOf(program, node.object)
  if (target.kind === 'api') return `${target.path}.${node.name}`
  return target.kind === 'object' ? `${target.prefix}:${node.name}` : undefined
}

function evaluate(program: Program, node: Expression): Value {
  switch (node.kind) {
    case 'name':
      return valueOfName(program, node)
    case 'index':
      return valueOfIndex(program, node)
    case 'call':
    case 'method':
      return valueOfCall(program, node, 0)
    case 'group':
      return valueOf(program, node.inner)
    case 'binary':
      return valueOfBinary(program, node.operator, node.left, node.right)
    case 'unary':
      return data([node.operator === 'not' ? 'boolean' : 'number'])
    case 'table':
      return { kind: 'table', node }
    case 'function':
      return { kind: 'function', node }
    case 'string':
      return { kind: 'text', text: node.value }
    case 'number':
      return data(['number'])
    case 'true':
    case 'false':
      return data(['boolean'])
    case 'nil':
      return data(['nil'])
    case 'vararg':
      return UNKNOWN
    default:
      return node satisfies never
  }
}

function valueOfName(program: Program, node: Name): Value {
  const variable = program.variables.get(node)
  if (!variable) return valueOfGlobal(program, node.name, program.scriptOfGlobal.get(node))
  return valueOfVariable(program, variable)
}

function valueOfVariable(program: Program, variable: Variable): Value {
  const { owner, parameter, definitions } = variable
  if (parameter === undefined || !owner) return valueOfAll(program, definitions)
  return definitions.length > 0 ? UNKNOWN : valueOfParameter(program, owner, parameter)
}

function valueOfGlobal(program: Program, name: string, script: Script | undefined): Value {
  const own = script?.module && fieldsOf(program, script).get(name)
  if (own) return valueOfAll(program, own)
  if (name === '_G') return { kind: 'globals' }
  if (name === '_M' && script?.module) return { kind: 'module', script }
  const definitions = program.globals.get(name)
  if (definitions) return valueOfAll(program, definitions)
  const member = memberOf(name)
  return member.kind === 'unknown' ? namespaceAt(program, name) : member
}

function memberOf(path: string): Value {
  const isKnown = isNamespace(path) || findEntry(path) !== undefined || findLibrary(path)
  return isKnown ? { kind: 'api', path } : UNKNOWN
}

/** What is misspelt gives what was meant, so that the next mistake shows, too. */
function memberNear(path: string): Value {
  const member = memberOf(path)
  return member.kind === 'unknown' ? memberOf(suggest(path) ?? '') : member
}

// `module("a.b")` makes a global `a` with a field `b`.
function namespaceAt(program: Program, path: string): Value {
  const script = program.modules.get(path)
  if (script?.module?.name === path) return { kind: 'module', script }
  for (const { module } of program.scripts) {
    if (module?.name.startsWith(`${path}.`)) return { kind: 'namespace', path }
  }
  return UNKNOWN
}

/** The values of phases' arguments; others are plain data or unknown. */
const ARGUMENTS: Partial<Readonly<Record<Argument, Value>>> = {
  msg: object('msg'),
  ac: object('ac'),
  vctx: object('vctx'),
  mc: object('mc'),
  str: object('str'),
  list_node: object('list_node'),
  response: object('str'),
}

/** Names that authors give to what they are given: a guess where nothing else is known. */
const CUSTOMARY: Readonly<Record<string, string>> = {
  msg: 'msg',
  vctx: 'vctx',
  ac: 'ac',
  accept: 'ac',
}

function valueOfParameter(program: Program, owner: FunctionExpression, index: number): Value {
  if (index === 0 && owner.parameters[0]?.name === 'self') return selfOf(program, owner)
  const callout = program.callouts.get(owner)
  if (callout) {
    // A callout that is not defined by a colon gets `self` all the same.
    const argument = callout.phase.arguments[index - 1]
    return (argument && ARGUMENTS[argument]) ?? UNKNOWN
  }
  const callers = program.callers.get(owner) ?? []
  const given = callers.map(({ arguments: list }) => {
    const argument = list[index]
    return argument ? valueOf(program, argument) : UNKNOWN
  })
  const [first] = given
  if (first && given.every((one) => isSame(one, first)) && first.kind !== 'unknown') return first
  const isOther = given.some(({ kind }) => kind !== 'unknown' && kind !== 'object')
  const prefix = CUSTOMARY[owner.parameters[index]?.name ?? '']
  return prefix === undefined || isOther ? UNKNOWN : object(prefix, true)
}

function selfOf(program: Program, owner: FunctionExpression): Value {
  const holder = program.holders.get(owner)
  if (!holder) return UNKNOWN
  return 'file' in holder ? { kind: 'module', script: holder } : { kind: 'table', node: holder }
}

function valueOfDefinition(program: Program, { value, index }: Definition): Value {
  if (!value) return UNKNOWN
  if (value.kind !== 'call' && value.kind !== 'method') {
    return index === 0 ? valueOf(program, value) : UNKNOWN
  }
  return index === 0 ? valueOf(program, value) : valueOfCall(program, value, index)
}

function valueOfIndex(program: Program, node: Index): Value {
  const key = node.key.kind === 'number' ? data(['number']) : valueOf(program, node.key)
  return fieldOf(program, valueOf(program, node.object), key)
}

function methodOf(program: Program, node: MethodCall): Value {
  return fieldOf(program, valueOf(program, node.object), { kind: 'text', text: node.name })
}

function valueOfCall(program: Program, node: Call | MethodCall, index: number): Value {
  const name = calledName(program, node)
  const [first] = node.arguments
  if (name === 'require') return index === 0 && first ? requiredBy(program, first) : UNKNOWN
  if (name === 'pcall' || name === 'xpcall') return valueOfProtected(program, node, index)
  if (name === 'setmetatable' && first) return valueOf(program, first)
  if (name === 'tostring' || name === 'string.format') return data(['string'])
  if (name !== undefined) {
    const declaration = findEntry(name)?.declaration
    if (!declaration || declaration.support === 'unavailable') return UNKNOWN
    return valueOfApi(declaration, index, node.arguments.length)
  }
  const called = calledFunction(program, node)
  return called ? valueOfReturns(program, called.node, index) : UNKNOWN
}

function requiredBy(program: Program, argument: Expression): Value {
  const name = valueOf(program, argument)
  if (name.kind !== 'text') return UNKNOWN
  const script = program.modules.get(name.text.replaceAll('/', '.'))
  if (script) return { kind: 'module', script }
  return isModule(name.text) ? { kind: 'api', path: name.text } : UNKNOWN
}

// `pcall(require, "x")` gives the module second.
function valueOfProtected(program: Program, node: Call | MethodCall, index: number): Value {
  if (index === 0) return data(['boolean'])
  const [run, argument] = node.arguments
  const called = run && valueOf(program, run)
  const isRequire = called?.kind === 'api' && called.path === 'require'
  return isRequire && argument && index === 1 ? requiredBy(program, argument) : UNKNOWN
}

function valueOfReturns(program: Program, node: FunctionExpression, index: number): Value {
  const script = program.scriptOfFunction.get(node)
  const returns = script?.facts.returns.filter(({ owner }) => owner === node) ?? []
  const values = returns.map(({ node: { values: list } }) => list[index])
  const definitions = values.flatMap((value) => (value ? [{ value, index: 0 }] : []))
  return definitions.length === values.length ? valueOfAll(program, definitions) : UNKNOWN
}

function valueOfBinary(
  program: Program,
  operator: string,
  left: Expression,
  right: Expression,
): Value {
  if (operator === '..') return data(['string'])
  if (operator === 'or') {
    const [first, second] = [valueOf(program, left), valueOf(program, right)]
    return isSame(first, second) || second.kind === 'api' ? second : UNKNOWN
  }
  if (operator === 'and') return UNKNOWN
  return data([/^(?:[<>]=?|[=~]=)$/.test(operator) ? 'boolean' : 'number'])
}
