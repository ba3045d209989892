// Syntax errors of files: Lua's own text first, then the column, then what copying has done.
import { expect, test } from 'vitest'
import { LuaError } from '../../src/lua/error.ts'
import { testHost } from './host.ts'

const COPIED = 'it was probably copied from a web page or a word processor'

function problem(source: string | Buffer): LuaError {
  try {
    testHost().state.load(Buffer.from(source), 'a.lua')
  } catch (error) {
    if (error instanceof LuaError) return error
  }
  throw new Error('it compiled')
}

test.each([
  ['x = = 1', "a.lua:1: unexpected symbol near '=' at column 5"],
  ['local x = 5 // 2', "a.lua:1: unexpected symbol near '/' at column 14"],
  ['\n\n  if x then', "a.lua:3: 'end' expected near '<eof>' at column 12"],
  ['f(1,\r\n\t2 3)', "a.lua:2: ')' expected (to close '(' at line 1) near '3' at column 4"],
  ['x = 08', "a.lua:1: malformed number near '08' at column 5"],
  ['x = "abc', "a.lua:1: unfinished string near '<eof>' at column 5"],
  ['x = "abc\n', `a.lua:1: unfinished string near '"abc' at column 5`],
  ['x = "é" y', "a.lua:1: '=' expected near '<eof>' at column 10"],
  ['a, x.y z', "a.lua:1: '=' expected near 'z' at column 8"],
  ['\n x = [[abc\n\n', "a.lua:4: unfinished long string near '<eof>' (from line 2 column 6)"],
  ['x = {\n1 2 }', "a.lua:2: '}' expected (to close '{' at line 1) near '2' at column 3"],
  ['#!/usr/bin/lua\nx x', "a.lua:2: '=' expected near 'x' at column 3"],
])('%j', (source, message) => {
  expect(Buffer.from(problem(source).message, 'latin1').toString()).toBe(message)
})

test('has place and column as fields', () => {
  expect(problem('\nlocal = 1')).toMatchObject({
    script: 'a.lua',
    line: 2,
    column: 7,
    kind: 'syntax',
  })
})

test.each([
  ['local x =\u00a01', 'near a no-break space (U+00A0) at column 10', 'a plain space is meant'],
  [
    'print(\u201chello\u201d)',
    'near a left double quotation mark (U+201C) at column 7',
    "Lua's quotes are \" and '",
  ],
  [
    'print(\u2018hello\u2019)',
    'near a left single quotation mark (U+2018) at column 7',
    'quotes are',
  ],
  ['x = 5 \u2013 3', 'near an en dash (U+2013) at column 7', 'a minus, or -- for a comment'],
  ['\u2014 a comment', 'near an em dash (U+2014) at column 1', 'a minus, or -- for a comment'],
  ['lo\u200bcal x', 'near a zero-width space (U+200B) at column 3', 'remove it'],
  ['x = 1\n\ufeffy = 2', 'near a byte order mark (U+FEFF) at column 1', 'remove it'],
  ['f(a, \u2026)', 'near an ellipsis (U+2026) at column 6', '... is meant'],
])('names the damage in %j', (source, place, advice) => {
  const { message } = problem(source)
  expect(message).toMatch(/^a\.lua:\d: .* near /)
  expect(message).toContain(`${place}; ${COPIED}`)
  expect(message).toContain(advice)
})

test.each([
  [
    Buffer.from('x =\xa01', 'latin1'),
    'near a no-break space (0xA0) at column 4; it was probably copied',
  ],
  [Buffer.from('f(\x93a\x94)', 'latin1'), 'near a left double quotation mark (0x93) at column 3'],
  [Buffer.from('x = \xe9', 'latin1'), 'near an octet (0xE9) at column 5; the file is not UTF-8'],
  ['x = é', 'near a character (U+00E9) at column 5; only strings and comments may hold it'],
  [
    Buffer.from('\ufeffx = 1', 'utf16le'),
    'near a UTF-16 byte order mark at column 1; save the file as UTF-8',
  ],
  [
    'print("hello\u201d)\n',
    'at column 7; the string holds a right double quotation mark, which does not end it',
  ],
  ['if a &lt; b then end', '; &lt; in this line is HTML, probably from a web page'],
  [
    '-- sets the binding of every\nmessage that goes out\nx = 1',
    "near 'that' at column 9; the line above is a comment, which may have been wrapped",
  ],
  [
    "x = 1 -- we don't do\nthis, because it's wrong\n",
    'the line above is a comment, which may have been wrapped',
  ],
])('explains %j', (source, explanation) => {
  expect(problem(source).message).toContain(explanation)
})

test.each(['-- a comment\nx = = 1', '-- a comment\nfoo(1 2)', '-- a comment\nlocal x y'])(
  'suspects no wrapped comment in %j',
  (source) => expect(problem(source).message).not.toContain('comment, which'),
)

test('loadstring says what Lua says', () => {
  expect(testHost().run('return loadstring("x = = 1", "=c")')).toEqual([
    undefined,
    "c:1: unexpected symbol near '='",
  ])
})
