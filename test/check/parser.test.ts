// The parser against the engine: it reads every script that the engine compiles, as the dialect says.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Expression } from '../../src/check/syntax/ast.ts'
import { tokenize } from '../../src/check/syntax/lexer.ts'
import { parse } from '../../src/check/syntax/parser.ts'
import { openState } from '../../src/lua/state.ts'
import { BUDGET } from '../support/policy.ts'

const ROOT = new URL('../../', import.meta.url).pathname

/** An expression with every pair of parentheses that its structure has. */
function show(node: Expression): string {
  switch (node.kind) {
    case 'binary':
      return `(${show(node.left)} ${node.operator} ${show(node.right)})`
    case 'unary':
      return `(${node.operator} ${show(node.operand)})`
    case 'name':
      return node.name
    case 'number':
      return node.text
    case 'string':
      return JSON.stringify(node.value)
    case 'index':
      return `${show(node.object)}[${show(node.key)}]`
    case 'call':
      return `${show(node.callee)}(${node.arguments.map(show).join(', ')})`
    case 'method':
      return `${show(node.object)}:${node.name}(${node.arguments.map(show).join(', ')})`
    case 'group':
      return show(node.inner)
    default:
      return node.kind
  }
}

function valueOf(text: string): string {
  const [statement] = parse(`return ${text}`)
  const value = statement?.kind === 'return' ? statement.values[0] : undefined
  return value ? show(value) : ''
}

describe('expressions', () => {
  test.each([
    ['1 + 2 * 3', '(1 + (2 * 3))'],
    ['2 ^ 3 ^ 2', '(2 ^ (3 ^ 2))'],
    ['-x ^ 2', '(- (x ^ 2))'],
    ['"a" .. "b" .. c', '("a" .. ("b" .. c))'],
    ['a or b and c', '(a or (b and c))'],
    ['not a == b', '((not a) == b)'],
    ['!a', '(not a)'],
    ['a != b', '(a ~= b)'],
    ['6 & 3 == 2', '((6 & 3) == 2)'],
    ['a | b << 1', '(a | (b << 1))'],
    ['a ^^ b', '(a ^^ b)'],
    ['7 \\ 2', '(7 \\ 2)'],
    ['#t + 1', '((# t) + 1)'],
    ['f"x" {} :m(1)[2].y', 'f("x")(table):m(1)[2]["y"]'],
    ['(f()).x', 'f()["x"]'],
    ['"\\065\\x41\\u0041\\q\\\n"', '"AAAq\\n"'],
    ['[==[\n a]] ]==]', '" a]] "'],
  ])('%s', (text, expected) => {
    expect(valueOf(text)).toBe(expected)
  })
})

describe('tokens', () => {
  test('know where they stand, behind comments, a byte order mark and a first line with #', () => {
    const source = '\u00ef\u00bb\u00bf#!/usr/bin/lua\n--[[ a\n]] x --b\n'
    expect(tokenize(source).map(({ text, at }) => [text, at])).toEqual([
      ['x', source.indexOf('x')],
      ['<eof>', source.length],
    ])
  })
})

interface Probe {
  readonly code: string
}

const PROBES = ['lua-probes.jsonl', 'dialect-probes.jsonl'].flatMap((file) =>
  readFileSync(join(ROOT, 'test/corpus', file), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Probe),
)

test('reads every snippet that the engine compiles', () => {
  const options = { print: () => {}, warn: () => {}, roots: [], budget: BUDGET }
  const state = openState(options)
  let compiled = 0
  for (const { code } of PROBES) {
    try {
      state.load(Buffer.from(code), 'probe')
    } catch {
      continue
    }
    compiled++
    expect(() => parse(Buffer.from(code).toString('latin1')), code).not.toThrow()
  }
  expect(compiled).toBeGreaterThan(300)
})

test.each(['lua', 'policy', 'examples'])('reads the scripts of %s/', (folder) => {
  for (const file of readdirSync(join(ROOT, folder)).filter((name) => name.endsWith('.lua'))) {
    expect(parse(readFileSync(join(ROOT, folder, file), 'latin1')).length).toBeGreaterThan(0)
  }
})
