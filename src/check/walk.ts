// The walk over a script's tree that collects its facts and resolves its names.
import type {
  Facts,
  Definition,
  FieldWrite,
  GlobalWrite,
  Owner,
  Returned,
  Variable,
  Within,
} from './facts.ts'
import type {
  Block,
  Call,
  Expression,
  FunctionExpression,
  Index,
  MethodCall,
  Name,
  Statement,
} from './syntax/ast.ts'

export function factsOf(chunk: Block): Facts {
  const walk: Walk = {
    variables: new Map(),
    globalReads: [],
    globalWrites: [],
    calls: [],
    indexes: [],
    fieldWrites: [],
    functions: [],
    expressions: [],
    conditions: [],
    returns: [],
    scopes: [],
    owner: undefined,
    testing: 0,
  }
  readBlock(walk, chunk)
  return walk
}

interface Walk extends Facts {
  readonly variables: Map<Name, Variable>
  readonly globalReads: Within<Name>[]
  readonly globalWrites: GlobalWrite[]
  readonly calls: Within<Call | MethodCall>[]
  readonly indexes: Within<Index>[]
  readonly fieldWrites: FieldWrite[]
  readonly functions: Within<FunctionExpression>[]
  readonly expressions: Within<Expression>[]
  readonly conditions: Within<Expression>[]
  readonly returns: Within<Returned>[]
  readonly scopes: Map<string, Variable>[]
  owner: Owner
  /** Above 0 while a condition is walked. */
  testing: number
}

function find(walk: Walk, name: string): Variable | undefined {
  for (let at = walk.scopes.length - 1; at >= 0; at--) {
    const found = walk.scopes[at]?.get(name)
    if (found) return found
  }
  return undefined
}

function declare(walk: Walk, node: Name, definition?: Definition, parameter?: number): void {
  const definitions = definition ? [definition] : []
  const { name } = node
  const variable = { name, owner: walk.owner, parameter, definitions, isTested: false }
  walk.variables.set(node, variable)
  walk.scopes.at(-1)?.set(name, variable)
}

function scoped(walk: Walk, run: () => void): void {
  walk.scopes.push(new Map())
  run()
  walk.scopes.pop()
}

function test(walk: Walk, ...list: readonly Expression[]): void {
  walk.testing++
  readAll(walk, list)
  walk.testing--
}

function readAll(walk: Walk, list: readonly Expression[]): void {
  for (const node of list) read(walk, node)
}

function read(walk: Walk, node: Expression): void {
  const { owner } = walk
  walk.expressions.push({ node, owner })
  switch (node.kind) {
    case 'name':
      return readName(walk, node)
    case 'call':
    case 'method':
      return readCall(walk, node)
    case 'index':
      walk.indexes.push({ node, owner })
      return readAll(walk, [node.object, node.key])
    case 'function':
      return readFunction(walk, node)
    case 'table':
      return node.items.forEach(({ key, value }) => readAll(walk, key ? [key, value] : [value]))
    case 'binary':
      return readBinary(walk, node)
    case 'unary':
      return node.operator === 'not' ? test(walk, node.operand) : read(walk, node.operand)
    case 'group':
      return read(walk, node.inner)
    case 'nil':
    case 'true':
    case 'false':
    case 'vararg':
    case 'number':
    case 'string':
      return
    default:
      return node satisfies never
  }
}

function readName(walk: Walk, node: Name): void {
  const variable = find(walk, node.name)
  if (!variable) {
    walk.globalReads.push({ node, owner: walk.owner })
    return
  }
  walk.variables.set(node, variable)
  if (walk.testing > 0) variable.isTested = true
}

function readCall(walk: Walk, node: Call | MethodCall): void {
  walk.calls.push({ node, owner: walk.owner })
  const callee = node.kind === 'call' ? node.callee : node.object
  read(walk, callee)
  const isAssert = node.kind === 'call' && callee.kind === 'name' && callee.name === 'assert'
  if (isAssert) test(walk, ...node.arguments)
  else readAll(walk, node.arguments)
}

function readFunction(walk: Walk, node: FunctionExpression): void {
  const { owner, testing } = walk
  walk.functions.push({ node, owner })
  walk.owner = node
  walk.testing = 0
  scoped(walk, () => {
    node.parameters.forEach((parameter, index) => declare(walk, parameter, undefined, index))
    readBlock(walk, node.body)
  })
  walk.owner = owner
  walk.testing = testing
}

// `a and b` tests a; what is compared for equality is tested, too.
function readBinary(walk: Walk, node: Extract<Expression, { kind: 'binary' }>): void {
  const { operator, left, right } = node
  if (operator === '==' || operator === '~=') return test(walk, left, right)
  if (operator === 'and' || operator === 'or') test(walk, left)
  else read(walk, left)
  read(walk, right)
}

function readCondition(walk: Walk, node: Expression): void {
  walk.conditions.push({ node, owner: walk.owner })
  test(walk, node)
}

function readBlock(walk: Walk, list: Block): void {
  scoped(walk, () => list.forEach((node) => readStatement(walk, node)))
}

function readStatement(walk: Walk, node: Statement): void {
  switch (node.kind) {
    case 'local':
      readAll(walk, node.values)
      return node.names.forEach((one, at) => declare(walk, one, definitionAt(node.values, at)))
    case 'localfunction':
      declare(walk, node.name, { value: node.value, index: 0 })
      return read(walk, node.value)
    case 'assign':
      readAll(walk, node.values)
      return node.targets.forEach((one, at) =>
        assign(walk, one, definitionAt(node.values, at) ?? UNKNOWN),
      )
    case 'expression':
      return read(walk, node.expression)
    case 'return':
      walk.returns.push({ node, owner: walk.owner })
      return readAll(walk, node.values)
    case 'break':
      return
    case 'do':
    case 'while':
    case 'repeat':
    case 'if':
    case 'for':
      return readFlow(walk, node)
    default:
      return node satisfies never
  }
}

type Flow = Extract<Statement, { kind: 'do' | 'while' | 'repeat' | 'if' | 'for' }>

function readFlow(walk: Walk, node: Flow): void {
  switch (node.kind) {
    case 'do':
      return readBlock(walk, node.body)
    case 'while':
      readCondition(walk, node.condition)
      return readBlock(walk, node.body)
    case 'repeat':
      // Its condition sees the locals of its body.
      return scoped(walk, () => {
        node.body.forEach((one) => readStatement(walk, one))
        readCondition(walk, node.condition)
      })
    case 'if':
      for (const { condition, body } of node.branches) {
        readCondition(walk, condition)
        readBlock(walk, body)
      }
      return readBlock(walk, node.otherwise ?? [])
    case 'for':
      readAll(walk, node.values)
      return scoped(walk, () => {
        for (const one of node.names) declare(walk, one, UNKNOWN)
        readBlock(walk, node.body)
      })
    default:
      return node satisfies never
  }
}

function assign(walk: Walk, target: Expression, definition: Definition): void {
  const { owner } = walk
  if (target.kind === 'index') {
    walk.fieldWrites.push({ node: target, owner, definition })
    return readAll(walk, [target.object, target.key])
  }
  if (target.kind !== 'name') return
  const variable = find(walk, target.name)
  if (!variable) walk.globalWrites.push({ node: target, owner, definition })
  else {
    walk.variables.set(target, variable)
    variable.definitions.push(definition)
  }
}

const UNKNOWN: Definition = { value: undefined, index: 0 }

/** What the variable at an index is given: a call at the end of the list gives several values. */
function definitionAt(values: readonly Expression[], index: number): Definition | undefined {
  const value = values[index]
  if (value) return { value, index: 0 }
  const last = values.at(-1)
  if (last?.kind !== 'call' && last?.kind !== 'method') return last && UNKNOWN
  return { value: last, index: index - values.length + 1 }
}
