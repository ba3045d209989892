// Results and nil: functions that give "" or 0 where a test expects nil, and those that may give nil where
// nothing tests for it. In Lua only nil and false fail a condition.
import { findEntry } from '../catalogue.ts'
import { calledName, valueOf } from '../evaluate.ts'
import type { Variable } from '../facts.ts'
import type { Program, Script } from '../program.ts'
import { type Report, tell } from '../report.ts'
import type { Expression } from '../syntax/ast.ts'

export function checkNil(program: Program, report: Report): void {
  for (const script of program.scripts) {
    const compared = comparedVariables(program, script)
    const look: Look = { program, report, script, compared }
    for (const node of testedExpressions(script)) checkTruth(look, node)
    for (const { node } of script.facts.expressions) {
      if (node.kind === 'binary' && (node.operator === '==' || node.operator === '~=')) {
        if (node.right.kind === 'nil') checkNever(look, node.left, node.at)
        if (node.left.kind === 'nil') checkNever(look, node.right, node.at)
      }
      for (const [used, how] of riskyUses(program, node)) checkMaybe(look, used, how)
    }
  }
}

interface Look {
  readonly program: Program
  readonly report: Report
  readonly script: Script
  readonly compared: ReadonlySet<Variable>
}

/** What decides by being nil or false: conditions and operands of and, or, not. */
function testedExpressions({ facts }: Script): Set<Expression> {
  const found = new Set<Expression>()
  const add = (node: Expression): void => {
    if (node.kind === 'group') add(node.inner)
    else found.add(node)
  }
  for (const { node } of facts.conditions) add(node)
  for (const { node } of facts.expressions) {
    if (node.kind === 'unary' && node.operator === 'not') add(node.operand)
    if (node.kind !== 'binary') continue
    if (node.operator === 'and' || node.operator === 'or') add(node.left)
  }
  return found
}

/** Variables that are also tested in another way: `x ~= ""`, `#x`, `x[1]`. */
function comparedVariables(program: Program, { facts }: Script): ReadonlySet<Variable> {
  const found = new Set<Variable>()
  const add = (node: Expression): void => {
    const variable = node.kind === 'name' ? program.variables.get(node) : undefined
    if (variable) found.add(variable)
  }
  for (const { node } of facts.expressions) {
    if (node.kind === 'unary' && node.operator === '#') add(node.operand)
    if (node.kind === 'index' && node.object.kind === 'name') add(node.object)
    if (node.kind !== 'binary' || !/^(?:[=~]=|[<>]=?)$/.test(node.operator)) continue
    if (node.right.kind !== 'nil') add(node.left)
    if (node.left.kind !== 'nil') add(node.right)
  }
  return found
}

function isComparedOtherwise({ program, compared }: Look, node: Expression): boolean {
  const variable = node.kind === 'name' ? program.variables.get(node) : undefined
  return variable !== undefined && compared.has(variable)
}

/** What a function of the API gives that is neither nil nor false, in words; undefined: it may be. */
function alwaysTrue(
  { program }: Look,
  node: Expression,
): { from: string; empty: string } | undefined {
  const value = valueOf(program, node)
  if (value.kind !== 'data' || value.from === '') return undefined
  const { types, from } = value
  if (types.every((type) => type === 'string')) return { from, empty: '"" when there is nothing' }
  if (types.every((type) => type === '1' || type === '0')) return { from, empty: '0, not false' }
  if (types.every((type) => type === 'number')) return { from, empty: 'a number, and 0 is true' }
  if (types.every((type) => type.endsWith('[]')))
    return { from, empty: 'a table, perhaps an empty one' }
  return undefined
}

function checkTruth(look: Look, node: Expression): void {
  if (isComparedOtherwise(look, node)) return
  const found = alwaysTrue(look, node)
  if (!found) return
  const message = `this is always true: ${found.from} gives ${found.empty}; compare it`
  tell(look.report, 'always-true', [look.script, node.at], message, detailsOf(found.from))
}

function checkNever(look: Look, node: Expression, at: number): void {
  if (isComparedOtherwise(look, node)) return
  const found = alwaysTrue(look, node)
  if (!found) return
  const message = `${found.from} never gives nil: it gives ${found.empty}`
  tell(look.report, 'never-nil', [look.script, at], message, detailsOf(found.from))
}

function detailsOf(name: string) {
  return { name, doc: findEntry(name)?.doc ?? '' }
}

/** Expressions that raise when they are nil, and what is done with them. */
function* riskyUses(program: Program, node: Expression): Generator<readonly [Expression, string]> {
  if (node.kind === 'index') yield [node.object, 'read from']
  if (node.kind === 'unary' && node.operator === '#') yield [node.operand, 'asked for its length']
  if (node.kind === 'binary' && node.operator === '..') {
    yield [node.left, 'joined to text']
    yield [node.right, 'joined to text']
  }
  if (node.kind === 'method') yield [node.object, 'called']
  if (node.kind !== 'call' && node.kind !== 'method') return
  const name = calledName(program, node)
  const [first] = node.arguments
  if (first && name !== undefined && TEXT_FUNCTIONS.test(name)) yield [first, `given to ${name}`]
}

const TEXT_FUNCTIONS = /^string\.(?:byte|find|gmatch|gsub|len|lower|match|rep|reverse|sub|upper)$/

function checkMaybe({ program, report, script }: Look, node: Expression, how: string): void {
  if (node.kind === 'name' && program.variables.get(node)?.isTested !== false) return
  if (node.kind === 'index' && isGuarded(program, node.object)) return
  const value = valueOf(program, node)
  const from = value.kind === 'data' ? value.from : functionName(program, node)
  const mayBeNil =
    value.kind === 'data' ? value.types.includes('nil') : value.kind === 'object' && value.mayBeNil
  if (!mayBeNil || from === '' || isFailure(from, node)) return
  const message = `${from} may give nil here, which raises when it is ${how}; test it first`
  tell(report, 'maybe-nil', [script, node.at], message, detailsOf(from))
}

/** Whether the list that an item comes from is tested somewhere. */
function isGuarded(program: Program, list: Expression): boolean {
  return list.kind === 'name' && program.variables.get(list)?.isTested === true
}

/** Of objects only results count: a field such as `mc.message` is there in almost every callout. */
function functionName(program: Program, node: Expression): string {
  return node.kind === 'call' || node.kind === 'method' ? (calledName(program, node) ?? '') : ''
}

/** nil only where the pattern itself is broken is no case to test for. */
function isFailure(from: string, node: Expression): boolean {
  const result = findEntry(from)?.declaration?.result ?? ''
  return node.kind !== 'index' && /^[^|]+ \| nil, error, offset$/.test(result)
}
