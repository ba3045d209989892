// Generated Lua expressions as lists of tokens: every operator next to every other without parentheses, so
// that precedence shows; values of every type, so that errors and coercions do.
import fc, { type GeneratorValue } from 'fast-check'
import { IS_THRLUA, luaLiteral } from './reference.ts'

export type Draw = GeneratorValue

/** What may be named at some place of a program. */
export interface Scope {
  readonly names: readonly string[]
  readonly functions: readonly string[]
  readonly isVararg: boolean
  /** How much deeper expressions and blocks may nest. */
  readonly depth: number
}

export const pick = <T>(draw: Draw, choices: readonly T[]): T =>
  choices[below(draw, choices.length)] as T
export const below = (draw: Draw, limit: number): number => draw(fc.nat, { max: limit - 1 })

const BINARY = ['+', '-', '*', '/', '%', '^', '..', '==', '~=', '<', '<=', '>', '>=', 'and', 'or']
const DIALECT_BINARY = ['&', '|', '^^', '<<', '>>', '\\', '!=']
const UNARY = ['-', 'not', '#', '- -', 'not not']
const DIALECT_UNARY = ['!', '~']
const NUMBERS = [
  '0',
  '1',
  '2',
  '3',
  '7',
  '10',
  '0.5',
  '1e3',
  '.5',
  '3.',
  '0xff',
  '255',
  '1e15',
  '4294967296',
  '100',
]
const STRINGS = ['a', 'b', '10', '0x10', ' 5 ', '', 'x y', '1e1', 'abc', '-3', '\n', '\xe9']
const FIELDS = ['x', 'y', 'n', 'self', 'goto']
const OBJECTS = ['OBJ', 'OBJ', 'PROXY', 'CALL']
export const BINARIES = IS_THRLUA ? [...BINARY, ...BINARY, ...DIALECT_BINARY] : BINARY
export const UNARIES = IS_THRLUA ? [...UNARY, ...UNARY, ...DIALECT_UNARY] : UNARY

export function expression(draw: Draw, scope: Scope): string[] {
  const deeper = { ...scope, depth: scope.depth - 1 }
  if (scope.depth <= 0) return atom(draw, scope)
  switch (below(draw, 12)) {
    case 0:
    case 1:
    case 2:
    case 3: {
      const left = expression(draw, deeper)
      const operator = pick(draw, BINARIES)
      // C leaves it open what a shift by 64 or more gives.
      const right = operator === '<<' || operator === '>>' ? ['3'] : expression(draw, deeper)
      return [...left, operator, ...right]
    }
    case 4:
    case 5:
      return [pick(draw, UNARIES), ...expression(draw, deeper)]
    case 6:
      return ['(', ...expression(draw, deeper), ')']
    case 7:
      return constructor(draw, deeper)
    case 8:
      return call(draw, deeper)
    case 9:
      return [...prefix(draw, scope), ...index(draw, deeper)]
    default:
      return atom(draw, scope)
  }
}

/** A list of expressions with commas between. */
export function expressions(draw: Draw, scope: Scope, most = 3): string[] {
  const list = [...expression(draw, scope)]
  for (let n = below(draw, most); n > 0; n--) list.push(',', ...expression(draw, scope))
  return list
}

/** A call of a library function, a function of the program or a value that may not be callable. */
export function call(draw: Draw, scope: Scope): string[] {
  const args = below(draw, 4) === 0 ? [] : expressions(draw, scope)
  switch (below(draw, 6)) {
    case 0:
      return [...prefix(draw, scope), '(', ...args, ')']
    case 1:
      return [
        ...prefix(draw, scope),
        ':',
        pick(draw, ['upper', 'len', 'rep', 'get', 'x']),
        '(',
        ...args,
        ')',
      ]
    case 2:
      return [
        pick(draw, ['tostring', 'tonumber', 'type', 'rawlength', 'select']),
        '(',
        ...args,
        ')',
      ]
    case 3:
      return [
        'pcall',
        '(',
        ...(scope.functions.length > 0 ? [pick(draw, scope.functions)] : ['error']),
        ',',
        ...expressions(draw, scope),
        ')',
      ]
    case 4:
      return [pick(draw, ['tostring', 'type']), pick(draw, STRINGS.map(luaLiteral))]
    default:
      return scope.functions.length === 0
        ? ['type', '(', ...expression(draw, scope), ')']
        : [pick(draw, scope.functions), '(', ...args, ')']
  }
}

/** What can be assigned to. */
export function variable(draw: Draw, scope: Scope): string[] {
  if (scope.depth <= 0 || below(draw, 3) > 0) return [name(draw, scope)]
  return [...prefix(draw, scope), ...index(draw, { ...scope, depth: scope.depth - 1 })]
}

function prefix(draw: Draw, scope: Scope): string[] {
  switch (below(draw, 8)) {
    case 0:
      return [pick(draw, OBJECTS)]
    case 1:
      return ['(', ...atom(draw, scope), ')']
    case 2:
      return [name(draw, scope), '.', pick(draw, FIELDS)]
    default:
      return [name(draw, scope)]
  }
}

function index(draw: Draw, scope: Scope): string[] {
  return below(draw, 2) === 0 ? ['.', pick(draw, FIELDS)] : ['[', ...expression(draw, scope), ']']
}

function atom(draw: Draw, scope: Scope): string[] {
  switch (below(draw, 10)) {
    case 0:
    case 1:
    case 2:
      return [pick(draw, NUMBERS)]
    case 3:
      return [pick(draw, STRINGS.map(luaLiteral))]
    case 4:
      return [pick(draw, ['nil', 'true', 'false'])]
    case 5:
      return scope.isVararg ? ['...'] : ['nil']
    case 6:
      return [pick(draw, [...OBJECTS, '{}'])]
    default:
      return [name(draw, scope)]
  }
}

function name(draw: Draw, scope: Scope): string {
  return pick(draw, [...scope.names, ...scope.names, 'g1', 'g2', 'goto'])
}

function constructor(draw: Draw, scope: Scope): string[] {
  const fields: string[] = ['{']
  for (let n = below(draw, 4); n > 0; n--) {
    const key = below(draw, 4)
    if (key === 0) fields.push(pick(draw, FIELDS), '=')
    if (key === 1) fields.push('[', ...expression(draw, scope), ']', '=')
    fields.push(...expression(draw, scope), pick(draw, [',', ',', ';']))
  }
  return [...fields, '}']
}
