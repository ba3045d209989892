import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  fieldName,
  fieldValue,
  isFieldName,
  makeField,
  rawValue,
  splitHeader,
} from '../../src/mime/field.ts'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')
const text = (buffer: Buffer): string => buffer.toString('latin1')
const keys = (message: string): string[] => splitHeader(bytes(message)).fields.map(({ key }) => key)

/** Octets that make headers, boundaries and line ends likely. */
const wireBytes = fc
  .array(
    fc.constantFrom(
      '\r\n',
      '\n',
      '\r',
      ':',
      ' ',
      '\t',
      'A',
      'Subject',
      '--b',
      '\0',
      '\xff',
      'x: y',
    ),
    { maxLength: 40 },
  )
  .map((pieces) => bytes(pieces.join('')))
const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((octets) => Buffer.from(octets)),
  wireBytes,
)

describe('splitHeader', () => {
  test('cuts fields with their folding, the empty line and the body', () => {
    const { fields, separator, body } = splitHeader(
      bytes('From: a@b\r\nSUBJECT: one\r\n two\r\n\tthree\r\n\r\nbody\r\n\r\nmore'),
    )
    expect(fields.map((field) => [field.key, text(field.bytes)])).toEqual([
      ['from', 'From: a@b\r\n'],
      ['subject', 'SUBJECT: one\r\n two\r\n\tthree\r\n'],
    ])
    expect(text(separator)).toBe('\r\n')
    expect(text(body)).toBe('body\r\n\r\nmore')
  })

  test.each([
    ['', [], '', ''],
    ['\r\n', [], '\r\n', ''],
    ['\r\nbody', [], '\r\n', 'body'],
    ['\n', [], '\n', ''],
    ['A: b', ['A: b'], '', ''],
    ['A: b\r\n', ['A: b\r\n'], '', ''],
    ['A: b\n\nbody', ['A: b\n'], '\n', 'body'],
    ['A: b\r\n\r', ['A: b\r\n', '\r'], '', ''],
    ['A: b\r\n \r\n\r\nc', ['A: b\r\n \r\n'], '\r\n', 'c'],
    [' folded first\r\nA: b\r\n', [' folded first\r\n', 'A: b\r\n'], '', ''],
  ])('splits %j', (message, fields, separator, body) => {
    const split = splitHeader(bytes(message))
    expect(split.fields.map((field) => text(field.bytes))).toEqual(fields)
    expect([text(split.separator), text(split.body)]).toEqual([separator, body])
  })

  test.each([
    ['From a@b Mon Jan 1\r\nA: b\r\n', ['', 'a']],
    ['no colon\r\n', ['']],
    [': no name\r\n', ['']],
    ['two words: b\r\n', ['']],
    ['\xc4rger: b\r\n', ['']],
    ['Old : b\r\n', ['old']],
    ['A\r\n : b\r\n', ['']],
  ])('gives %j the keys %j', (message, expected) => {
    expect(keys(message)).toEqual(expected)
  })

  test('gives back any bytes', () => {
    fc.assert(
      fc.property(anyBytes, (message) => {
        const { fields, separator, body } = splitHeader(message)
        const joined = Buffer.concat([...fields.map((field) => field.bytes), separator, body])
        expect(joined.equals(message)).toBe(true)
      }),
      { seed: 1, numRuns: 2000 },
    )
  })

  test('takes views of the message and copies nothing', () => {
    const message = bytes('A: b\r\n\r\nbody')
    const { fields, separator, body } = splitHeader(message)
    message.fill('x')
    expect(text(fields[0]?.bytes ?? bytes(''))).toBe('xxxxxx')
    expect(text(separator) + text(body)).toBe('xxxxxx')
  })
})

describe('a field', () => {
  test.each([
    ['Subject: hello\r\n', 'Subject', 'hello', ' hello'],
    ['Subject:hello', 'Subject', 'hello', 'hello'],
    ['X-A:\r\n', 'X-A', '', ''],
    ['X-A:  a  b  \r\n', 'X-A', 'a  b', '  a  b  '],
    ['X-A: a\r\n   b\r\n\t c\r\n', 'X-A', 'a b c', ' a\r\n   b\r\n\t c'],
    ['X-A:\r\n {"a":1}\r\n', 'X-A', '{"a":1}', '\r\n {"a":1}'],
    ['X-A : b\r\n', 'X-A', 'b', ' b'],
    ['X-A: voil\xc3\xa0\r\n', 'X-A', 'voil\xc3\xa0', ' voil\xc3\xa0'],
    ['X-A: a: b\r\n', 'X-A', 'a: b', ' a: b'],
    ['junk\r\n', '', 'junk', 'junk'],
  ])('%j has name, value and raw value', (line, name, value, raw) => {
    const [field] = splitHeader(bytes(line)).fields
    if (!field) throw new Error('no field')
    expect([fieldName(field), fieldValue(field), rawValue(field)]).toEqual([name, value, raw])
  })
})

describe('makeField', () => {
  test.each([
    ['X-A', 'b', 'X-A: b\r\n'],
    ['X-A', '', 'X-A:\r\n'],
    ['X-A', '  b \r\n', 'X-A: b\r\n'],
    ['X-A', 'a\r\nBcc: c@d', 'X-A: a Bcc: c@d\r\n'],
    ['X-A', 'a\nBcc: c@d', 'X-A: a Bcc: c@d\r\n'],
    ['X-A', 'a\rBcc: c@d', 'X-A: a Bcc: c@d\r\n'],
    ['X-A', 'a\r\n\r\nbody', 'X-A: a body\r\n'],
    ['X-A', 'a\0b', 'X-A: a b\r\n'],
    ['X-A', 'a\r\n\t b', 'X-A: a b\r\n'],
    ['X-A', 'gr\xc3\xbcn', 'X-A: gr\xc3\xbcn\r\n'],
    [
      'Subject',
      'one two three four five six seven eight nine ten eleven twelve thirteen fourteen',
      'Subject: one two three four five six seven eight nine ten eleven twelve\r\n' +
        ' thirteen fourteen\r\n',
    ],
    // Two spaces would become one if the line were broken there.
    [
      'X-A',
      `${'a'.repeat(60)} b  ${'c'.repeat(40)}`,
      `X-A: ${'a'.repeat(60)}\r\n b  ${'c'.repeat(40)}\r\n`,
    ],
    ['X-A', 'a'.repeat(200), `X-A: ${'a'.repeat(200)}\r\n`],
    ['X-A', `${'a'.repeat(200)} b`, `X-A: ${'a'.repeat(200)}\r\n b\r\n`],
  ])('%s with %j', (name, value, expected) => {
    expect(text(makeField(name, value).bytes)).toBe(expected)
  })

  test('has the key of its name', () => {
    expect(makeField('X-Msys-API', 'a').key).toBe('x-msys-api')
  })

  test.each(['', 'a b', 'a:', 'a\r\nb', '\xfc', 'a\0', 'x'.repeat(1000)])(
    'refuses the name %j',
    (name) => {
      expect(isFieldName(name)).toBe(false)
      expect(() => makeField(name, 'value')).toThrow(RangeError)
    },
  )

  test('is one field in lines of at most 998 octets, none of them blank, for any value', () => {
    const value = fc.oneof(
      fc.string({
        unit: fc.constantFrom('a', ' ', '\t', '\r', '\n', '\0', '\xff', ':'),
        maxLength: 300,
      }),
      fc
        .array(fc.constantFrom('a'.repeat(990), ' '.repeat(900), 'b '.repeat(50), '\r\nBcc: x'))
        .map((pieces) => pieces.join('')),
    )
    fc.assert(
      fc.property(value, (value) => {
        const field = makeField('X-Name', value)
        const { fields, separator, body } = splitHeader(
          Buffer.concat([field.bytes, bytes('\r\nb')]),
        )
        expect([fields.length, text(separator), text(body)]).toEqual([1, '\r\n', 'b'])
        const lines = text(field.bytes).split('\r\n')
        expect(lines.pop()).toBe('')
        for (const line of lines) {
          expect(line.length).toBeLessThanOrEqual(998)
          expect(line).toMatch(/^[^\r\n\0]*[^ \t\r\n\0][^\r\n\0]*$/)
        }
      }),
      { seed: 2, numRuns: 1000 },
    )
  })

  test('gives back a value of words with single spaces', () => {
    const words = fc.array(
      fc.string({ unit: fc.constantFrom('a', '\xe9', ';', '"'), minLength: 1, maxLength: 90 }),
    )
    fc.assert(
      fc.property(words, (words) => {
        expect(fieldValue(makeField('X-Name', words.join(' ')))).toBe(words.join(' '))
      }),
      { seed: 3, numRuns: 500 },
    )
  })
})
