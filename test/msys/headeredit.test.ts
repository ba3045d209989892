// Any sequence of header edits against a naive list of names and values.
import * as fc from 'fast-check'
import PostalMime from 'postal-mime'
import { expect, test } from 'vitest'
import { decodeWords } from '../../src/mime/encodedword.ts'
import { type Field, fieldName, splitHeader } from '../../src/mime/field.ts'
import { readHeader, writeHeader } from '../../src/msys/headeredit.ts'

const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')

const START = 'Received: by x;\r\n now\r\nSubject: old\r\nX-A: 1\r\nnot a field\r\nx-a: 2'

const value = fc
  .array(
    fc.constantFrom(
      'a',
      'word ',
      'ü',
      '日本',
      '\r\n',
      '\n',
      '\r',
      '\0',
      'Bcc: evil@x.example',
      '\t',
      '"q ü"',
      '<a@b.example>',
      ', ',
      'x'.repeat(90),
      '=?',
      '\r\n\r\n--b',
      ':',
    ),
    { maxLength: 8 },
  )
  .map((pieces) => utf8(pieces.join('')))
const step = fc.record({
  name: fc.constantFrom('X-A', 'x-a', 'Subject', 'X-New', 'RECEIVED'),
  value,
  mode: fc.constantFrom('replace', 'append', 'prepend'),
})

type Model = [name: string, value: string][]

/** What a value is when it is read back: line ends and NUL are one blank, the ends are trimmed. */
function stored(text: string): string {
  const line = text.replace(/[\r\n\0]+[ \t]*/g, ' ').replace(/^[ \t]+|[ \t]+$/g, '')
  return decodeWords(line)
}

function edit(
  model: Model,
  { name, value, mode }: { name: string; value: string; mode: string },
): Model {
  const others = model.filter(([key]) => key !== name.toLowerCase())
  if (value === '') return others
  const entry: Model[number] = [name.toLowerCase(), stored(value)]
  if (mode === 'prepend') return [entry, ...model]
  return mode === 'append' ? [...model, entry] : [...others, entry]
}

const bytesOf = (fields: readonly Field[]): Buffer =>
  Buffer.concat(fields.map(({ bytes }) => bytes))

test('what policy writes it reads back, and nothing else comes into the header', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      let fields = splitHeader(Buffer.from(START)).fields
      let model: Model = [
        ['received', 'by x; now'],
        ['subject', 'old'],
        ['x-a', '1'],
        ['x-a', '2'],
      ]
      for (const { name, value, mode } of steps) {
        fields = writeHeader('test', fields, name, value, mode)
        model = edit(model, { name, value, mode })
      }
      for (const name of ['received', 'subject', 'x-a', 'x-new', 'bcc']) {
        const expected = model.filter(([key]) => key === name).map(([, text]) => text)
        expect(readHeader(fields, name.toUpperCase())).toEqual(expected)
      }
      // Elsewhere too: the header as sent has the same fields in the same order, and no body.
      const sent = bytesOf(fields)
      const reread = splitHeader(Buffer.concat([sent, Buffer.from('\r\n\r\n')]))
      const names = reread.fields.map((field) => fieldName(field).toLowerCase()).filter(Boolean)
      expect(names).toEqual(model.map(([name]) => name))
      expect(sent.toString('latin1')).not.toMatch(/\r(?!\n)|(?<!\r)\n|\0/)
    }),
    { numRuns: 500 },
  )
})

test('an edit leaves the octets of other fields alone', () => {
  fc.assert(
    fc.property(step, (one) => {
      const before = splitHeader(Buffer.from(START)).fields
      const after = writeHeader('test', before, one.name, one.value, one.mode)
      const key = one.name.toLowerCase()
      const kept = (fields: readonly Field[]): string[] =>
        fields.filter((field) => field.key !== key).map(({ bytes }) => bytes.toString().trimEnd())
      expect(kept(after)).toEqual(kept(before))
    }),
  )
})

test('another parser reads the same values', async () => {
  await fc.assert(
    fc.asyncProperty(value, async (text) => {
      // A text with what looks like an encoded word may be read as one.
      fc.pre(!text.includes('=?'))
      const fields = writeHeader('test', [], 'Subject', text, 'replace')
      const mail = await PostalMime.parse(Buffer.concat([bytesOf(fields), Buffer.from('\r\nx')]))
      const plain = (subject: string): string => subject.replace(/\s+/g, ' ').trim()
      expect(plain(mail.subject ?? '')).toBe(plain(Buffer.from(stored(text), 'latin1').toString()))
      expect(mail.bcc ?? []).toEqual([])
    }),
    { numRuns: 200 },
  )
})
