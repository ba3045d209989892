import { describe, expect, test } from 'vitest'
import { splitHeader } from '../../src/mime/field.ts'
import { parseParts } from '../../src/mime/part.ts'
import { findBodyParts } from '../../src/tracking/bodyparts.ts'

type Node = readonly [header: string, ...content: (Node | string)[]]

let boundaries = 0

/** `[type and further fields, children or text]` */
function eml([header, ...content]: Node): string {
  const [type = '', ...fields] = header.split('|')
  const head = (mediaType: string): string =>
    [`Content-Type: ${mediaType}`, ...fields].map((field) => `${field}\r\n`).join('') + '\r\n'
  if (!/^multipart/i.test(type)) return head(type) + content.join('')
  const boundary = `b${++boundaries}`
  const parts = content.map(
    (child) => `--${boundary}\r\n${typeof child === 'string' ? child : eml(child)}\r\n`,
  )
  return `${head(`${type}; boundary=${boundary}`)}${parts.join('')}--${boundary}--\r\n`
}

/** The contents of the parts found. */
function found(node: Node): { html?: string; plain?: string } {
  const { fields, body } = splitHeader(Buffer.from(eml(node)))
  const { html, plain } = findBodyParts(parseParts(fields, body))
  const text = (part: { start: number; end: number }): string =>
    body.toString('latin1', part.start, part.end)
  return { ...(html && { html: text(html) }), ...(plain && { plain: text(plain) }) }
}

const PLAIN: Node = ['text/plain', 'P']
const HTML: Node = ['text/html', 'H']
const IMAGE: Node = ['image/jpeg|Content-Disposition: inline', 'I']

describe('found', () => {
  test.each<[string, Node, object]>([
    ['a root of text/plain', PLAIN, { plain: 'P' }],
    ['a root of text/html', HTML, { html: 'H' }],
    ['E048 mixed case', ['TEXT/HTML; Charset="UTF-8"', 'H'], { html: 'H' }],
    ['alternatives', ['multipart/alternative', PLAIN, HTML], { plain: 'P', html: 'H' }],
    [
      'E047 an invitation and AMP are not',
      [
        'multipart/alternative',
        PLAIN,
        ['text/x-amp-html', 'A'],
        HTML,
        ['text/calendar; method=REQUEST', 'C'],
      ],
      { plain: 'P', html: 'H' },
    ],
    [
      'the last HTML alternative',
      ['multipart/alternative', PLAIN, ['text/html', 'X'], HTML],
      { plain: 'P', html: 'H' },
    ],
    [
      'nested',
      [
        'multipart/mixed',
        ['multipart/alternative', PLAIN, ['multipart/related', HTML, IMAGE]],
        ['application/pdf', 'D'],
      ],
      { plain: 'P', html: 'H' },
    ],
    ['related: the first', ['multipart/related', HTML, ['text/html', 'X']], { html: 'H' }],
    [
      'related: the one named by start',
      [
        'multipart/related; start="<r>"',
        ['text/html|Content-ID: <x>', 'X'],
        ['text/html|Content-ID: <r>', 'H'],
      ],
      { html: 'H' },
    ],
    ['E033 no HTML', ['multipart/mixed', PLAIN, IMAGE], { plain: 'P' }],
    [
      'E034 the first of two texts',
      ['multipart/mixed', PLAIN, IMAGE, ['text/plain', 'B']],
      { plain: 'P' },
    ],
    ['HTML behind plain text', ['multipart/mixed', PLAIN, IMAGE, HTML], { plain: 'P', html: 'H' }],
    ['no plain text behind HTML', ['multipart/mixed', HTML, PLAIN], { html: 'H' }],
    [
      'a first text with a name',
      ['multipart/mixed', ['text/html; name=a.html|Content-Disposition: inline', 'H'], PLAIN],
      { html: 'H' },
    ],
    [
      'the text behind an attachment',
      ['multipart/mixed', ['text/plain|Content-Disposition: attachment', 'X'], HTML],
      { html: 'H' },
    ],
    ['an unknown multipart', ['multipart/x-foo', HTML], { html: 'H' }],
  ])('%s', (_what, node, expected) => {
    expect(found(node)).toEqual(expected)
  })

  test('without a Content-Type it is plain text', () => {
    const body = Buffer.from('x')
    expect(findBodyParts(parseParts([], body)).plain).toBeDefined()
  })
})

describe('not found', () => {
  test.each<[string, Node]>([
    ['an attachment', ['text/html|Content-Disposition: attachment; filename=a.html', 'H']],
    [
      'a named HTML behind the text',
      ['multipart/mixed', ['image/png', 'I'], ['multipart/signed', PLAIN]],
    ],
    ['multipart/signed', ['multipart/signed', HTML, ['application/pgp-signature', 'S']]],
    ['E037 multipart/encrypted', ['multipart/encrypted', ['application/pgp-encrypted', 'V'], HTML]],
    ['E037 application/pkcs7-mime', ['application/pkcs7-mime; smime-type=enveloped-data', 'X']],
    ['a report', ['multipart/report', PLAIN, ['message/delivery-status', 'S']]],
    ['an attached message', ['message/rfc822', 'Content-Type: text/html\r\n\r\nH']],
    ['signed inside mixed', ['multipart/mixed', ['multipart/signed', HTML]]],
    ['other text', ['text/calendar', 'C']],
    ['rich text', ['text/rtf', 'C']],
    ['an empty multipart', ['multipart/alternative']],
  ])('%s', (_what, node) => {
    expect(found(node)).toEqual({})
  })

  test('HTML with a name or as an attachment behind plain text', () => {
    for (const header of ['text/html; name=a.html', 'text/html|Content-Disposition: attachment']) {
      expect(found(['multipart/mixed', PLAIN, [header, 'H']])).toEqual({ plain: 'P' })
    }
  })
})
