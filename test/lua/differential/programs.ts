// Generated Lua programs that end: loops are bounded, and functions call only what was defined before them.
// `emit` records values; the result is how the program ended and what it recorded.
import fc from 'fast-check'
import { IS_THRLUA } from './reference.ts'
import {
  below,
  call,
  expression,
  expressions,
  pick,
  variable,
  type Draw,
  type Scope,
} from './expressions.ts'

interface Program extends Scope {
  readonly isLoop: boolean
  /** Whether a block may end in `return` or `break`. */
  readonly mayLeave: boolean
}

/** The tokens of a program. */
export const program: fc.Arbitrary<string[]> = fc.gen().map((draw) =>
  block(draw, {
    names: ['a', 'b'],
    functions: [],
    isVararg: true,
    depth: 3,
    isLoop: false,
    mayLeave: true,
  }),
)

/** A snippet that runs a program and gives what it recorded. */
export const programRun = fc
  .tuple(program, fc.nat())
  .map(([tokens, seed]) => `${PROLOGUE}${written(tokens, seed)}\nend, 7, "s") return ok, e, T`)

/** Tokens with blanks between, and now and then a line end, so that errors show their lines. */
export function written(tokens: readonly string[], seed: number): string {
  let state = seed
  return tokens
    .map((token) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return (state >>> 16) % 12 === 0 && token !== '(' ? `\n${token}` : ` ${token}`
    })
    .join('')
}

const PROLOGUE =
  'local emit, T, OBJ, PROXY, CALL = fresh() local ok, e = pcall(function(...) local a, b = 1, "b"\n'

function block(draw: Draw, scope: Program): string[] {
  let inner: Program = { ...scope, depth: scope.depth - 1, mayLeave: true }
  const tokens: string[] = []
  for (let n = 1 + below(draw, 5); n > 0; n--) {
    const [statement, names, functions] = aStatement(draw, inner)
    tokens.push(...statement, pick(draw, ['\n', '\n', ';']))
    inner = {
      ...inner,
      names: [...inner.names, ...names],
      functions: [...inner.functions, ...functions],
    }
  }
  if (!scope.mayLeave) return tokens
  if (below(draw, 6) === 0) tokens.push('return', ...expressions(draw, inner))
  else if (scope.isLoop && below(draw, 5) === 0) tokens.push('break')
  return tokens
}

type Statement = readonly [
  tokens: string[],
  names?: readonly string[],
  functions?: readonly string[],
]

function aStatement(draw: Draw, scope: Program): [string[], readonly string[], readonly string[]] {
  const kind = scope.depth <= 0 ? below(draw, 4) : below(draw, 13)
  const [tokens, names = [], functions = []] = STATEMENTS[kind]?.(draw, scope) ?? [[]]
  return [tokens, names, functions]
}

const STATEMENTS: readonly ((draw: Draw, scope: Program) => Statement)[] = [
  (draw, scope) => [['emit', '(', ...expressions(draw, scope), ')']],
  (draw, scope) => [['emit', '(', ...expressions(draw, scope), ')']],
  (draw, scope) => {
    const targets = [...variable(draw, scope)]
    for (let n = below(draw, 3); n > 0; n--) targets.push(',', ...variable(draw, scope))
    return [[...targets, '=', ...expressions(draw, scope)]]
  },
  (draw, scope) => [call(draw, scope)],
  (draw, scope) => {
    const names = pick(draw, [['c'], ['d', 'c'], ['a'], ['e', 'f', 'd']])
    const values = below(draw, 5) === 0 ? [] : ['=', ...expressions(draw, scope)]
    return [['local', ...names.join(' , ').split(' '), ...values], names]
  },
  (draw, scope) => {
    const tokens = ['if', ...expression(draw, scope), 'then', ...block(draw, scope)]
    if (below(draw, 3) === 0)
      tokens.push('elseif', ...expression(draw, scope), 'then', ...block(draw, scope))
    if (below(draw, 2) === 0) tokens.push('else', ...block(draw, scope))
    return [[...tokens, 'end']]
  },
  (draw, scope) => [['do', ...block(draw, scope), 'end']],
  (draw, scope) => {
    const range = pick(draw, [
      '1 , 3',
      '3 , 1 , -1',
      '0 , 1 , 0.25',
      '"1" , 2',
      '1 , 0',
      'a , 3',
      '1 , b',
      '1 , 2 , nil',
      '1 , 3 , 2',
    ])
    return [
      [
        'for',
        'i',
        '=',
        ...range.split(' '),
        'do',
        ...block(draw, { ...scope, names: [...scope.names, 'i'], isLoop: true }),
        'end',
      ],
    ]
  },
  (draw, scope) => {
    const sources = [
      'ipairs ( { 5 , 6 , nil , 7 } )',
      'string.gmatch ( "ab" , "." )',
      'next , { 3 }',
      'pairs ( { 4 , 5 } )',
      'a',
      'coroutine.wrap ( function ( ) coroutine.yield ( 1 ) coroutine.yield ( 2 , 3 ) end )',
      ...(IS_THRLUA ? ['OBJ', 'PROXY'] : []),
    ]
    return [
      [
        'for',
        'k',
        ',',
        'v',
        'in',
        ...pick(draw, sources).split(' '),
        'do',
        ...block(draw, { ...scope, names: [...scope.names, 'k', 'v'], isLoop: true }),
        'end',
      ],
    ]
  },
  (draw, scope) => [
    [
      'do',
      'local',
      'w',
      '=',
      '0',
      'repeat',
      'w',
      '=',
      'w',
      '+',
      '1',
      'local',
      'u',
      '=',
      'w',
      ...block(draw, { ...scope, mayLeave: false }),
      'until',
      'u',
      '>',
      '2',
      'or',
      ...expression(draw, scope),
      'end',
    ],
  ],
  (draw, scope) => [
    [
      'do',
      'local',
      'w',
      '=',
      '3',
      'while',
      'w',
      '>',
      '0',
      'do',
      'w',
      '=',
      'w',
      '-',
      '1',
      ...block(draw, { ...scope, isLoop: true }),
      'end',
      'end',
    ],
  ],
  (draw, scope) => {
    // Another name at each depth: none may call itself.
    const name = `f${scope.depth}${scope.functions.length}`
    const isVararg = below(draw, 2) === 0
    const uses = isVararg && below(draw, 2) === 0
    const parameters = pick(draw, [[], ['p'], ['p', 'q']])
    const list = [...parameters, ...(isVararg ? ['...'] : [])]
    const names = [...scope.names, ...parameters, ...(isVararg && !uses ? ['arg'] : [])]
    const body = block(draw, { ...scope, names, isVararg: uses, isLoop: false })
    const head = pick(draw, [
      ['local', 'function', name],
      ['local', name, '=', 'function'],
    ])
    return [[...head, '(', ...list.join(' , ').split(' '), ')', ...body, 'end'], [], [name]]
  },
  (draw, scope) => {
    const body = block(draw, { ...scope, isVararg: true, isLoop: false })
    return [
      [
        'local',
        'co',
        '=',
        'coroutine.create',
        '(',
        'function',
        '(',
        '...',
        ')',
        ...body,
        'emit',
        '(',
        'coroutine.yield',
        '(',
        ...expressions(draw, scope),
        ')',
        ')',
        'end',
        ')',
        'emit',
        '(',
        'coroutine.resume',
        '(',
        'co',
        ',',
        '1',
        ',',
        '2',
        ')',
        ')',
        'emit',
        '(',
        'coroutine.resume',
        '(',
        'co',
        ',',
        ...expressions(draw, scope),
        ')',
        ')',
        'emit',
        '(',
        'coroutine.status',
        '(',
        'co',
        ')',
        ')',
      ],
    ]
  },
]
