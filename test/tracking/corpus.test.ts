// Mail of all shapes, tracked: what is not a tracked URL, a pixel or a control that is gone stays.
import { readdirSync, readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeBase64 } from '../../src/mime/base64.ts'
import { encodeQuotedPrintable } from '../../src/mime/quotedprintable.ts'
import { track, type TrackOptions } from './track.ts'
import { expectOnlyTracked } from './undo.ts'

// Another folder of .eml files can be looked at: CORPUS=/path npx vitest run … corpus
const folder = process.env['CORPUS'] ?? new URL('../corpus', import.meta.url).pathname
const names = readdirSync(folder).filter((name) => name.endsWith('.eml'))

const read = (name: string): Buffer => {
  const text = readFileSync(new URL(name, `file://${folder}/`), 'latin1')
  return Buffer.from(text.replace(/\r?\n/g, '\r\n'), 'latin1')
}

const WAYS: Readonly<Record<string, TrackOptions>> = {
  all: {},
  'clicks only': { settings: { opens: false } },
  'opens only': { settings: { clicks: false, initialOpens: true } },
  'long metadata': { settings: { metadata: { k: 'Gl0r!a_'.repeat(120) }, tags: ['t'] } },
}

test.each(names)('%s changes only where it is tracked', (name) => {
  const original = read(name)
  for (const [way, options] of Object.entries(WAYS)) {
    const result = track(original, options)
    try {
      expectOnlyTracked(original, result)
    } catch (error) {
      throw new Error(`${name}, ${way}: ${String(error)}`, { cause: error })
    }
  }
})

// What the transform makes of each message: targets in order, then the pixel.
const TEXT = [
  'https://shop.example/p?a=1&b=zwei',
  'http://shop.example/q',
  'https://shop.example/r',
  'https://shop.example/s',
  'http://[2001:db8::1]/x',
  'https://lindenhof.example/',
]
const HTML = [
  'https://shop.example/p?a=1&b=zwei&c=%C3%BC',
  'http://shop.example/q?x="1"',
  'https://shop.example/u',
  'https://shop.example/about',
  'https://shop.example/unsubscribe?u=42',
]
const ROOT = 'http://shop.example/'
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  'alternative-base64': [...TEXT, ...HTML, 'inserted'],
  'alternative-qp': [...TEXT, ...HTML, 'inserted'],
  amp: [ROOT, ROOT, 'inserted'],
  'apple-mail-related': ['https://shop.example/', 'inserted'],
  bounce: ['sealed'],
  'broken-base64': ['encoding'],
  'broken-base64-padding': [...HTML, 'inserted'],
  'broken-boundary-prefix': [ROOT, 'inserted'],
  'broken-headers': ['http://no.example/', 'inserted'],
  'broken-no-final-boundary': [...HTML, 'inserted'],
  'broken-qp': [ROOT, 'inserted'],
  calendar: [ROOT, ROOT, 'inserted'],
  'chinese-gb18030': ['https://shop.example/a', 'http://shop.example/b', 'no-html'],
  'chinese-hz': ['https://shop.example/a~b', 'no-html'],
  controls: ['http://shop.example/u', 'http://shop.example/b', 'inserted'],
  digest: ['sealed'],
  'empty-parts': ['empty'],
  flowed: ['https://shop.example/x', 'https://shop.example/q', 'no-html'],
  'flowed-delsp': ['https://shop.example/whole', 'no-html'],
  'forward-two-bodies': ['http://one.example/', 'http://two.example/', 'inserted'],
  'forwarded-message': [ROOT, 'no-html'],
  'header-only': ['no-html'],
  'iphone-interleaved': [ROOT, 'no-html'],
  'japanese-euc-jp': ['https://shop.example/詳細?a=1', 'inserted'],
  'japanese-iso-2022-jp': ['https://shop.example/詳細?a=1', 'inserted'],
  'japanese-shift_jis': ['https://shop.example/詳細?a=1', 'inserted'],
  'korean-iso-2022-kr': ['https://shop.example/a', 'no-html'],
  'long-lines': [ROOT, 'inserted'],
  'mixed-related-attachments': [...TEXT, ...HTML, 'inserted'],
  'no-mime': [ROOT, 'no-html'],
  'outlook-windows-1252': ['https://shop.example/buy', 'https://shop.example/ü?q=ä', 'inserted'],
  'pgp-encrypted': ['sealed'],
  'pgp-inline': ['no-html'],
  'signed-inside-mixed': ['http://list.example/', 'no-html'],
  'smime-enveloped': ['sealed'],
  'smime-signed': ['sealed'],
  'utf-16': ['charset'],
  'utf-7': ['charset'],
}

test.each(Object.entries(EXPECTED))('%s is tracked as %j', (name, expected) => {
  const { targets, explain } = track(
    read(new URL(`../corpus/${name}.eml`, import.meta.url).pathname),
  )
  expect([...targets, explain.pixel]).toEqual(expected)
})

const piece = fc.constantFrom(
  '<a href="http://e.com/?a=1&amp;b=2">x</a>',
  '<a href=http://e.com/y data-msys-linkname=n>',
  'see http://e.com/z, ',
  'http://e.com/[[data-msys-clicktrack="0"]]',
  '<html><body>',
  '</body></html>',
  '<!-- ',
  ' -->',
  'Grüße = ',
  '.\r\n',
  '\t\r\n',
  '\r\n',
  '--b\r\n',
  'word '.repeat(30),
  'x'.repeat(75),
)
const content = fc.array(piece, { maxLength: 25 }).map((pieces) => Buffer.from(pieces.join('')))

const leaf = fc
  .tuple(
    fc.constantFrom(
      'text/html',
      'text/plain',
      'TEXT/HTML; charset=utf-8',
      'image/png',
      'text/calendar',
    ),
    fc.constantFrom('7bit', '8bit', 'binary', 'quoted-printable', 'base64'),
    fc.constantFrom('', 'Content-Disposition: inline\r\n', 'Content-Disposition: attachment\r\n'),
    content,
    fc.constantFrom(76, 60, 7),
  )
  .map(([type, encoding, disposition, octets, width]) => {
    const encode = { base64: encodeBase64, 'quoted-printable': encodeQuotedPrintable }
    const body = (
      encoding === 'base64'
        ? encode.base64(octets, width)
        : encoding === 'quoted-printable'
          ? encode[encoding](octets)
          : octets
    ).toString('latin1')
    return `Content-Type: ${type}\r\n${disposition}Content-Transfer-Encoding: ${encoding}\r\n\r\n${body}`
  })

const { entity } = fc.letrec<{ entity: string }>((tie) => ({
  entity: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    fc
      .tuple(
        fc.constantFrom('mixed', 'alternative', 'related', 'signed', 'odd'),
        fc.uuid(),
        fc.array(tie('entity'), { minLength: 1, maxLength: 3 }),
      )
      .map(
        ([type, boundary, parts]) =>
          `Content-Type: multipart/${type}; boundary="${boundary}"\r\n\r\npreamble\r\n` +
          `${parts.map((part) => `--${boundary}\r\n${part}\r\n`).join('')}--${boundary}--\r\nepilogue`,
      ),
  ),
}))

test('generated mail changes only where it is tracked', () => {
  fc.assert(
    fc.property(entity, fc.constantFrom(...Object.values(WAYS)), (message, options) => {
      const original = Buffer.from(message, 'latin1')
      expectOnlyTracked(original, track(original, options))
    }),
    { seed: 5, numRuns: 300 },
  )
})
