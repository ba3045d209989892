import * as fc from 'fast-check'
import { type DefaultTreeAdapterTypes, parse } from 'parse5'
import { describe, expect, test } from 'vitest'
import { findInHtml } from '../../src/tracking/html.ts'
import { html, track } from './track.ts'

const find = (text: string) => findInHtml(text, text, (slice) => slice)

/** The part with tracked links as `{target}`; without the pixel. */
const shown = (body: string): string =>
  track(html(body), { settings: { opens: false } }).shown[0] ?? ''

const labelled = (charset: string, value: string): string =>
  `Content-Type: text/html; charset=${charset}\r\n\r\n<a href="http://e.com/${value}">`

describe('links that are tracked', () => {
  test.each([
    [
      'E062 &#038;',
      '<a href="https://e.com/?key=x&#038;action=rp">',
      'https://e.com/?key=x&action=rp',
    ],
    [
      'E064 legacy names without semicolon',
      '<a href="https://e.com/pay?amount=300.0&currency_id=1&copy=2&region=3">',
      'https://e.com/pay?amount=300.0&currency_id=1&copy=2&region=3',
    ],
    ['E064 counter-check', '<a href="https://e.com/?&copy;x">', 'https://e.com/?©x'],
    [
      'E065 apostrophe',
      `<a href="https://e.com/maps/Jack+Astor's+Bar+%26+Grill/@43.7,-79.3,17z/data=!3m2">`,
      `https://e.com/maps/Jack+Astor's+Bar+%26+Grill/@43.7,-79.3,17z/data=!3m2`,
    ],
    ['E066 single quotes', `<a href='https://e.com/"q"'>`, 'https://e.com/"q"'],
    ['E066 no quotes', '<a href=https://e.com/u?x=1>', 'https://e.com/u?x=1'],
    ['E067 blanks around =', '<a href = "https://e.com/">', 'https://e.com/'],
    ['E067 blank behind =', '<a href= "https://e.com/b">', 'https://e.com/b'],
    ['E074 root', '<a href="http://www.google.com/">', 'http://www.google.com/'],
    ['E075 @ in path', '<a href="http://test.com/p1/p3@p4/p5/">', 'http://test.com/p1/p3@p4/p5/'],
    ['E080 space in path', '<a href="https://e.com/App (1).png">', 'https://e.com/App (1).png'],
    ['E081 blanks around the URL', '<a href=" https://e.com/x\n">', 'https://e.com/x'],
    ['E081 line break inside', '<a href="https://e.com/a\r\nb">', 'https://e.com/ab'],
    ['E082 fragment', '<a href="https://e.com/p/#color=grün">', 'https://e.com/p/#color=grün'],
    [
      'E088 image map',
      '<map name=m><area shape=rect href="https://e.com/about"/></map>',
      'https://e.com/about',
    ],
    [
      'E100 another tracker',
      '<a href="https://lm.example/link/u1/u2">',
      'https://lm.example/link/u1/u2',
    ],
    [
      'E142 CR and LF',
      '<a href="https://e.com/&#13;&#10;Set-Cookie:x=1">',
      'https://e.com/Set-Cookie:x=1',
    ],
    ['upper case', '<A CLASS=x HREF="HTTPS://E.com/X">', 'HTTPS://E.com/X'],
    ['entity at the start', '<a href="&#104;ttps://e.com/">', 'https://e.com/'],
    ['entity beside both kinds of quotes', `<a href=https://e.com/'"&amp;>`, `https://e.com/'"&`],
    ['line breaks in the tag', '<a\r\n  href\r\n=\r\n"https://e.com/">', 'https://e.com/'],
    ['a CDATA section is a bogus comment', '<![CDATA[ > <a href="http://e.com/">', 'http://e.com/'],
    [
      'downlevel-revealed',
      '<!--[if !mso]><!--><a href="http://e.com/"><!--<![endif]-->',
      'http://e.com/',
    ],
    ['--!> ends a comment', '<!-- --!><a href="http://e.com/">', 'http://e.com/'],
  ])('%s', (_what, body, target) => {
    const result = track(html(body))
    expect(result.targets).toEqual([target])
    expect(result.explain.links).toMatchObject([{ outcome: 'tracked', target, form: 'full' }])
  })

  test('a target is text whatever the charset', () => {
    expect(track(labelled('iso-8859-1', 'gr\xfcn')).targets).toEqual(['http://e.com/grün'])
    expect(track(labelled('utf-8', 'gr\xc3\xbcn')).targets).toEqual(['http://e.com/grün'])
    expect(track(labelled('shift_jis', '\x8f\xac\x94\x9e')).targets).toEqual(['http://e.com/小麦'])
    expect(track(labelled('cp932', '\x8f\xac\x94\x9e')).targets).toEqual(['http://e.com/小麦'])
    expect(track(labelled('win-1251', '\xe4\xe0')).targets).toEqual(['http://e.com/да'])
    expect(track(labelled('mac-roman', 'gr\x9fn')).targets).toEqual(['http://e.com/grün'])
  })

  const page = (meta: string, value: string): string =>
    `Content-Type: text/html\r\n\r\n<html><head>${meta}</head><a href="http://e.com/${value}">`

  test.each([
    ['<meta charset=koi8-r>', '\xc4\xc1', 'да'],
    ['<META charset = "shift_jis">', '\x8f\xac', '小'],
    ['<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">', '\xe4', 'д'],
    ['<meta charset="utf-16">', 'gr\xfcn', 'grün'],
    ['<meta name="x" content="charset">', 'gr\xfcn', 'grün'],
    [`${'<!-- -->'.repeat(200)}<meta charset=koi8-r>`, 'gr\xfcn', 'grün'],
  ])('without a label of the part %s counts', (meta, value, expected) => {
    expect(track(page(meta, value)).targets).toEqual([`http://e.com/${expected}`])
  })

  test('a label of the part counts before one of the document', () => {
    const message = page('<meta charset=koi8-r>', 'gr\xfcn')
    const type = 'Content-Type: text/html; charset=iso-8859-1'
    expect(track(message.replace('Content-Type: text/html', type)).targets).toEqual([
      'http://e.com/grün',
    ])
  })

  test('E072 repeated links each resolve to their own target', () => {
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => `http://e.com/${name}`)
    const order = [a, b, c, a, a, d]
    expect(track(html(order.map((url) => `<a href="${url}">x</a>`).join(''))).targets).toEqual(
      order,
    )
  })

  test('E073 one URL may be the prefix of another', () => {
    const urls = ['https://e.com', 'https://e.com/a', 'https://e.com/ab']
    expect(track(html(urls.map((url) => `<a href="${url}">x</a>`).join(''))).targets).toEqual(urls)
  })

  test('E066 quote style and all other bytes of the tag stay', () => {
    expect(
      shown(`<a  class='l' href='https://e.com/"q"' id=x>y</a ><a href=https://e.com/u>z</a>`),
    ).toBe(`<a  class='l' href='{https://e.com/"q"}' id=x>y</a ><a href={https://e.com/u}>z</a>`)
  })

  test('of two href attributes the first counts', () => {
    expect(shown('<a href="http://e.com/1" href="http://e.com/2">')).toBe(
      '<a href="{http://e.com/1}" href="http://e.com/2">',
    )
  })
})

describe('what is left alone', () => {
  test.each([
    ['x-unknown', 'gr\xfcn'],
    ['hex', 'gr\xfcn'],
    ['shift_jis', 'a\x85\x20b'],
  ])('a target in %s that nobody can read', (charset, value) => {
    const result = track(labelled(charset, value))
    expect(result.targets).toEqual([])
    expect(result.message).toContain(`<a href="http://e.com/${value}">`)
    expect(result.explain.links).toMatchObject([{ outcome: 'unreadable' }])
  })

  test.each([
    ['E084 mailto', '<a href="mailto:a@e.com?subject=http://e.com">', 'scheme'],
    ['E084 tel', '<a href="tel:+1">', 'scheme'],
    ['E084 sms', '<a href="sms:+1">', 'scheme'],
    ['E085 javascript', '<a href="javascript:alert(1)//http://e.com">', 'scheme'],
    ['E085 data', `<a href="data:text/html,<a href=http://e.com>">`, 'scheme'],
    ['E085 vbscript', '<a href="vbscript:x">', 'scheme'],
    ['E101 relative', '<base href="https://e.com/"><a href="x">', 'scheme'],
    ['fragment', '<a href="#top">', 'scheme'],
    ['no scheme', '<a href="//e.com/x">', 'scheme'],
    ['no value', '<a href>', 'scheme'],
    ['no host', '<a href="https://">', 'malformed'],
    ['slashes that only browsers skip', '<a href="http:///e.com/x">', 'malformed'],
    ['a host that is none', '<a href="http://a b/">', 'malformed'],
    ['too long', `<a href="http://e.com/${'x'.repeat(4100)}">`, 'too-long'],
  ] as const)('%s', (_what, body, outcome) => {
    const result = track(html(body), { settings: { opens: false } })
    expect(result.message).toBe(html(body))
    expect(result.explain.links).toMatchObject([{ outcome }])
  })

  test.each([
    [
      'E087 other elements',
      '<link href="https://f.e.com/c.css"><img src="https://e.com/i"><form action="https://e.com/f"><p style="background:url(https://e.com/b.png)">',
    ],
    ['E091 a comment', '<!-- <a href="https://e.com/old">x</a> -->'],
    [
      'a conditional comment',
      '<!--[if mso]><v:roundrect href="https://e.com/"><a href="https://e.com/"><![endif]-->',
    ],
    [
      'raw text',
      '<style>a[href="x"] <a href="https://e.com/"></style><script>"<a href=https://e.com/>"</script><textarea><a href="https://e.com/"></textarea><title><a href="https://e.com/"></title>',
    ],
    [
      'an attribute that only ends in href',
      '<a data-href="https://e.com/" xlink:href="https://e.com/">',
    ],
    ['an href inside a value', `<a title='href="https://e.com/"'>`],
    ['<abbr>', '<abbr href="https://e.com/">'],
    ['E103 an unterminated tag', '<p>hi <a href="https://e.com/x'],
    ['E026 braces in CSS', '<style>@media screen{.a{color:red}}</style><p>{x}</p>'],
  ])('%s', (_what, body) => {
    expect(track(html(body), { settings: { opens: false } }).message).toBe(html(body))
  })

  test('E092 visible text stays, only the href changes', () => {
    expect(shown('<p>https://e.com/a</p><a href="https://e.com/b">https://e.com/b</a>')).toBe(
      '<p>https://e.com/a</p><a href="{https://e.com/b}">https://e.com/b</a>',
    )
  })

  test('E093 only hrefs and the pixel differ', () => {
    const body = `<table><td>It&#x27;s&nbsp;<br/><a href="http://e.com/">"x'</a><o:p></o:p>\xff</table>`
    const message = `Content-Type: text/html\r\n\r\n${body}\r\n`
    expect(track(message).shown).toEqual([
      `${body.replace('http://e.com/', '{http://e.com/}')}[pixel]\r\n`,
    ])
  })
})

describe('controls of a link', () => {
  test('E095 data-msys-clicktrack="0" leaves the link and goes away', () => {
    const body =
      '<a href="https://e.com/" data-msys-clicktrack="0">x</a><a href="https://e.com/2">y</a>'
    expect(shown(body)).toBe('<a href="https://e.com/">x</a><a href="{https://e.com/2}">y</a>')
    expect(track(html(body)).explain.links.map(({ outcome }) => outcome)).toEqual([
      'opted-out',
      'tracked',
    ])
  })

  test('E096 a link name is cut at 63 bytes between characters', () => {
    const { tracked } = track(
      html(
        `<a data-msys-linkname="${'ä'.repeat(64)}" href="http://e.com/1"><a href="http://e.com/2">`,
      ),
    )
    expect(tracked.slice(0, 2).map(({ name }) => name)).toEqual(['ä'.repeat(31), 'Raw URL'])
  })

  test('data-msys-unsubscribe makes the click an unsubscribe', () => {
    const { tracked } = track(html('<a href="http://e.com/u" data-msys-unsubscribe="1">'))
    expect(tracked[0]).toMatchObject({ action: 'unsubscribe', target: 'http://e.com/u' })
  })

  test('data-msys-sublink becomes part of the path; one that cannot is ignored', () => {
    const { message } = track(
      html(
        '<a href="http://e.com/1" data-msys-sublink="open-in-app"><a href="http://e.com/2" data-msys-sublink="a/b">',
      ),
    )
    expect(message).toContain('"http://track.example:8080/f/open-in-app/')
    expect(message).toContain('"http://track.example:8080/f/a/')
    expect(message).not.toContain('data-msys')
  })

  test.each([
    ['<a href=http://e.com/a data-msys-linkname="y"/>', '<a href={http://e.com/a} />'],
    ['<a data-msys-linkname="n" href="http://e.com/">', '<a href="{http://e.com/}">'],
    ['<a data-msys-linkname="n"href="http://e.com/">', '<a href="{http://e.com/}">'],
    [
      '<a href="http://e.com/"\r\n   data-msys-linkname=n\r\n   id=x>',
      '<a href="{http://e.com/}"\r\n   id=x>',
    ],
    ['<a href="http://e.com/"data-msys-linkname="n"/>', '<a href="{http://e.com/}"/>'],
    ['<a href=http://e.com/ data-msys-linkname>', '<a href={http://e.com/}>'],
    ['<a data-msys-linkname="a" id=x data-msys-sublink="b">', '<a id=x>'],
  ])('%s', (body, expected) => {
    expect(shown(body)).toBe(expected)
  })

  test('they are removed when click tracking is off', () => {
    const body = '<a href="https://e.com/" data-msys-linkname="n">x</a>'
    const result = track(html(body), { settings: { clicks: false, opens: false } })
    expect(result.message).toBe(html('<a href="https://e.com/">x</a>'))
    expect(result.explain.links).toMatchObject([{ outcome: 'off', name: 'n' }])
  })
})

describe('the pixel', () => {
  test.each([
    [
      'E125 last body end',
      '<body>1</body><body>2</BODY >\r\n',
      '<body>1</body><body>2[pixel]</BODY >\r\n',
    ],
    ['E126 no end tag', '<html><body><h1>x</h1>', '<html><body><h1>x</h1>[pixel]'],
    ['only </html>', '<h1>x</h1></html>\r\n', '<h1>x</h1>[pixel]</html>\r\n'],
    ['a fragment, before its final CRLF', '<p>x</p>\r\n', '<p>x</p>[pixel]\r\n'],
    ['E042 only line ends', '\r\n\r\n', '\r\n[pixel]\r\n'],
    ['E057 blanks at the end', '<p></html>\t \r\n', '<p>[pixel]</html>\t \r\n'],
    ['not in a comment', '<p></body><!-- </body> -->', '<p>[pixel]</body><!-- </body> -->'],
    [
      'not in raw text',
      '<p></body><script>"</body>"</script>',
      '<p>[pixel]</body><script>"</body>"</script>',
    ],
    ['not in an attribute', '<p title="</body>">', '<p title="</body>">[pixel]'],
    ['not in an unterminated tag', '<p>hi <a href="x', '<p>hi [pixel]<a href="x'],
    ['not in an unterminated comment', '<p>hi <!-- x', '<p>hi [pixel]<!-- x'],
    ['not in unterminated raw text', '<p>hi <style>x', '<p>hi [pixel]<style>x'],
    ['behind an entity', '<p>&amp;', '<p>&amp;[pixel]'],
  ])('%s', (_what, body, expected) => {
    const result = track(html(body))
    expect(result.shown).toEqual([expected])
    expect(result.explain.pixel).toBe('inserted')
  })

  test('E129 E131 has its own scheme and an empty alt', () => {
    const { message } = track(html('<a href="http://e.com/">'), {
      settings: { openScheme: 'https' },
    })
    expect(message).toMatch(
      /<a href="http:\/\/track\.example:8080\/f\/a\/[\w-]+\/[\w-]+"><img border="0" width="1" height="1" alt="" src="https:\/\/track\.example:8080\/q\/[\w-]+\/[\w-]+">$/,
    )
  })
})

describe('hostile input', () => {
  test('E102 a 10 MB data URI stays as it is', () => {
    const image = `<img src="data:image/png;base64,${'A'.repeat(10_000_000)}">`
    const result = track(html(`${image}<a href="http://e.com/">`), { settings: { opens: false } })
    expect(result.parts[0]?.text).toContain(image)
    expect(result.targets).toEqual(['http://e.com/'])
  })

  test.each([
    ['an unterminated value', `<img src="${'a'.repeat(5_000_000)}`],
    ['open tags', '<a '.repeat(1_000_000)],
    ['hrefs', `<a ${'href=x '.repeat(500_000)}>`],
    ['controls', `<a ${'data-msys-x=1 '.repeat(300_000)}>`],
    ['blanks in a tag', `<a ${' '.repeat(5_000_000)}href=x>`],
    ['blanks around a target', `<a href="${' '.repeat(2_000_000)}x${' '.repeat(2_000_000)}y">`],
    ['ends without end', '</a '.repeat(1_000_000)],
    ['comments', '<!--'.repeat(1_000_000)],
    ['CDATA', '<![CDATA['.repeat(300_000)],
    ['ampersands', `<a href="http://e.com/${'&'.repeat(1_000_000)}">`],
    ['entities', `<a href="http://e.com/${'&am'.repeat(500_000)}">`],
  ])('%s end in time', (_what, body) => {
    const { links, cuts, pixelAt } = find(body)
    expect([...links, ...cuts].every(({ start, end }) => start <= end && end <= body.length)).toBe(
      true,
    )
    expect(pixelAt).toBeLessThanOrEqual(body.length)
  })

  test('E107 1,500 links are all tracked', () => {
    const urls = [...Array(1500).keys()].map((i) => `http://e.com/${i}`)
    expect(track(html(urls.map((url) => `<a href="${url}">\r\n`).join(''))).targets).toEqual(urls)
  })
})

describe('against parse5', () => {
  type Node = DefaultTreeAdapterTypes.Node

  /** Each as `target start-end`: the octets of its value, between quotes where there are any. */
  const hrefsOf = (text: string): string[] => {
    const found: string[] = []
    const visit = (node: Node): void => {
      if ('tagName' in node && (node.tagName === 'a' || node.tagName === 'area')) {
        const href = node.attrs.find(({ name }) => name === 'href')
        const place = node.sourceCodeLocation?.attrs?.['href']
        if (href && place) {
          const source = text.slice(place.startOffset, place.endOffset)
          const [head = '', quote] = /^href\s*(?:=\s*(["']?))?/i.exec(source) ?? []
          const target = href.value.trim().replace(/[\t\n\r]/g, '')
          const end = place.endOffset - (quote ? 1 : 0)
          found.push(`${target} ${place.startOffset + head.length}-${end}`)
        }
      }
      if ('childNodes' in node) node.childNodes.forEach(visit)
      if ('content' in node) visit(node.content)
    }
    visit(parse(text, { sourceCodeLocationInfo: true }))
    return found
  }

  const piece = fc.constantFrom(
    '<a href="http://e.com/',
    '">',
    '<a href=http://e.com/',
    ' href=x',
    "<a HREF='y",
    "'>",
    '</a>',
    '<!--',
    '-->',
    '--!>',
    '<!-->',
    '<![CDATA[',
    ']]>',
    '<!doctype html>',
    '<?x',
    '>',
    '<',
    '</',
    '/',
    '<p title="',
    '"',
    "'",
    '=',
    ' ',
    '\n',
    '&amp;',
    '&copy',
    '&copy;',
    '&#38;',
    '&#x26',
    '&',
    ';',
    '1',
    '<style>',
    '</style>',
    '<script>',
    '</script >',
    '<!--<script',
    '</script',
    '-',
    '!',
    '</p title="',
    '<xmp>',
    '</xmp/',
    '<noembed>',
    '<title>',
    '</title>',
    '<textarea>',
    '</textarea',
    '<area href="z">',
    '<b>',
    '</b>',
    'text',
    '</body>',
    '<abbr href=q>',
  )

  test('an end tag has attributes too, whose values may hold a ">"', () => {
    const page = `<a href="http://e.com/1">x</a b='1' c = '><a href="http://e.com/2">'><a href="http://e.com/3">`
    expect(track(html(page)).targets).toEqual(['http://e.com/1', 'http://e.com/3'])
  })

  test.each([
    ['a script ends in a comment', '<script><!-- </script><a href="http://e.com/">', 1],
    ['but not in a script there', '<script><!-- <script> </script><a href="http://e.com/">', 0],
    [
      'whose own end counts',
      '<script><!-- <script> </script> </script><a href="http://e.com/">',
      1,
    ],
    [
      'as does the end of the comment',
      '<script><!-- <script> --></script><a href="http://e.com/">',
      1,
    ],
    ['which may be there at once', '<script><!--><script></script><a href="http://e.com/">', 1],
    ['nothing ends plain text', '<plaintext></plaintext><a href="http://e.com/">', 0],
    ['an end tag needs its whole name', '<xmp></xmpx><a href="http://e.com/"></xmp>', 0],
  ])('%s', (_what, page, count) => {
    expect(hrefsOf(page)).toHaveLength(count)
    expect(find(page).links).toHaveLength(count)
  })

  test('finds the same links in the same places', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 25 }), (pieces) => {
        // As sets: the tree builder may move and clone elements.
        const text = pieces.join('')
        const expected = new Set(hrefsOf(text))
        const found = new Set(
          find(text).links.map(({ target, start, end }) => `${target} ${start}-${end}`),
        )
        expect(found).toEqual(expected)
      }),
      { seed: 1, numRuns: 3000 },
    )
  })
})
