import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../src/config/error.ts'
import { parse, type Include } from '../../src/config/parser.ts'
import type { Scope, Value } from '../../src/config/tree.ts'

const NO_INCLUDE: Include = () => []

function read(text: string): Scope {
  return parse({ file: 'f.conf', text }, NO_INCLUDE)
}

/** A tree without places: plain data to compare with. */
interface Plain {
  readonly options: Readonly<Record<string, unknown>>
  readonly scopes: readonly (Plain & { readonly kind: string; readonly instance?: string })[]
}

function plain(scope: Scope): Plain {
  return {
    options: Object.fromEntries([...scope.options].map(([k, s]) => [k, plainValue(s.value)])),
    scopes: scope.scopes.map((inner) => ({
      kind: inner.kind,
      ...(inner.instance === undefined ? {} : { instance: inner.instance }),
      ...plain(inner),
    })),
  }
}

function plainValue(value: Value): unknown {
  if (value.kind === 'text') return value.text
  if (value.kind === 'list') return value.items.map((item) => item.text)
  return new Map([...value.entries].map(([key, item]) => [key, plainValue(item)]))
}

describe('values', () => {
  test.each<[string, unknown]>([
    ['a = b', 'b'],
    ['a=b', 'b'],
    ['a b', 'b'],
    ['A = B', 'B'],
    ['a = "b c"', 'b c'],
    ['a = \'b "c"\'', 'b "c"'],
    ['a = ""', ''],
    ['a = 127.0.0.0/8', '127.0.0.0/8'],
    ['a = *.example.com', '*.example.com'],
    ['a = user@example.com:25;', 'user@example.com:25;'],
    ['a = b # c', 'b'],
    ['a = b#c', 'b'],
    ['a = /* b */ c', 'c'],
    ['a = b/* c */', 'b'],
    ['a = "b # /* c */"', 'b # /* c */'],
    ['/* a = b\n * c */ a = d', 'd'],
    ['/* /* */ a = b', 'b'],
    [String.raw`a = "\"b\""`, '"b"'],
    [String.raw`a = "b\\c"`, String.raw`b\c`],
    [String.raw`a = "^\w+\.b$"`, String.raw`^\w+\.b$`],
    [String.raw`a = "b\r\n"`, String.raw`b\r\n`],
    [String.raw`a = 'it\'s'`, "it's"],
    [String.raw`a = 'b\"c'`, String.raw`b\"c`],
    [String.raw`a = b\"c"`, undefined],
    ['a = "b\nc"', 'b\nc'],
    ['a = ()', []],
    ['a = ( b c )', ['b', 'c']],
    ['a = (b,c)', ['b', 'c']],
    ['a = (b, "c d",)', ['b', 'c d']],
    ['a ( b )', ['b']],
    ['a\n(\nb\n)', ['b']],
    ['a = []', new Map()],
    ['a = [ b = c ]', new Map([['b', 'c']])],
    [
      'a [ b = c, "d e" = "f" ]',
      new Map([
        ['b', 'c'],
        ['d e', 'f'],
      ]),
    ],
    ['a = [ 10.0.0.1 = (b c) ]', new Map([['10.0.0.1', ['b', 'c']]])],
    ['a = 1 a = 2', '2'],
    ['a = (b) a = (c)', ['c']],
    ['\xef\xbb\xbfa = \xc3\xa4', '\xc3\xa4'],
    ['a = b\r\n', 'b'],
  ])('reads %j', (text, expected) => {
    if (expected === undefined) expect(() => read(text)).toThrow(ConfigError)
    else expect(plain(read(text)).options).toEqual({ a: expected })
  })
})

describe('scopes', () => {
  test.each(['x { a = b }', 'X = { a = b }', 'x{a=b}'])('reads %j', (text) => {
    expect(plain(read(text)).scopes).toEqual([{ kind: 'x', options: { a: 'b' }, scopes: [] }])
  })

  test.each(['Listen ":25" { }', "listen ':25' = {}", 'LISTEN :25 {}', 'listen\n":25"\n{\n}'])(
    'reads the instance of %j',
    (text) => {
      expect(plain(read(text)).scopes).toEqual([
        { kind: 'listen', instance: ':25', options: {}, scopes: [] },
      ])
    },
  )

  test('continues a scope of the same kind and instance where it is opened again', () => {
    const tree = read('d x { a = 1 b = 1 } d y { a = 2 } D x { b = 3 s z {} } d X { }')
    expect(plain(tree).scopes).toEqual([
      {
        kind: 'd',
        instance: 'x',
        options: { a: '1', b: '3' },
        scopes: [{ kind: 's', instance: 'z', options: {}, scopes: [] }],
      },
      { kind: 'd', instance: 'y', options: { a: '2' }, scopes: [] },
      { kind: 'd', instance: 'X', options: {}, scopes: [] },
    ])
  })

  test('tells an option without "=" from a scope by the brace', () => {
    expect(plain(read('a b c d { }'))).toEqual({
      options: { a: 'b' },
      scopes: [{ kind: 'c', instance: 'd', options: {}, scopes: [] }],
    })
  })

  test('keeps the place of every setting', () => {
    const tree = read('a = 1\n  s {\n\t/* \n */ b = (\n  c )\n}')
    expect(tree.options.get('a')!.place).toEqual({ file: 'f.conf', line: 1, column: 1 })
    expect(tree.scopes[0]!.place).toEqual({ file: 'f.conf', line: 2, column: 3 })
    const b = tree.scopes[0]!.options.get('b')!
    expect(b.place).toEqual({ file: 'f.conf', line: 4, column: 5 })
    expect(b.value.kind === 'list' && b.value.items[0]!.place).toEqual({
      file: 'f.conf',
      line: 5,
      column: 3,
    })
  })
})

describe('errors', () => {
  test.each([
    ['a =', 'f.conf:1: unexpected end of file: expected a value for "a"'],
    ['a\nb = 1', 'f.conf:2: expected a value for "a", found "b"'],
    ['a = = b', 'f.conf:1: expected a value for "a", found "="'],
    ['\n= b', 'f.conf:2: expected the name of an option or scope, found "="'],
    ['"a" = b', 'f.conf:1: expected the name of an option or scope, found "a"'],
    ['9a = b', 'f.conf:1: expected the name of an option or scope, found "9a"'],
    ['a = b ; c = d', 'f.conf:1: expected the name of an option or scope, found ";"'],
    ['}', 'f.conf:1: expected an option, a scope or the end of file, found "}"'],
    ['s {\n\n', 'f.conf:3: unexpected end of file: expected "}" to close "s" of line 1'],
    ['a = "b\nc', 'f.conf:1: string without end: expected a closing "'],
    ["\na = 'b", "f.conf:2: string without end: expected a closing '"],
    ['a = b /* c', 'f.conf:1: comment without end: expected */'],
    [
      'a = ( b',
      'f.conf:1: unexpected end of file: expected a word, a string or ")" of the list of line 1',
    ],
    [
      'a = ( b = c )',
      'f.conf:1: expected a word, a string or ")" of the list of line 1, found "="',
    ],
    [
      'a = ( b,, c )',
      'f.conf:1: expected a word, a string or ")" of the list of line 1, found ","',
    ],
    [
      'a = ( ( b ) )',
      'f.conf:1: expected a word, a string or ")" of the list of line 1, found "("',
    ],
    ['a = [ b c ]', 'f.conf:1: expected "=" after the key "b", found "c"'],
    ['a = [ b = ]', 'f.conf:1: expected a value for "b", found "]"'],
    ['a = [ b = [ c = d ] ]', 'f.conf:1: expected a value for "b", found "["'],
    ['a = [ = c ]', 'f.conf:1: expected a key or "]" of the dictionary of line 1, found "="'],
    ['a\n\n= b\0', 'f.conf:3: NUL octet: expected a text file'],
    ['include {', 'f.conf:1: expected the path of a file or folder, found "{"'],
    [
      'a = "b\nc = "d"\ne = f',
      'f.conf:2: string without end: expected a closing " (a string before it began on line 1)',
    ],
  ])('refuses %j', (text, message) => {
    expect(messageOf(() => read(text))).toBe(message)
  })

  test('knows line and column', () => {
    const error = errorOf(() => read('a = 1\n  s { ) }'))
    expect(error.place).toEqual({ file: 'f.conf', line: 2, column: 7 })
  })

  test('refuses scopes that nest deeper than 20', () => {
    expect(() => read(nested(20))).not.toThrow()
    expect(messageOf(() => read(nested(21)))).toBe(
      'f.conf:1: scopes nest too deeply: expected at most 20 levels',
    )
    expect(messageOf(() => read('s {'.repeat(100_000)))).toMatch(/nest too deeply/)
  })
})

describe('properties', () => {
  const pieces = fc.constantFrom(
    'a',
    'include',
    '"',
    "'",
    '\\',
    '{',
    '}',
    '(',
    ')',
    '[',
    ']',
    '=',
    ',',
    '#',
    '/*',
    '*/',
    ' ',
    '\n',
    '\0',
    '\xff',
    'listen',
    '10.0.0.0/8',
  )

  test('throws nothing but ConfigError, with a place inside the file', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(pieces, { maxLength: 60 }).map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(texts, (text) => {
        try {
          read(text)
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error
          expect(error.message.startsWith(`f.conf:${error.place.line}: `)).toBe(true)
          const line = text.split('\n')[error.place.line - 1]!
          expect(error.place.column).toBeGreaterThan(0)
          expect(error.place.column).toBeLessThanOrEqual(line.length + 1)
        }
      }),
      { seed: 20_260_101, numRuns: 3000 },
    )
  })

  test('reads a printed tree back as the same tree', () => {
    fc.assert(
      fc.property(trees(), fc.boolean(), (tree, commas) => {
        expect(plain(read(print(tree, commas)))).toEqual(tree)
      }),
      { seed: 20_260_102, numRuns: 500 },
    )
  })
})

const QUOTED = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`

function print(tree: Plain, commas: boolean): string {
  const joint = commas ? ', ' : ' '
  const value = (v: unknown): string => {
    if (typeof v === 'string') return QUOTED(v)
    if (Array.isArray(v)) return `(${v.map(value).join(joint)})`
    const entries = v instanceof Map ? [...v] : []
    return `[${entries.map(([k, item]) => `${QUOTED(String(k))} = ${value(item)}`).join(joint)}]`
  }
  const options = Object.entries(tree.options).map(([k, v]) => `${k.toUpperCase()} = ${value(v)}`)
  const scopes = tree.scopes.map(
    (s) =>
      `${s.kind} ${s.instance === undefined ? '' : QUOTED(s.instance)} {\n${print(s, commas)}}`,
  )
  return [...options, ...scopes].map((line) => `${line} # x\n`).join('')
}

function trees(): fc.Arbitrary<Plain> {
  const name = fc
    .stringMatching(/^[a-z_][a-z0-9_]{0,5}$/)
    .filter((n) => !/include|__proto__/.test(n))
  const text = fc.string({
    unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
  })
  const list = fc.array(text, { maxLength: 3 })
  const item = fc.oneof(text, list)
  const dictionary = fc.array(fc.tuple(text, item), { maxLength: 3 }).map((pairs) => new Map(pairs))
  const options = fc.dictionary(name, fc.oneof(text, list, dictionary), {
    maxKeys: 4,
    noNullPrototype: true,
  })
  const treeOf = (depth: number): fc.Arbitrary<Plain> => {
    const instance = fc.option(text, { nil: undefined })
    const scope = fc.tuple(name, instance, depth > 0 ? treeOf(depth - 1) : fc.constant(EMPTY))
    const scopes = fc.uniqueArray(scope, {
      maxLength: 3,
      selector: ([kind, given]) => `${kind} ${given}`,
    })
    return fc.record({
      options,
      scopes: scopes.map((all) =>
        all.map(([kind, given, inner]) =>
          given === undefined ? { kind, ...inner } : { kind, instance: given, ...inner },
        ),
      ),
    })
  }
  return treeOf(3)
}

const EMPTY: Plain = { options: {}, scopes: [] }

function nested(levels: number): string {
  return 's {'.repeat(levels) + '}'.repeat(levels)
}

function errorOf(action: () => unknown): ConfigError {
  try {
    action()
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

function messageOf(action: () => unknown): string {
  return errorOf(action).message
}
