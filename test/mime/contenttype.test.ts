import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseContentType, parseDisposition } from '../../src/mime/contenttype.ts'

const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')
const plain = ({ parameters }: ReturnType<typeof parseDisposition | typeof parseContentType>) =>
  Object.fromEntries(parameters)

test.each([
  [undefined, 'text/plain', {}],
  ['', 'text/plain', {}],
  ['text', 'text/plain', {}],
  ['text/', 'text/plain', {}],
  ['; charset=utf-8', 'text/plain', { charset: 'utf-8' }],
  ['TEXT/HTML; Charset="UTF-8"', 'text/html', { charset: 'UTF-8' }],
  ['text/html;charset=utf-8', 'text/html', { charset: 'utf-8' }],
  ['text/html charset=utf-8', 'text/html', { charset: 'utf-8' }],
  ['text/html; charset = utf-8 ; x=y', 'text/html', { charset: 'utf-8', x: 'y' }],
  ['(c) text/html (d(e)\\)); charset=utf-8 (really)', 'text/html', { charset: 'utf-8' }],
  ['text/html; charset="utf-8" (really); a=b', 'text/html', { charset: 'utf-8', a: 'b' }],
  ['text/html;; ;charset=a;', 'text/html', { charset: 'a' }],
  ['text/html; charset=a; charset=b', 'text/html', { charset: 'a' }],
  ['text/html; charset', 'text/html', {}],
  ['text/html; =x; a=b', 'text/html', { a: 'b' }],
  ['multipart/mixed; boundary=a=b=', 'multipart/mixed', { boundary: 'a=b=' }],
  ['multipart/mixed; BOUNDARY="==a;b=="', 'multipart/mixed', { boundary: '==a;b==' }],
  ['multipart/mixed; boundary="a\\"b\\\\c"', 'multipart/mixed', { boundary: 'a"b\\c' }],
  ['multipart/mixed; boundary="never closed', 'multipart/mixed', { boundary: 'never closed' }],
  ['multipart/mixed; boundary="a\\', 'multipart/mixed', { boundary: 'a' }],
  ["multipart/mixed; boundary=a'()+_,-./:=?", 'multipart/mixed', { boundary: "a'()+_,-./:=?" }],
  ['application/x; name=my file (1).pdf', 'application/x', { name: 'my file (1).pdf' }],
])('reads %j', (value, type, parameters) => {
  const result = parseContentType(value)
  expect([result.type, plain(result)]).toEqual([type, parameters])
})

test.each([
  [undefined, '', {}],
  ['ATTACHMENT', 'attachment', {}],
  ['inline; filename="a b.txt"', 'inline', { filename: 'a b.txt' }],
  ['attachment; filename=voil\xc3\xa0', 'attachment', { filename: 'voil\xc3\xa0' }],
  ["attachment; filename*=utf-8''%e2%82%ac%20rates", 'attachment', { filename: utf8('€ rates') }],
  ["attachment; filename*=iso-8859-1'en'%A3", 'attachment', { filename: utf8('£') }],
  ['attachment; filename*0="a"; filename*1=b; filename*2=c', 'attachment', { filename: 'abc' }],
  ['attachment; filename*1=b; filename*0=a; filename*3=d', 'attachment', { filename: 'ab' }],
  [
    "attachment; filename*0*=utf-8''%e2; filename*1*=%82%ac; filename*2=%41",
    'attachment',
    { filename: utf8('€%41') },
  ],
  ["attachment; filename=plain; filename*=utf-8''%41", 'attachment', { filename: 'A' }],
  ['attachment; filename*1=lost', 'attachment', {}],
  ['attachment; filename*=%zz', 'attachment', { filename: '%zz' }],
  ["attachment; filename*=x-none''%FC", 'attachment', { filename: utf8('ü') }],
])('reads the disposition %j', (value, kind, parameters) => {
  const result = parseDisposition(value)
  expect([result.kind, plain(result)]).toEqual([kind, parameters])
})

test('gives a type and strings for any value', () => {
  const pieces = fc.array(
    fc.constantFrom(
      'text/html',
      ';',
      '=',
      '"',
      '\\',
      '(',
      ')',
      '*',
      "'",
      '%4',
      '0',
      'a',
      ' ',
      '\xff',
      '\0',
      '\r\n',
    ),
    { maxLength: 40 },
  )
  fc.assert(
    fc.property(
      fc.oneof(
        pieces.map((p) => p.join('')),
        fc.string(),
      ),
      (value) => {
        const { type, parameters } = parseContentType(value)
        expect(type).toMatch(/^[^\s;/]+\/[^\s;/]+$/)
        for (const [name, text] of parameters) {
          expect(name).not.toBe('')
          expect(text).toBeTypeOf('string')
        }
      },
    ),
    { seed: 1, numRuns: 3000 },
  )
})
