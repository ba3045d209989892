// Statements. The engine has the last word on what is a script: this parser reads what it accepts.
import type { Block, Branch, Expression, Statement } from './ast.ts'
import {
  nameOf,
  readExpression,
  readExpressions,
  readFunction,
  readSuffixed,
} from './expression.ts'
import { tokenize } from './lexer.ts'
import { type Reader, readerOf } from './reader.ts'

/** The tree of a script given as a byte string. Raises ParseError. */
export function parse(source: string): Block {
  const reader = readerOf(tokenize(source))
  const block = readBlock(reader)
  if (reader.peek().kind !== 'end') reader.expect('<eof>')
  return block
}

function readBlock(reader: Reader): Block {
  return reader.deeper(() => {
    const statements: Statement[] = []
    for (;;) {
      while (reader.accept(';'));
      if (isBlockEnd(reader)) return statements
      const isReturn = reader.is('return')
      statements.push(readStatement(reader))
      if (isReturn) {
        while (reader.accept(';'));
        return statements
      }
    }
  })
}

function isBlockEnd(reader: Reader): boolean {
  return (
    reader.peek().kind === 'end' ||
    ['end', 'else', 'elseif', 'until'].some((word) => reader.is(word))
  )
}

const STATEMENTS: Readonly<Record<string, (reader: Reader, at: number) => Statement>> = {
  if: readIf,
  while(reader, at) {
    const condition = readExpression(reader, readBlock)
    reader.expect('do')
    return { kind: 'while', at, condition, body: bodyOf(reader) }
  },
  do: (reader, at) => ({ kind: 'do', at, body: bodyOf(reader) }),
  for: readFor,
  repeat(reader, at) {
    const body = readBlock(reader)
    reader.expect('until')
    return { kind: 'repeat', at, body, condition: readExpression(reader, readBlock) }
  },
  function: readFunctionStatement,
  local: readLocal,
  return(reader, at) {
    const isEmpty = isBlockEnd(reader) || reader.is(';')
    return { kind: 'return', at, values: isEmpty ? [] : readExpressions(reader, readBlock) }
  },
  break: (_, at) => ({ kind: 'break', at }),
}

function readStatement(reader: Reader): Statement {
  const { kind, text, at } = reader.peek()
  const read = kind === 'keyword' && Object.hasOwn(STATEMENTS, text) ? STATEMENTS[text] : undefined
  if (read) {
    reader.next()
    return read(reader, at)
  }
  const target = readSuffixed(reader, readBlock)
  if (!reader.is('=') && !reader.is(',')) return { kind: 'expression', at, expression: target }
  const targets: Expression[] = [target]
  while (reader.accept(',')) targets.push(readSuffixed(reader, readBlock))
  reader.expect('=')
  return { kind: 'assign', at, targets, values: readExpressions(reader, readBlock) }
}

function bodyOf(reader: Reader): Block {
  const body = readBlock(reader)
  reader.expect('end')
  return body
}

function readIf(reader: Reader, at: number): Statement {
  const branches: Branch[] = []
  let otherwise: Block | undefined
  do {
    const condition = readExpression(reader, readBlock)
    reader.expect('then')
    branches.push({ condition, body: readBlock(reader) })
  } while (reader.accept('elseif'))
  if (reader.accept('else')) otherwise = readBlock(reader)
  reader.expect('end')
  return { kind: 'if', at, branches, otherwise }
}

function readFor(reader: Reader, at: number): Statement {
  const names = [nameOf(reader)]
  while (reader.accept(',')) names.push(nameOf(reader))
  const isNumeric = reader.accept('=')
  if (!isNumeric) reader.expect('in')
  const values = readExpressions(reader, readBlock)
  reader.expect('do')
  return { kind: 'for', at, names, values, isNumeric, body: bodyOf(reader) }
}

// `function a.b:c() … end` assigns.
function readFunctionStatement(reader: Reader, at: number): Statement {
  let target: Expression = nameOf(reader)
  let isMethod = false
  while (!isMethod && (reader.is('.') || reader.is(':'))) {
    isMethod = reader.next().text === ':'
    const { text, at: keyAt } = reader.name()
    target = {
      kind: 'index',
      at: keyAt,
      object: target,
      key: { kind: 'string', at: keyAt, value: text },
    }
  }
  const value = readFunction(reader, readBlock, { at: target.at, isMethod })
  return { kind: 'assign', at, targets: [target], values: [value] }
}

function readLocal(reader: Reader, at: number): Statement {
  if (reader.accept('function')) {
    const name = nameOf(reader)
    const value = readFunction(reader, readBlock, { at: name.at, isMethod: false })
    return { kind: 'localfunction', at, name, value }
  }
  const names = [nameOf(reader)]
  while (reader.accept(',')) names.push(nameOf(reader))
  const values = reader.accept('=') ? readExpressions(reader, readBlock) : []
  return { kind: 'local', at, names, values }
}
