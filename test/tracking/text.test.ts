import * as fc from 'fast-check'
import { LinkifyIt } from 'linkify-it'
import { describe, expect, test } from 'vitest'
import { findInText } from '../../src/tracking/text.ts'
import { html, plain, single, track } from './track.ts'

const shown = (body: string): string => {
  const text = track(plain(body)).shown[0] ?? ''
  return Buffer.from(text, 'latin1').toString('utf8')
}

test.each([
  [
    'E109 sentence punctuation',
    'See http://mydomain.com. Then https://e.com/a?b=1, or https://e.com/x!',
    'See {http://mydomain.com}. Then {https://e.com/a?b=1}, or {https://e.com/x}!',
  ],
  [
    'E110 angle brackets',
    '<http://example.com/wp-login.php?action=rp&key=K&login=U>\r\nExample <https://example.com/>',
    '<{http://example.com/wp-login.php?action=rp&key=K&login=U}>\r\nExample <{https://example.com/}>',
  ],
  ...['Michelson–Morley', 'it’s', 'p?q=€5', '😀/x', 'a\u200bb'].map(
    (path): [string, string, string] => [
      `what goes on behind a sign is not cut off: ${path}`,
      `https://e.com/${path} https://e.com/b`,
      `https://e.com/${path} {https://e.com/b}`,
    ],
  ),
  [
    'signs that end it, and scripts without blanks',
    '“https://e.com/a” https://e.com/b… https://e.com/cを2',
    '“{https://e.com/a}” {https://e.com/b}… {https://e.com/c}を2',
  ],
  ['angle brackets end a URL, not punctuation', '<http://e.com/a.>', '<{http://e.com/a.}>'],
  ['<URL:…>', '<URL:http://e.com/a>', '<URL:{http://e.com/a}>'],
  [
    'E111 parentheses',
    '(http://somesite.com) and (see https://e.com/a)',
    '({http://somesite.com}) and (see {https://e.com/a})',
  ],
  [
    'a partner inside',
    'https://e.com/a_(b) (https://e.com/a_(b))',
    '{https://e.com/a_(b)} ({https://e.com/a_(b)})',
  ],
  [
    'other brackets',
    '[https://e.com/a] {https://e.com/b}.',
    '[{https://e.com/a}] {{https://e.com/b}}.',
  ],
  [
    'E113 hyphens and tildes',
    'https://example.org/wp-content/~u/a-b.html',
    '{https://example.org/wp-content/~u/a-b.html}',
  ],
  [
    'E115 commas',
    'https://e.com/?id=foo,bar, http://a.com, http://b.com',
    '{https://e.com/?id=foo,bar}, {http://a.com}, {http://b.com}',
  ],
  ['E116 CJK', '詳細はhttps://e.com/aをご覧ください。', '詳細は{https://e.com/a}をご覧ください。'],
  ['a typographic quote', '“https://e.com/a” ', '“{https://e.com/a}” '],
  ['E075 @ in path', 'http://test.com/p1/p3@p4/p5/', '{http://test.com/p1/p3@p4/p5/}'],
  [
    'E073 prefixes',
    'https://e.com https://e.com/a https://e.com/ab',
    '{https://e.com} {https://e.com/a} {https://e.com/ab}',
  ],
  [
    'what is kept at the end',
    'http://e.com/# http://e.com/?a= http://e.com/a- http://e.com/%',
    '{http://e.com/#} {http://e.com/?a=} {http://e.com/a-} {http://e.com/%}',
  ],
  [
    'upper case, addresses, localhost',
    'HTTP://E.COM http://127.0.0.1/ http://[::1]:80/ http://localhost/x',
    '{HTTP://E.COM} {http://127.0.0.1/} {http://[::1]:80/} {http://localhost/x}',
  ],
  ['user and port', 'http://u:p@e.com:81/x', '{http://u:p@e.com:81/x}'],
  [
    'E119 controls',
    'http://www.example.com[[data-msys-clicktrack="0"]] https://e.com/u[[data-msys-unsubscribe="1"]].',
    'http://www.example.com {https://e.com/u}.',
  ],
  [
    'several controls',
    'http://e.com/[[data-msys-sublink="s" data-msys-unsubscribe="1"]][[data-msys-x="2"]]!',
    '{http://e.com/}!',
  ],
  ['a control ends a URL', 'http://e.com/a[[data-msys-sublink="s"]]é', '{http://e.com/a}é'],
  [
    'what is no control',
    'http://e.com/[[x]] http://e.com/[[data-msys-',
    '{http://e.com/[[x]]} {http://e.com/}[[data-msys-',
  ],
])('%s', (_what, body, expected) => {
  expect(shown(body)).toBe(expected)
})

test.each([
  ['E121 nothing', 'https://', 'host'],
  ['E121 no host', 'http:///x', 'host'],
  ['E121 a dot', 'https://.', 'host'],
  ['E121 a hyphen', 'http://-', 'host'],
  ['no dot', 'http://intranet/x', 'host'],
  ['dots only', 'http://a..b/x', 'host'],
  ['cut at a letter', 'https://e.com/straße', 'not-ascii'],
  ['an IDN host', 'https://münchen.example/', 'host'],
  ['broken inside brackets', '<http://e.com/long\r\npath>', 'wrapped'],
  ['broken and quoted', '> <http://e.com/long\r\n> path>', 'wrapped'],
  ['too long', `http://e.com/${'x'.repeat(4100)}`, 'too-long'],
] as const)('leaves alone: %s', (_what, body, outcome) => {
  const result = track(plain(body))
  expect(result.message).toBe(plain(body))
  expect(result.explain.links).toMatchObject([{ outcome }])
})

test.each([
  'xhttp://e.com',
  'view-source:https://e.com',
  'git+https://e.com',
  '-http://e.com',
  'www.e.com',
  'ftp://e.com',
])('sees no link in %s', (body) => {
  const result = track(plain(body))
  expect(result.message).toBe(plain(body))
  expect(result.explain.links).toEqual([])
})

describe('format=flowed', () => {
  const type = 'text/plain; charset=utf-8; format=flowed'

  test('E117 the soft break and the quote mark stay', () => {
    const body = 'Read https://e.com/x \r\nand more\r\n> https://e.com/q\r\n'
    expect(track(single(type, body)).shown).toEqual([
      'Read {https://e.com/x} \r\nand more\r\n> {https://e.com/q}\r\n',
    ])
  })

  test('E117 with DelSp=yes a URL before a soft break may go on: it is left alone', () => {
    const body = 'Read https://e.com/x \r\nand https://e.com/y\r\n'
    const result = track(single(`${type}; DelSp=yes`, body))
    expect(result.shown).toEqual(['Read https://e.com/x \r\nand {https://e.com/y}\r\n'])
    expect(result.explain.links).toMatchObject([{ outcome: 'wrapped' }, { outcome: 'tracked' }])
  })
})

test('E038 inline PGP is left alone', () => {
  const body = '-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\nhttps://e.com/\r\n'
  const result = track(plain(body))
  expect(result.message).toBe(plain(body))
  expect(result.explain.parts).toEqual([{ part: 'text/plain', why: 'pgp' }])
})

test('E043 text alone gets no pixel and no HTML', () => {
  const result = track(plain('no link\r\n'))
  expect(result.message).toBe(plain('no link\r\n'))
  expect(result.explain.pixel).toBe('no-html')
})

test('E119 a control makes an unsubscribe link; link names are for HTML', () => {
  const { tracked, message } = track(
    plain(
      'http://e.com/[[data-msys-unsubscribe="1" data-msys-sublink="s" data-msys-linkname="n"]]',
    ),
  )
  expect(tracked).toMatchObject([{ action: 'unsubscribe', name: 'Raw URL' }])
  expect(message).toContain('/f/s/')
})

test('E119 controls are removed when click tracking is off', () => {
  const result = track(plain('http://e.com/[[data-msys-unsubscribe="1"]]'), {
    settings: { clicks: false },
  })
  expect(result.message).toBe(plain('http://e.com/'))
})

test('explains where each link is', () => {
  const { explain } = track(plain('a\r\nhttp://e.com/1 \r\n\r\nhttp://x http://e.com/2'))
  expect(explain.links).toEqual([
    {
      part: 'text/plain',
      start: 3,
      end: 17,
      line: 2,
      target: 'http://e.com/1',
      name: '',
      outcome: 'tracked',
      form: 'full',
    },
    {
      part: 'text/plain',
      start: 22,
      end: 30,
      line: 4,
      target: 'http://x',
      name: '',
      outcome: 'host',
    },
    {
      part: 'text/plain',
      start: 31,
      end: 45,
      line: 4,
      target: 'http://e.com/2',
      name: '',
      outcome: 'tracked',
      form: 'full',
    },
  ])
})

const message = (charset: string, body: string): string =>
  `Content-Type: text/plain; charset=${charset}\r\n\r\n${body}`

describe('charsets', () => {
  test.each([
    // In Shift_JIS the second octet of a character may be a letter or a bracket.
    ['shift_jis', '\x83Ahttp://e.com/a\x83]\r\n', '\x83A{http://e.com/a}\x83]\r\n'],
    ['big5', '\xa4@http://e.com/a \xa5\\', '\xa4@{http://e.com/a} \xa5\\'],
    ['gb18030', '\x810\x810http://e.com/a', '\x810\x810{http://e.com/a}'],
    [
      'iso-2022-jp',
      '\x1b$B$Jhttp://x.yz\x1b(Bhttp://e.com/a\x1b$B$J',
      '\x1b$B$Jhttp://x.yz\x1b(B{http://e.com/a}\x1b$B$J',
    ],
    [
      'iso-2022-kr',
      '\x1b$)C\x0e0!http://x.yz\x0f http://e.com/a~b \x0e0!\x0f',
      '\x1b$)C\x0e0!http://x.yz\x0f {http://e.com/a~b} \x0e0!\x0f',
    ],
    [
      'hz',
      '~{Gkhttp://x.yz~} http://e.com/a~~b ~{Gk~}',
      '~{Gkhttp://x.yz~} {http://e.com/a~b} ~{Gk~}',
    ],
    ['iso-8859-1', 'caf\xe9 http://e.com/a \xe9', 'caf\xe9 {http://e.com/a} \xe9'],
    // E045
    ['x-foo-bar', '\xe9 http://e.com/a', '\xe9 {http://e.com/a}'],
    ['x-foo-bar', 'http://e.com/a\xe9b', 'http://e.com/a\xe9b'],
    ['mac-roman', 'http://e.com/a\xd2\r\n', '{http://e.com/a}\xd2\r\n'],
    ['mac-roman', 'http://e.com/a\x8e\r\n', 'http://e.com/a\x8e\r\n'],
    // Wrong labels.
    ['us-ascii', '\xc3\xa9 http://e.com/a', '\xc3\xa9 {http://e.com/a}'],
    ['gb2312', '\xe2\x82\xachttp://e.com/a', '\xe2\x82\xac{http://e.com/a}'],
  ])('%s', (charset, body, expected) => {
    expect(track(message(charset, body)).shown).toEqual([expected])
  })

  test('a target in a shifting charset is the text that it stands for', () => {
    const inHtml = (charset: string, href: string) =>
      track(`Content-Type: text/html; charset=${charset}\r\n\r\n<a href="http://e.com/${href}">`)
    expect(inHtml('iso-2022-kr', '\x0e0!\x0f?~').targets).toEqual(['http://e.com/가?~'])
    expect(inHtml('hz-gb-2312', '~{Gk~}?~~').targets).toEqual(['http://e.com/请?~'])
    expect(inHtml('hz-gb-2312', 'a~\r\nb').failures).toEqual(['text/html: charset'])
  })

  test.each(['utf-16', 'utf-16le', 'utf-7', 'iso-2022-cn', 'utf-32'])(
    'E054 %s is left alone and reported',
    (charset) => {
      const body = 'h\0t\0t\0p\0 http://e.com/a'
      const result = track(message(charset, body))
      expect(result.message).toBe(message(charset, body))
      expect(result.explain.parts).toEqual([{ part: 'text/plain', why: 'charset' }])
      expect(result.failures).toEqual(['text/plain: charset'])
    },
  )
})

test('E054 a byte order mark says UTF-16 whatever the label', () => {
  const text = message('utf-8', '\xff\xfeh\0t\0t\0p\0')
  expect(track(text)).toMatchObject({ message: text, failures: ['text/plain: charset'] })
})

test('E123 the same URL in text and HTML has the same target', () => {
  const message = [
    'Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n',
    plain('https://e.com/?a=1&b=2\r\n'),
    '\r\n--b\r\n',
    html('<a href="https://e.com/?a=1&amp;b=2">x</a>\r\n'),
    '\r\n--b--\r\n',
  ].join('')
  const { targets } = track(message)
  expect(targets).toEqual(['https://e.com/?a=1&b=2', 'https://e.com/?a=1&b=2'])
})

describe('hostile input ends in time', () => {
  test.each([
    ['schemes', 'http://'.repeat(500_000)],
    ['schemes with slashes', 'http:///'.repeat(500_000)],
    ['brackets', `http://e.com/${'('.repeat(1_000_000)}${')'.repeat(1_000_001)}`],
    ['punctuation', `http://e.com/${'.'.repeat(3_000_000)}`],
    ['markers', 'http://e.com[[data-msys-'.repeat(100_000)],
    ['blanks in markers', `http://e.com[[data-msys-a${' '.repeat(1_000_000)}`],
    ['open brackets', '<http://e.com\r\n'.repeat(200_000)],
    ['labels', `http://${'a.'.repeat(1_000_000)}`],
    ['ports', `http://e.com${':1'.repeat(1_000_000)}`],
  ])('%s', (_what, body) => {
    const { links } = findInText(body, body, (slice) => slice, true)
    expect(links.every(({ start, end }) => start < end && end <= body.length)).toBe(true)
  })
})

test('a link is always a piece of the text that stands at its place', () => {
  const piece = fc.constantFrom(
    'http://',
    'HTTPS://',
    'e.com',
    '/a',
    '.',
    ',',
    '(',
    ')',
    '[',
    ']',
    '<',
    '>',
    ' ',
    '\r\n',
    '\x80',
    '"',
    '[[data-msys-clicktrack="0"]]',
    '[[data-msys-',
    '<URL:',
    ':',
    '-',
    'x',
    '?a=b',
    '#',
    '@',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), fc.boolean(), (pieces, isDelSp) => {
      const text = pieces.join('')
      const { links, cuts } = findInText(text, text, (slice) => slice, isDelSp)
      for (const link of links) expect(text.slice(link.start, link.end)).toBe(link.target)
      const ranges = [...links, ...cuts].sort((a, b) => a.start - b.start)
      ranges.reduce((end, range) => {
        expect(range.start).toBeGreaterThanOrEqual(end)
        return range.end
      }, 0)
    }),
    { seed: 2, numRuns: 2000 },
  )
})

describe('against linkify-it', () => {
  const linkify = new LinkifyIt()
    .set({ fuzzyLink: false, fuzzyEmail: false })
    .add('ftp:', null)
    .add('mailto:', null)
    .add('//', null)

  // Where the rules agree: whole host names, no unmatched brackets, colons or quotes at an end.
  const host = fc.constantFrom(
    'e.com',
    'www.example.org',
    'a-b.co.uk',
    'localhost',
    '10.0.0.1',
    'e.com:8080',
  )
  const path = fc
    .array(
      fc.constantFrom(
        '/a',
        '/b-c',
        '/~u',
        '/p1.html',
        '/@x',
        '/%20',
        '/a,b',
        '/x=1',
        '/1+2',
        '/(y)',
      ),
      {
        maxLength: 4,
      },
    )
    .map((parts) => parts.join(''))
  const query = fc.constantFrom('', '/', '?a=b', '?a=b&c=%C3%BC', '/?x', '#top', '/#a/b', '?q=a.b')
  const url = fc
    .tuple(fc.constantFrom('http://', 'https://', 'HTTP://'), host, path, query)
    .map((pieces) => pieces.join(''))
  const between = fc.constantFrom(' ', '\r\n', '. ', ', ', '; ', '! ', '? ', ' x ', '" ', '... ')
  const piece = fc.oneof(
    url,
    url.map((each) => `<${each}>`),
    url.map((each) => `(see ${each})`),
    between,
    fc.constantFrom('word', 'e.com', 'a@b.example', 'ftp://e.com/'),
  )

  test('finds the same URLs in the same places', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(piece, between), { maxLength: 8 }), (pieces) => {
        const text = pieces.flat().join('')
        const expected = linkify.match(text)?.map(({ index, raw }) => `${index} ${raw}`) ?? []
        const { links } = findInText(text, text, (slice) => slice, false)
        const found = links.filter(({ refusal }) => !refusal)
        expect(found.map(({ start, target }) => `${start} ${target}`)).toEqual(expected)
      }),
      { seed: 3, numRuns: 1500 },
    )
  })
})
