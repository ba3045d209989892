// Expressions: precedence climbing over the dialect's operators.
import type { Block, Expression, FunctionExpression, Name, TableItem } from './ast.ts'
import { ParseError, type Reader } from './reader.ts'

/** How tightly an operator binds to its left and right; bitwise ones bind as + and * (thrLua). */
const BINDING: Readonly<Record<string, readonly [left: number, right: number]>> = {
  or: [1, 1], and: [2, 2],
  '<': [3, 3], '>': [3, 3], '<=': [3, 3], '>=': [3, 3], '==': [3, 3], '~=': [3, 3], '!=': [3, 3],
  '..': [9, 8],
  '+': [10, 10], '-': [10, 10], '&': [10, 10], '|': [10, 10], '^^': [10, 10],
  '*': [11, 11], '/': [11, 11], '%': [11, 11], '\\': [11, 11], '<<': [11, 11], '>>': [11, 11],
  '^': [14, 13],
} // prettier-ignore
const UNARY = new Set(['not', '!', '-', '#', '~'])
const UNARY_BINDING = 12

export type ReadBlock = (reader: Reader) => Block

export function readExpression(reader: Reader, block: ReadBlock, limit = 0): Expression {
  return reader.deeper(() => {
    let left = readOperand(reader, block)
    for (let links = 0; ; links++) {
      assertShort(reader, links)
      const operator = reader.peek()
      const [binds, right] = operatorAt(reader) ?? [0, 0]
      if (binds <= limit) return left
      reader.next()
      const { text, at } = operator
      left = {
        kind: 'binary',
        at,
        operator: text === '!=' ? '~=' : text,
        left,
        right: readExpression(reader, block, right),
      }
    }
  })
}

export function readExpressions(reader: Reader, block: ReadBlock): Expression[] {
  const list = [readExpression(reader, block)]
  while (reader.accept(',')) list.push(readExpression(reader, block))
  return list
}

/** A name, or something in parentheses, and what is called on and read from it. */
export function readSuffixed(reader: Reader, block: ReadBlock): Expression {
  const { at } = reader.peek()
  let value: Expression
  if (reader.accept('(')) {
    value = { kind: 'group', at, inner: readExpression(reader, block) }
    reader.expect(')')
  } else value = nameOf(reader)
  for (let links = 0; ; links++) {
    assertShort(reader, links)
    const suffixed = readSuffix(reader, block, value)
    if (!suffixed) return value
    value = suffixed
  }
}

/** Parameters and body, behind the keyword `function` and a name. */
export function readFunction(
  reader: Reader,
  block: ReadBlock,
  { at, isMethod }: { readonly at: number; readonly isMethod: boolean },
): FunctionExpression {
  const parameters: Name[] = isMethod ? [{ kind: 'name', at, name: 'self' }] : []
  let isVararg = false
  reader.expect('(')
  while (!reader.is(')')) {
    if (reader.accept('...')) isVararg = true
    else parameters.push(nameOf(reader))
    if (!reader.accept(',')) break
  }
  reader.expect(')')
  const body = block(reader)
  const end = reader.expect('end').at
  return { kind: 'function', at, parameters, isVararg, isMethod, body, end }
}

export function nameOf(reader: Reader): Name {
  const { text, at } = reader.name()
  return { kind: 'name', at, name: text }
}

/** `1 + 1 + 1 …` is a tree that is as deep as it is long, and trees are walked by recursion. */
function assertShort(reader: Reader, links: number): void {
  if (links > LONGEST_CHAIN) throw new ParseError('an expression is too long', reader.peek().at)
}

const LONGEST_CHAIN = 1000

function operatorAt(reader: Reader): readonly [number, number] | undefined {
  const { kind, text } = reader.peek()
  return kind === 'symbol' || kind === 'keyword' ? BINDING[text] : undefined
}

function readOperand(reader: Reader, block: ReadBlock): Expression {
  const { kind, text, at } = reader.peek()
  if ((kind === 'symbol' || kind === 'keyword') && UNARY.has(text)) {
    reader.next()
    const operator = text === '!' ? 'not' : text
    return { kind: 'unary', at, operator, operand: readExpression(reader, block, UNARY_BINDING) }
  }
  if (kind === 'number') return { kind, at, text: reader.next().text }
  if (kind === 'string') return { kind, at, value: reader.next().text }
  if (kind === 'keyword' && (text === 'nil' || text === 'true' || text === 'false')) {
    reader.next()
    return { kind: text, at }
  }
  if (reader.accept('...')) return { kind: 'vararg', at }
  if (reader.accept('function')) return readFunction(reader, block, { at, isMethod: false })
  if (reader.is('{')) return readTable(reader, block)
  return readSuffixed(reader, block)
}

function readSuffix(reader: Reader, block: ReadBlock, object: Expression): Expression | undefined {
  const { kind, at } = reader.peek()
  if (reader.accept('.')) {
    const { text, at: keyAt } = reader.name()
    return { kind: 'index', at: keyAt, object, key: { kind: 'string', at: keyAt, value: text } }
  }
  if (reader.accept('[')) {
    const key = readExpression(reader, block)
    reader.expect(']')
    return { kind: 'index', at: key.at, object, key }
  }
  if (reader.accept(':')) {
    const { text, at: nameAt } = reader.name()
    const args = readArguments(reader, block)
    return { kind: 'method', at: nameAt, object, name: text, arguments: args }
  }
  if (kind !== 'string' && !reader.is('(') && !reader.is('{')) return undefined
  return {
    kind: 'call',
    at: placeOf(object, at),
    callee: object,
    arguments: readArguments(reader, block),
  }
}

// A call stands where the name of what is called does.
function placeOf(callee: Expression, fallback: number): number {
  return callee.kind === 'name' || callee.kind === 'index' ? callee.at : fallback
}

function readArguments(reader: Reader, block: ReadBlock): Expression[] {
  const { kind, text, at } = reader.peek()
  if (kind === 'string') {
    reader.next()
    return [{ kind, at, value: text }]
  }
  if (reader.is('{')) return [readTable(reader, block)]
  reader.expect('(')
  const list = reader.is(')') ? [] : readExpressions(reader, block)
  reader.expect(')')
  return list
}

function readTable(reader: Reader, block: ReadBlock): Expression {
  const { at } = reader.expect('{')
  const items: TableItem[] = []
  while (!reader.is('}')) {
    items.push(readItem(reader, block))
    if (!reader.accept(',') && !reader.accept(';')) break
  }
  reader.expect('}')
  return { kind: 'table', at, items }
}

function readItem(reader: Reader, block: ReadBlock): TableItem {
  if (reader.accept('[')) {
    const key = readExpression(reader, block)
    reader.expect(']')
    reader.expect('=')
    return { key, value: readExpression(reader, block) }
  }
  const value = readExpression(reader, block)
  if (value.kind !== 'name' || !reader.accept('=')) return { key: undefined, value }
  const key: Expression = { kind: 'string', at: value.at, value: value.name }
  return { key, value: readExpression(reader, block) }
}
