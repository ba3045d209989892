import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { messageData } from '../../src/mail/rendition.ts'
import { splitHeader } from '../../src/mime/field.ts'
import { longestLine } from '../../src/mime/line.ts'
import { encodeQuotedPrintable } from '../../src/mime/quotedprintable.ts'
import {
  DOMAIN,
  html,
  KEYRING,
  SETTINGS,
  openUrl,
  plain,
  single,
  track,
  trackAll,
  TRACKED_URL,
} from './track.ts'
import { openSealer, openToken } from '../../src/tracking/token.ts'
import { openTransform } from '../../src/tracking/transform.ts'
import { trackingPrefix } from '../../src/tracking/path.ts'

const base64 = (text: string, lineLength = 76): string =>
  (
    Buffer.from(text, 'utf8')
      .toString('base64')
      .match(new RegExp(`.{1,${lineLength}}`, 'g')) ?? []
  ).join('\r\n')

const longest = (text: string): number => longestLine(Buffer.from(text, 'latin1'))

const METADATA = Object.fromEntries([...Array(9).keys()].map((i) => [`k${i}`, `${i}`.repeat(90)]))

describe('bytes that stay', () => {
  test('E023 with tracking off nothing changes', () => {
    const message = html('é <a href="http://e.com/">\r\n')
    const result = track(message, { settings: { opens: false, clicks: false } })
    expect(result.message).toBe(message)
    expect(result.explain).toMatchObject({ pixel: 'off', links: [{ outcome: 'off' }] })
  })

  test('E019 X-MSYS-API goes, whatever its case and number; the rest of the header stays', () => {
    const head =
      'Subject: save {{now}} {50%}\r\nx-msys-api: {}\r\nA:  b\r\n\tc\r\nX-Msys-Api: {\r\n }\r\nB:c\r\n'
    const kept = 'Subject: save {{now}} {50%}\r\nA:  b\r\n\tc\r\nB:c\r\n'
    for (const clicks of [true, false]) {
      expect(track(`${head}\r\nhi`, { settings: { clicks } }).message).toBe(`${kept}\r\nhi`)
    }
  })

  test('E153 List-Unsubscribe is not tracked', () => {
    const head =
      'List-Unsubscribe: <https://e.com/u>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n'
    expect(track(`${head}\r\nhttp://e.com/`).message.startsWith(`${head}\r\n`)).toBe(true)
  })

  test('a message without body stays as it is', () => {
    expect(track('Subject: x\r\n').message).toBe('Subject: x\r\n')
    expect(track('Subject: x\r\n\r\n').message).toBe('Subject: x\r\n\r\n')
    expect(track('').message).toBe('')
  })

  test('E042 a part without content is left alone', () => {
    for (const message of [
      'Content-Type: text/html\r\n',
      'Content-Type: text/html\r\n\r\n',
      'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n--b--\r\n',
      'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n--b--',
    ]) {
      const result = track(message)
      expect(result.message).toBe(message)
      expect(result.explain.pixel).toBe('empty')
    }
  })

  test('a link of ours that opens is not tracked again; one that only looks like it is', () => {
    const sealer = openSealer(KEYRING, Buffer.alloc(16, 9))
    const prefix = trackingPrefix(
      'http',
      DOMAIN,
      'click',
      '',
      sealer.link('http://e.com/', '', 'click', ''),
    )
    const { full } = sealer.recipient({
      messageId: 'm',
      rcptTo: 'r',
      rawRcptTo: 'r',
      expirySeconds: 1,
    })
    const result = track(plain(`${prefix}${full} http://${DOMAIN}/f/a/x/y`))
    expect(result.explain.links.map(({ outcome }) => outcome)).toEqual([
      'already-tracked',
      'tracked',
    ])
  })
})

const qp = (body: string) => single('text/html; charset=utf-8', body, 'quoted-printable')

describe('quoted-printable', () => {
  test('E050 a soft break inside an href; everything else keeps its encoding', () => {
    const result = track(
      qp(
        'a=09b =C3=A9=\r\n <a class=3D"l" href=3D"https:=\r\n//e.com/reset/?key=3DXX=\r\nXX&id=3D3">=3d</a>\r\n',
      ),
    )
    expect(result.targets).toEqual(['https://e.com/reset/?key=XXXX&id=3'])
    expect(result.message).toContain(
      '\r\n\r\na=09b =C3=A9=\r\n <a class=3D"l" href=3D"http://track.example',
    )
    expect(result.message).toContain('=3d</a>')
    expect(longest(result.message)).toBeLessThanOrEqual(76)
  })

  test('folds what it adds, and only that', () => {
    const lines = `${'x'.repeat(70)}\r\n`.repeat(3)
    const message = qp(`${lines}<a href=3D"http://e.com/">x</a>\r\n${lines}`)
    const result = track(message, { settings: { opens: false } })
    expect(result.message.split(lines).length).toBe(3)
    expect(longest(result.message)).toBeLessThanOrEqual(76)
  })

  test('a full last line is broken before the pixel', () => {
    for (const end of ['', '\r\n']) {
      for (const line of ['x'.repeat(76), `${'x'.repeat(73)}=3D`, 'x'.repeat(75)]) {
        const result = track(qp(line + end))
        expect(result.shown).toEqual([`${line.replace('=3D', '=')}[pixel]${end}`])
        expect(longest(result.message)).toBeLessThanOrEqual(76)
      }
    }
  })

  test('E052 a dot at the start of a line stays one dot', () => {
    const result = track(qp('<a href=3D"https://e=\r\n.com/x">..x\r\n..y</a>'))
    expect(result.targets).toEqual(['https://e.com/x'])
    expect(result.shown).toEqual(['<a href="{https://e.com/x}">..x\r\n..y</a>[pixel]'])
  })

  test('E039 boundaries that end with = stay', () => {
    const boundary = '===============123=='
    const message = `Content-Type: multipart/mixed; boundary="${boundary}"\r\n\r\n--${boundary}\r\n${qp('<a href=3D"http://e.com/">=\r\nx</a>')}\r\n--${boundary}--\r\n`
    const result = track(message)
    expect(result.parts.length).toBe(1)
    expect(result.shown).toEqual(['<a href="{http://e.com/}">x</a>[pixel]'])
    expect(result.message.endsWith(`">\r\n--${boundary}--\r\n`)).toBe(true)
  })
})

describe('base64', () => {
  test('E049 links and pixel, in lines of at most 76; lines between them stay', () => {
    const filler = '<p>é text</p>\r\n'.repeat(40)
    const text = `${filler}<a href="http://e.com/1">x</a>\r\n${filler}<a href="http://e.com/22">y</a>\r\n${filler}`
    for (const lineLength of [76, 60]) {
      const raw = base64(text, lineLength)
      const result = track(single('text/html; charset=utf-8', `${raw}\r\n`, 'base64'))
      expect(result.targets).toEqual(['http://e.com/1', 'http://e.com/22'])
      expect(result.parts[0]?.raw).toMatch(
        /^(?:[A-Za-z0-9+/]{1,76}\r\n)+[A-Za-z0-9+/]{1,76}={0,2}\r\n$/,
      )
      const utf8 = Buffer.from(result.shown[0] ?? '', 'latin1').toString('utf8')
      expect(utf8).toBe(
        `${filler}<a href="{http://e.com/1}">x</a>\r\n${filler}<a href="{http://e.com/22}">y</a>\r\n${filler.slice(0, -2)}[pixel]\r\n`,
      )
      const lines = new Set(result.parts[0]?.raw.split('\r\n'))
      const gone = raw.split('\r\n').filter((line) => !lines.has(line))
      expect(gone.length).toBeLessThanOrEqual(6)
    }
  })

  test('no line is longer than 76 or empty, whatever ends at a full line', () => {
    for (let length = 0; length < 140; length++) {
      const filler = 'x'.repeat(length)
      const link = '<a href="http://e.com/">y</a>'
      const cut = 'http://e.com[[data-msys-clicktrack="0"]]'
      for (const lineLength of [76, 60]) {
        for (const end of ['', '\r\n']) {
          const inHtml = single('text/html', base64(link + filler, lineLength) + end, 'base64')
          const inText = single('text/plain', base64(filler + cut, lineLength) + end, 'base64')
          for (const message of [inHtml, inText]) {
            const { parts } = track(message)
            expect(parts[0]?.raw).toMatch(/^(?:[\w+/=]{1,76}\r\n)*[\w+/=]{1,76}(?:\r\n)?$/)
            expect(parts[0]?.raw.endsWith('\r\n')).toBe(end !== '')
          }
        }
      }
    }
  })

  test('unusual lines and missing padding are read', () => {
    const text = 'x <a href="http://e.com/">y</a> z!'
    for (const raw of [
      base64(text, 10),
      base64(text, 7),
      base64(text, 1),
      base64(text).replace(/=+$/, ''),
      `${base64(text)}\r\n\r\n`,
    ]) {
      const result = track(single('text/html', raw, 'base64'))
      expect(result.shown).toEqual(['x <a href="{http://e.com/}">y</a> z![pixel]'])
      expect(result.parts[0]?.raw).toMatch(/^[A-Za-z0-9+/\r\n]+={0,2}\r?\n?\r?\n?$/)
    }
  })

  test.each(['PGEgaHJlZj0iaHR0cDovL2UuY29tLyI+!!', 'PGE=IGhyZWY9Imh0dHA6Ly9lLmNvbS8iPg=='])(
    'what is no base64 is left alone and reported: %s',
    (raw) => {
      const message = single('text/html', raw, 'base64')
      const result = track(message)
      expect(result.message).toBe(message)
      expect(result.explain).toMatchObject({
        pixel: 'encoding',
        parts: [{ part: 'text/html', why: 'encoding' }],
      })
      expect(result.failures).toEqual(['text/html: encoding'])
    },
  )
})

describe('long lines', () => {
  const line = `${'x'.repeat(860)} <a href="https://e.com/">é=</a> `

  test('E051 a root part becomes quoted-printable, and the header says so', () => {
    const result = track(html(`${line}\r\n`, '7bit'), { settings: { metadata: METADATA } })
    expect(result.message).toContain('\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n')
    expect(result.message).not.toContain('7bit')
    expect(longest(result.message)).toBeLessThanOrEqual(76)
    expect(result.targets).toEqual(['https://e.com/'])
    expect(Buffer.from(result.shown[0] ?? '', 'latin1').toString('utf8')).toBe(
      `${line.replace('https://e.com/', '{https://e.com/}')}[pixel]\r\n`,
    )
  })

  test('E051 so does a part inside, with or without a field that says its encoding', () => {
    for (const field of ['', 'content-TRANSFER-encoding: 8bit\r\n']) {
      const part = `Content-Type: text/html; charset=utf-8\r\n${field}Content-MD5: abc\r\nX-Last: y\r\n\r\n${line}`
      const message = `Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n${part}\r\n--b--\r\n`
      const result = track(message)
      const fields = 'Content-Type: text/html; charset=utf-8\r\n'
      const encoding = 'Content-Transfer-Encoding: quoted-printable\r\n'
      expect(result.message).toContain(
        `--b\r\n${fields}${field ? `${encoding}X-Last: y\r\n` : `X-Last: y\r\n${encoding}`}\r\n`,
      )
      expect(result.targets).toEqual(['https://e.com/'])
      expect(longest(result.message)).toBeLessThanOrEqual(76)
    }
  })

  test('a long line without a link stays, and binary has no lines', () => {
    const other = `${'x'.repeat(2000)}\r\n<a href="https://e.com/">\r\n`
    expect(track(html(other, '8bit')).message).toContain(
      `${'x'.repeat(2000)}\r\n<a href="http://track`,
    )
    expect(track(html(line, 'binary')).message).toContain(': binary\r\n\r\nxxx')
  })

  test('Content-MD5 of a changed root goes', () => {
    expect(track(`Content-MD5: x\r\n${html('x')}`).message).not.toContain('Content-MD5')
    expect(track(`Content-MD5: x\r\n${plain('x')}`).message).toContain('Content-MD5')
  })
})

describe('what links carry', () => {
  test('E020 each recipient has tokens of their own', () => {
    const results = trackAll(html('<a href="http://e.com/">'), [
      { rcptTo: 'A@x.example' },
      { rcptTo: 'b@x.example' },
    ])
    expect(results.map(({ tracked }) => tracked.map(({ facts }) => facts.rcptTo))).toEqual([
      ['a@x.example', 'a@x.example'],
      ['b@x.example', 'b@x.example'],
    ])
    expect(results[0]?.tracked[0]?.facts.rawRcptTo).toBe('A@x.example')
  })

  test('expiry, campaign, customer, tags and metadata', () => {
    const { tracked } = track(html('<a href="http://e.com/">'), {
      settings: {
        expirySeconds: 5,
        campaignId: 'été',
        customerId: '7',
        tags: ['t'],
        metadata: { a: 1 },
      },
    })
    for (const { facts } of tracked) {
      expect(facts).toMatchObject({
        expirySeconds: 1005,
        campaignId: 'été',
        customerId: '7',
        tags: ['t'],
        metadata: { a: 1 },
      })
    }
  })

  test('E013 metadata is cut to whole members', () => {
    const metadata = Object.fromEntries([...Array(14).keys()].map((i) => [`k${i}`, 'v'.repeat(92)]))
    const { tracked } = track(html('x'), { settings: { metadata } })
    const kept = tracked[0]?.facts.metadata ?? {}
    expect(Buffer.byteLength(JSON.stringify(kept))).toBeLessThanOrEqual(1000)
    expect(Object.keys(kept)).toEqual(Object.keys(metadata).slice(0, 9))
  })

  test('E014 without click_tracking_include_metadata only opens carry it', () => {
    const { tracked, explain } = track(html('<a href="http://e.com/">'), {
      settings: { metadata: { a: 1 }, tags: ['t'] },
      transform: { includeMetadata: false },
    })
    expect(tracked.map(({ action, facts }) => [action, facts.metadata, facts.tags])).toEqual([
      ['click', undefined, ['t']],
      ['open', { a: 1 }, ['t']],
    ])
    expect(explain.links).toMatchObject([{ form: 'full' }])
  })

  test('a URL over 900 in an 8bit part does without metadata and tags, over 2,000 elsewhere', () => {
    const settings = { metadata: incompressible(600), tags: ['t'] }
    const body = '<a href="http://e.com/">\r\n'
    const forms = (message: string) =>
      track(message, { settings }).tracked.map(({ facts }) => facts.tags)
    expect(forms(html(body))).toEqual([undefined, ['t']])
    expect(
      forms(html(encodeQuotedPrintable(Buffer.from(body)).toString(), 'quoted-printable')),
    ).toEqual([['t'], ['t']])
    expect(forms(html(base64(`<a href="http://e.com/${'x'.repeat(900)}">`), 'base64'))).toEqual([
      undefined,
      ['t'],
    ])
  })

  test('the pixel does without them where its URL would be too long to be requested', () => {
    const settings = { tags: [incompressible(9000)['a'] ?? '', 'u'], campaignId: 'c' }
    for (const clicks of [true, false]) {
      const { explain, tracked } = track(html('<a href="http://e.com/">'), {
        settings: { ...settings, clicks },
      })
      expect(tracked.map(({ facts }) => facts.tags)).toEqual(
        clicks ? [undefined, undefined] : [undefined],
      )
      expect(tracked.at(-1)).toMatchObject({ action: 'open', facts: { campaignId: 'c' } })
      expect(explain.pixelForm).toBe('short')
    }
  })

  test('past the growth limit links do without metadata and tags', () => {
    const links = [...Array(20).keys()].map((i) => `<a href="http://e.com/${i}">\r\n`).join('')
    const { explain } = track(html(links), {
      settings: { tags: ['t'] },
      transform: { growthLimit: 1000 },
    })
    const forms = explain.links.map(({ form }) => form)
    expect(forms.indexOf('short')).toBe(5)
    expect(forms.lastIndexOf('full')).toBe(4)
  })

  test('E131 E001 clicks and opens are switched one by one', () => {
    const message = html('<a href="http://e.com/">')
    expect(
      track(message, { settings: { opens: false } }).tracked.map(({ action }) => action),
    ).toEqual(['click'])
    const open = track(message, { settings: { clicks: false } })
    expect(open.tracked.map(({ action }) => action)).toEqual(['open'])
    expect(open.shown).toEqual(['<a href="http://e.com/">[pixel]'])
  })
})

describe('copies', () => {
  test('share pieces when their recipient parts are as long', () => {
    const message = html('<a href="http://e.com/">')
    const [a, b] = trackAll(message, [{ rcptTo: 'a@x.example' }, { rcptTo: 'b@x.example' }])
    expect(a?.message.length).toBe(b?.message.length)
    expect(a?.message).not.toBe(b?.message)
  })

  test('of any length render in any encoding', () => {
    const text =
      '<p>é</p><a href="http://e.com/1">1</a>\r\n<a href="http://e.com/2">2</a></body>\r\n'
    const messages = {
      '8bit': html(text),
      'quoted-printable': html(
        encodeQuotedPrintable(Buffer.from(text)).toString(),
        'quoted-printable',
      ),
      base64: html(base64(text), 'base64'),
    }
    const all = [...Array(60).keys()].map((i) => ({ rcptTo: `${'r'.repeat(i)}@x.example` }))
    for (const message of Object.values(messages)) {
      const results = trackAll(message, all)
      results.forEach((result, i) => {
        expect(result.shown).toEqual([
          Buffer.from(
            '<p>é</p><a href="{http://e.com/1}">1</a>\r\n<a href="{http://e.com/2}">2</a>[pixel]</body>\r\n',
          ).toString('latin1'),
        ])
        expect(result.tracked[0]?.facts.rcptTo).toBe(all[i]?.rcptTo)
      })
    }
  })
})

/** What the edit must be, done naively on text: tracked links as `{target}`, controls gone. */
const naive = (body: string): string => {
  const { shown } = track(html(body, 'binary'))
  return shown[0] ?? ''
}

const encodings = {
  '8bit': (body: string) => body,
  'quoted-printable': (body: string) => encodeQuotedPrintable(Buffer.from(body)).toString(),
  base64: (body: string) => base64(body),
}

describe('the data of the message', () => {
  const filler = `<p style="color:#333">Lorem ipsum dolor sit amet, é consectetur = elit.</p>\r\n`
  const text = [...Array(20).keys()]
    .map(
      (i) => `${filler.repeat(12)}<a href="https://shop.example/item/${i}?a=b&amp;c=d">x</a>\r\n`,
    )
    .join('')

  test.each(['8bit', 'quoted-printable', 'base64'] as const)(
    'grows by less than a fifth for 20 links in 20 KB, and not for a further recipient: %s',
    (encoding) => {
      const original = Buffer.from(html(encodings[encoding](text), encoding), 'latin1')
      const data = messageData(original)
      const transform = openTransform({
        data,
        sealer: openSealer(KEYRING, Buffer.alloc(16, 7)),
        growthLimit: 40_960,
        includeMetadata: true,
        maxMetadataLength: 1000,
      })
      const sizes = ['a', 'b'].map((rcptTo) => {
        const recipient = { messageId: 'm', rcptTo, rawRcptTo: rcptTo, sentSeconds: 1 }
        transform.apply(splitHeader(original), SETTINGS, recipient)
        return data.bytes().length
      })
      expect(sizes[0]).toBeLessThan(original.length * 1.2)
      expect(sizes[1]).toBe(sizes[0])
    },
  )
})

describe('whatever the part', () => {
  const piece = fc.constantFrom(
    '<a href="http://e.com/',
    '">',
    'x',
    ' ',
    '=',
    '.',
    'é',
    '\r\n',
    '</a>',
    '&amp;',
    '\t',
    '<p>',
    '</body>',
    '<a href=http://e.com/y data-msys-linkname=n>',
    "<a\r\n href='http://e.com/z'>",
    'x'.repeat(90),
  )
  const text = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(''))

  test.each(['8bit', 'quoted-printable', 'base64'] as const)(
    'only what is replaced changes, and lines stay short: %s',
    (encoding) => {
      fc.assert(
        fc.property(text, fc.integer({ min: 0, max: 50 }), (body, length) => {
          const raw = encodings[encoding](body)
          const result = track(html(raw, encoding), { rcptTo: `${'r'.repeat(length)}@x.example` })
          expect(result.shown[0]).toBe(naive(body))
          expect(result.failures).toEqual([])
          if (encoding !== '8bit') expect(longest(result.message)).toBeLessThanOrEqual(76)
          else expect(longest(result.message)).toBeLessThanOrEqual(998)
        }),
        { seed: 3, numRuns: 400 },
      )
    },
  )

  test('any bytes in any encoding go through, and back when nothing is tracked', () => {
    const odd = fc.array(
      fc.constantFrom(
        '=',
        '=\r\n',
        '=4',
        '=zz',
        ' \r\n',
        'QQ==',
        '<a href="http://e.com/">',
        '\xff',
        '\r\n',
        '--b',
        '--b\r\n\r\n',
        'A',
      ),
      { maxLength: 30 },
    )
    const encoding = fc.constantFrom('7bit', 'quoted-printable', 'base64', 'x-uue', '')
    fc.assert(
      fc.property(odd, encoding, fc.boolean(), (pieces, cte, isMultipart) => {
        const type = isMultipart ? 'multipart/mixed; boundary=b' : 'text/html'
        const message = `Content-Type: ${type}\r\nContent-Transfer-Encoding: ${cte}\r\n\r\n${pieces.join('')}`
        expect(track(message, { settings: { clicks: false, opens: false } }).message).toBe(message)
        expect(track(message).failures.length).toBeLessThanOrEqual(1)
      }),
      { seed: 4, numRuns: 500 },
    )
  })
})

test('a sealed URL opens as its path', () => {
  const { message } = track(html('<a href="http://e.com/">'))
  const [first] = [...message.matchAll(TRACKED_URL)]
  expect(openUrl(first?.[1] ?? '')).toMatchObject({ kind: 'opened', target: 'http://e.com/' })
  expect(
    openToken(KEYRING, { route: 'open', sublink: '', linkPart: '', recipientPart: '' }),
  ).toEqual({ kind: 'foreign' })
})

/** Metadata that deflate does not shorten. */
function incompressible(length: number): Record<string, string> {
  let state = 1
  const value = Array.from({ length }, () => {
    state = (state * 48_271) % 2_147_483_647
    return String.fromCharCode(33 + (state % 90))
  }).join('')
  return { a: value.replace(/["\\]/g, 'x') }
}

describe('E107 many links', () => {
  const page = (links: number) =>
    `Content-Type: text/html\r\n\r\n${'<a href="https://e.com/">x</a>\r\n'.repeat(links)}`

  test('1,500 links are all tracked', () => {
    expect(track(page(1500)).targets).toHaveLength(1500)
  })

  test('a part with more than 10,000 goes out as it is, and is reported', () => {
    const { message, explain, failures } = track(page(10_001))
    expect(message).toBe(page(10_001))
    expect(explain.parts).toEqual([{ part: 'text/html', why: 'too-many-links' }])
    expect(failures).toEqual(['text/html: too-many-links'])
  })
})

test.each([1, 3000])(
  'two quoted-printable parts of one message, %i lines each, keep to themselves',
  (lines) => {
    const filler = 'A line of text that is there to be long enough, =C3=A9.\r\n'.repeat(lines)
    const part = (type: string, link: string): string =>
      `--b\r\nContent-Type: ${type}; charset=utf-8\r\n` +
      `Content-Transfer-Encoding: quoted-printable\r\n\r\n${filler}${link}\r\n`
    const message =
      'Content-Type: multipart/alternative; boundary=b\r\n\r\n' +
      part('text/plain', 'see https://plain.example/?a=3D1 now') +
      part('text/html', '<a href=3D"https://html.example/?b=3D2">x</a>') +
      '--b--\r\n'
    const { targets, shown, explain, failures } = track(message)
    expect(failures).toEqual([])
    expect(targets).toEqual(['https://plain.example/?a=1', 'https://html.example/?b=2'])
    const text = filler.replaceAll('=C3=A9', '\xc3\xa9')
    expect(shown[0]).toContain(`${text}see {https://plain.example/?a=1} now`)
    expect(shown[1]).toContain(`${text}<a href="{https://html.example/?b=2}">x</a>`)
    expect(explain.links.map(({ line }) => line)).toEqual([lines + 1, lines + 1])
  },
)
