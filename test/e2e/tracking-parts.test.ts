// Tracking cases, from SMTP in to the next hop: which parts are tracked, what becomes of their transfer
// encoding and charset, where the pixel goes. Octets that need not change are compared, not texts.
import { simpleParser } from 'mailparser'
import { describe, expect, test } from 'vitest'
import { CONTEXT_FIELD as set, html, plain, single, trackedServer } from '../support/tracked.ts'

const tracked = trackedServer()

const LINK = '<a href="https://e.com/">x</a>'
const CLICKED = '<a href="{https://e.com/}">x</a>'

const part = (head: string, body: string) => `--b\r\n${head}\r\n\r\n${body}\r\n`
const multipart = (type: string, parts: readonly string[], more = '') =>
  `Content-Type: multipart/${type}; boundary=b${more}\r\n\r\n${parts.join('')}--b--\r\n`
const base64 = (bytes: Buffer) => bytes.toString('base64').replace(/.{76}/g, '$&\r\n')

/** Length of the longest line. */
const longest = (message: string) => Math.max(...message.split('\r\n').map((line) => line.length))

describe('parts that are tracked', () => {
  test('E033 text beside an inline image; no HTML and no pixel come into it', async () => {
    const image = part('Content-Type: image/jpeg\r\nContent-Disposition: inline', '/9j/')
    const text = (url: string) => part('Content-Type: text/plain', `see ${url} `)
    const copy = await tracked.one(multipart('mixed', [text('https://e.com/'), image]))
    expect(copy.shown).toEqual(['see {https://e.com/} ', '/9j/'])
  })

  test('E034 of two texts around an image the first', async () => {
    const image = part('Content-Type: image/jpeg', '/9j/')
    const text = (url: string) => part('Content-Type: text/plain', url)
    const message = multipart('mixed', [text('http://a.com/1'), image, text('http://a.com/2')])
    expect((await tracked.one(message)).shown).toEqual([
      '{http://a.com/1}',
      '/9j/',
      'http://a.com/2',
    ])
  })

  test('E047 text and HTML of an invitation, not its calendar', async () => {
    const calendar = part(
      'Content-Type: text/calendar; method=REQUEST',
      'BEGIN:VCALENDAR\r\nURL:https://e.com/\r\nEND:VCALENDAR',
    )
    const texts = [
      part('Content-Type: text/plain', 'https://e.com/'),
      part('Content-Type: text/html', LINK),
    ]
    const copy = await tracked.one(multipart('alternative', [...texts, calendar]))
    expect(copy.shown.slice(0, 2)).toEqual(['{https://e.com/}', `${CLICKED}[pixel]`])
    expect(copy.message.endsWith(`${calendar}--b--\r\n`)).toBe(true)
  })

  test('E048 type names in any case', async () => {
    const message = `content-type: TEXT/HTML; Charset="UTF-8"\r\n\r\n${LINK}\r\n`
    expect((await tracked.one(message)).shown).toEqual([`${CLICKED}[pixel]\r\n`])
  })

  test('E039 a boundary that ends with =', async () => {
    const boundary = '===============123=='
    const message =
      `Content-Type: multipart/alternative;\r\n boundary="${boundary}"\r\n\r\n--${boundary}\r\n` +
      `Content-Type: text/plain\r\n\r\nhi\r\n--${boundary}\r\nContent-Type: text/html\r\n` +
      `Content-Transfer-Encoding: quoted-printable\r\n\r\n<a href=3D"https://e.com/">x</a>\r\n--${boundary}--\r\n`
    const copy = await tracked.one(message)
    expect(copy.shown).toEqual(['hi', `${CLICKED}[pixel]`])
    expect(copy.message.match(/^--.*$/gm)).toEqual(message.match(/^--.*$/gm))
  })
})

describe('messages that stay to the octet', () => {
  test.each([
    [
      'E037 multipart/encrypted',
      multipart(
        'encrypted',
        [
          part('Content-Type: application/pgp-encrypted', 'Version: 1'),
          part('Content-Type: text/html', LINK),
        ],
        '; protocol="application/pgp-encrypted"',
      ),
    ],
    [
      'E037 application/pkcs7-mime',
      'Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\nContent-Transfer-Encoding: base64\r\n\r\nMIIB\r\n',
    ],
    ['multipart/signed', multipart('signed', [part('Content-Type: text/html', LINK)])],
    [
      'E038 inline PGP',
      plain('-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\nhttps://e.com/\r\n'),
    ],
    ['E042 an empty HTML part', multipart('mixed', ['--b\r\nContent-Type: text/html\r\n\r\n'])],
    ['E043 text with clicks off', set('smtpapi_click_tracking', '0') + plain('https://e.com/')],
    ['E054 UTF-32', single('text/html; charset=utf-32le', base64(utf32(LINK)), 'base64')],
  ])('%s', async (_, message) => {
    expect((await tracked.one(message)).message).toBe(message)
  })
})

describe('transfer encodings', () => {
  test('E049 base64 stays base64 in lines of 76', async () => {
    const text = `<p>Grüße ${LINK} and ${'filler '.repeat(40)}<a href="https://e.com/2">y</a></p>`
    const encoded = base64(Buffer.from(text, 'utf8'))
    const copy = await tracked.one(single('text/html; charset=utf-8', encoded, 'base64'))
    const shown = text.replace(LINK, CLICKED).replace('https://e.com/2', '{https://e.com/2}')
    expect(copy.shown).toEqual([Buffer.from(`${shown}[pixel]`, 'utf8').toString('latin1')])
    const lines = copy.message.split('\r\n\r\n')[1]?.split('\r\n') ?? []
    expect(lines.at(-1)).toBe('')
    expect(lines.slice(0, -1).filter((line) => !/^[\w+/=]{1,76}$/.test(line))).toEqual([])
  })

  test('E050 a soft break inside an href; escapes elsewhere stay', async () => {
    const message =
      'Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n' +
      '=09tab <a class=3D"l" href=3D"https:=\r\n//e.com/reset/?key=3DXX=\r\nXX&id=3D3">x</a>=09\r\n'
    const copy = await tracked.one(message)
    expect(copy.shown).toEqual([
      '\ttab <a class="l" href="{https://e.com/reset/?key=XXXX&id=3}">x</a>\t[pixel]\r\n',
    ])
    expect(copy.message).toContain('\r\n\r\n=09tab <a class=3D"l" href=3D"')
    expect(longest(copy.message)).toBeLessThanOrEqual(76)
  })

  test('E051 no line of 7bit gets longer than 998: the part becomes quoted-printable', async () => {
    const metadata = JSON.stringify({ k: 'v'.repeat(150) })
    const line = `${'<b>bold</b> '.repeat(73)}${LINK}`
    const message =
      `X-MSYS-API: {"metadata":${metadata}}\r\nContent-Type: text/html\r\n` +
      `Content-Transfer-Encoding: 7bit\r\nSubject: x\r\n\r\n${line}\r\n`
    const copy = await tracked.one(message)
    expect(copy.message.split('\r\n\r\n')[0]).toBe(
      'Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\nSubject: x',
    )
    expect(copy.shown).toEqual([`${line.replace(LINK, CLICKED)}[pixel]\r\n`])
    expect(longest(copy.message)).toBeLessThanOrEqual(76)
  })

  test('E052 dots at the beginning of lines are as many as before', async () => {
    const message =
      'Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n' +
      '.x\r\n..y\r\n<a href=3D"https://e=\r\n.com/.=\r\n.">x</a>\r\n.\r\n'
    const copy = await tracked.one(message)
    expect(copy.shown).toEqual(['.x\r\n..y\r\n<a href="{https://e.com/..}">x</a>\r\n.[pixel]\r\n'])
  })

  test('E057 blanks at the end of the body stay', async () => {
    const text = '<html><body>hi</body></html>\t '
    expect((await tracked.one(html(text))).shown).toEqual([
      '<html><body>hi[pixel]</body></html>\t \r\n',
    ])
  })

  test('a peer reads each part as it was, with other links', async () => {
    const text = `Grüße – <a href="https://e.com/ü?a=1&amp;b=2">ü</a> ${'zeile '.repeat(60)}`
    for (const encoding of ['8bit', 'base64'] as const) {
      const encoded = encoding === 'base64' ? base64(Buffer.from(text, 'utf8')) : text
      const copy = await tracked.one(single('text/html; charset=utf-8', encoded, encoding))
      const parsed = await simpleParser(Buffer.from(copy.message, 'latin1'))
      const read = String(parsed.html).replace(/http:\/\/track[^"]*/, 'https://e.com/ü?a=1&amp;b=2')
      expect(read.replace(/<img [^>]*>/, '').trim()).toBe(text.trim())
    }
  })
})

describe('charsets', () => {
  test('E045 an unknown one is ASCII with octets that stay', async () => {
    const message = `Content-Type: text/html; charset=x-foo-bar\r\n\r\n\xe9${LINK}\xe9\r\n`
    expect((await tracked.one(message)).shown).toEqual([`\xe9${CLICKED}\xe9[pixel]\r\n`])
  })
})

describe('the pixel', () => {
  test.each([
    [
      'E125 two body ends',
      '<body>a</body><body>b</body>',
      '<body>a</body><body>b[pixel]</body>\r\n',
    ],
    ['E126 none', '<html><body><h1>x</h1>', '<html><body><h1>x</h1>[pixel]\r\n'],
    ['before the end of html', '<html><h1>x</h1></HTML >', '<html><h1>x</h1>[pixel]</HTML >\r\n'],
    ['E042 empty lines only', '\r\n\r\n', '\r\n\r\n[pixel]\r\n'],
  ])('%s', async (_, body, expected) => {
    expect((await tracked.one(html(body))).shown).toEqual([expected])
  })

  test('E129 its markup', async () => {
    const { message } = await tracked.one(html('x'))
    expect(message).toMatch(
      /x<img border="0" width="1" height="1" alt="" src="http:\/\/track\.example:8080\/q\/[\w-]+\/[\w-]+">\r\n$/,
    )
  })

  test('E131 its scheme is its own', async () => {
    const copy = await tracked.one(set('smtpapi_open_tracking_scheme', 'HTTPS') + html(LINK))
    expect(copy.message).toContain(' src="https://track.example:8080/q/')
    expect(copy.message).toContain(' href="http://track.example:8080/f/a/')
  })

  test('E153 List-Unsubscribe is not tracked', async () => {
    const lines =
      'List-Unsubscribe: <https://e.com/u>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n'
    expect((await tracked.one(lines + html(LINK))).message.startsWith(lines)).toBe(true)
  })
})

function utf32(text: string): Buffer {
  const out = Buffer.alloc(text.length * 4)
  Array.from(text).forEach((c, i) => out.writeUInt32LE(c.codePointAt(0) ?? 0, i * 4))
  return out
}
