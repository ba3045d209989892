// Tracking cases, from SMTP in to the next hop and back by a click: which links are tracked, and where
// each leads. `{target}` stands for a tracked URL whose click answers 302 with that Location.
import { describe, expect, test } from 'vitest'
import { html, plain, trackedServer } from '../support/tracked.ts'

const tracked = trackedServer()
const octets = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')

async function inHtml(body: string): Promise<string> {
  const { shown } = await tracked.one(html(body))
  return shown[0] ?? ''
}

async function inText(body: string): Promise<string> {
  const { shown } = await tracked.one(plain(body))
  return shown[0] ?? ''
}

describe('HTML: tracked', () => {
  test.each([
    [
      'E062',
      '<a href="https://e.com/?key=x&#038;action=rp">x</a>',
      '<a href="{https://e.com/?key=x&action=rp}">x</a>',
    ],
    [
      'E064 legacy names without semicolon',
      '<a href="https://e.com/pay?amount=300.0&currency_id=1&copy=2&region=3">x</a>',
      '<a href="{https://e.com/pay?amount=300.0&currency_id=1&copy=2&region=3}">x</a>',
    ],
    [
      'E064 with one',
      '<a href="https://e.com/?&copy;x">x</a>',
      '<a href="{https://e.com/?%C2%A9x}">x</a>',
    ],
    [
      'E065',
      `<a href="https://e.com/maps/Jack+Astor's+Bar+%26+Grill/@43.7,-79.3,17z/data=!3m2">x</a>`,
      `<a href="{https://e.com/maps/Jack+Astor's+Bar+%26+Grill/@43.7,-79.3,17z/data=!3m2}">x</a>`,
    ],
    [
      'E066',
      `<a href='https://e.com/"q"'>x</a> <a href=https://e.com/u?x=1>z</a>`,
      `<a href='{https://e.com/"q"}'>x</a> <a href={https://e.com/u?x=1}>z</a>`,
    ],
    [
      'E067',
      '<a href = "https://e.com/">x</a><a href= "https://e.com/b">x</a>',
      '<a href = "{https://e.com/}">x</a><a href= "{https://e.com/b}">x</a>',
    ],
    [
      'E072',
      'ABCAAD'.replace(/./g, '<a href="https://$&.com/">$&</a>'),
      'ABCAAD'.replace(/./g, '<a href="{https://$&.com/}">$&</a>'),
    ],
    [
      'E073',
      '<a href="https://e.com">1</a><a href="https://e.com/a">2</a><a href="https://e.com/ab">3</a>',
      '<a href="{https://e.com}">1</a><a href="{https://e.com/a}">2</a><a href="{https://e.com/ab}">3</a>',
    ],
    ['E074', '<a href="http://www.google.com/">x</a>', '<a href="{http://www.google.com/}">x</a>'],
    [
      'E075',
      '<a href="http://test.com/p1/p3@p4/p5/">x</a>',
      '<a href="{http://test.com/p1/p3@p4/p5/}">x</a>',
    ],
    [
      'E080',
      '<a href="https://e.com/App (1).png">x</a>',
      '<a href="{https://e.com/App%20(1).png}">x</a>',
    ],
    [
      'E081',
      '<a href=" https://e.com/x\r\n">x</a><a href="https://e.com/a\r\nb">y</a><a href="https://e.com/\tc">z</a>',
      '<a href="{https://e.com/x}">x</a><a href="{https://e.com/ab}">y</a><a href="{https://e.com/c}">z</a>',
    ],
    [
      'E082',
      '<a href="https://e.com/p/#color=grün">x</a>',
      '<a href="{https://e.com/p/#color=gr%C3%BCn}">x</a>',
    ],
    [
      'E088',
      '<map name=m><area shape=rect coords="0,0,9,9" href="https://e.com/about"/></map>',
      '<map name=m><area shape=rect coords="0,0,9,9" href="{https://e.com/about}"/></map>',
    ],
    [
      'E092 visible text stays',
      '<p>https://e.com/a</p><a href="https://e.com/b">https://e.com/b</a>',
      '<p>https://e.com/a</p><a href="{https://e.com/b}">https://e.com/b</a>',
    ],
    [
      'E100',
      '<a href="https://lm.example/link/uuid1/uuid2">x</a>',
      '<a href="{https://lm.example/link/uuid1/uuid2}">x</a>',
    ],
    [
      'E101',
      '<base href="https://e.com/"><a href="x">x</a><a href="https://e.com/y">y</a>',
      '<base href="https://e.com/"><a href="x">x</a><a href="{https://e.com/y}">y</a>',
    ],
  ])('%s: %s', async (_, body, expected) => {
    expect(await inHtml(body)).toBe(`${expected}[pixel]\r\n`)
  })

  test('E093 nothing else of the page changes', async () => {
    const page = (url: string) =>
      `<table><tr><td>It&#x27;s &nbsp; ok<br/><td title=a'b x = "c">u<o:p></o:p><A HREF='${url}' >x</A ></table>`
    expect(await inHtml(page('https://e.com/'))).toBe(`${page('{https://e.com/}')}[pixel]\r\n`)
  })

  test('E102 a data URI of 10 MB stays as it is, the link beside it is tracked', async () => {
    const image = `<img src="data:image/png;base64,${'iVBORw0KGgo='.repeat(900_000)}">`
    const text = await inHtml(`${image}<a href="https://e.com/">x</a>`)
    expect(text.startsWith(image)).toBe(true)
    expect(text.slice(image.length)).toBe('<a href="{https://e.com/}">x</a>[pixel]\r\n')
  })

  test('E102 so does a tag of 5 MB that never ends', async () => {
    const tag = `<img src="${'a'.repeat(5_000_000)}`
    const text = await inHtml(`<a href="https://e.com/">x</a>${tag}`)
    expect(text).toBe(`<a href="{https://e.com/}">x</a>[pixel]${tag}\r\n`)
  })

  test('E107 1,500 links are all tracked', async () => {
    const list = (url: (i: number) => string) =>
      Array.from({ length: 1500 }, (_, i) => `<a href="${url(i)}">${i}</a>\r\n`).join('')
    const copy = await tracked.one(html(list((i) => `https://e.com/${i % 40}`)))
    expect(copy.shown[0]).toBe(`${list((i) => `{https://e.com/${i % 40}}`)}[pixel]\r\n`)
  })
})

describe('HTML: left alone', () => {
  test.each([
    ['E084', '<a href="mailto:a@e.com?subject=http://e.com">x</a>'],
    ['E084', '<a href="tel:+1">x</a><a href="sms:+1">y</a>'],
    ['E085', '<a href="javascript:alert(1)//http://e.com">x</a>'],
    ['E085', '<a href="data:text/html,<a href=http://e.com>">x</a>'],
    ['E085', '<a href="vbscript:x">x</a>'],
    ['E087', '<link href="https://fonts.e.com/c.css"><img src="https://e.com/i.png">'],
    ['E087', '<form action="https://e.com/f"><p style="background:url(https://e.com/b.png)">'],
    ['E091', '<!-- <a href="https://e.com/old">x</a> -->'],
  ])('%s: %s', async (_, body) => {
    expect(await inHtml(body)).toBe(`${body}[pixel]\r\n`)
  })

  test('E103 a tag that the end of the part leaves open', async () => {
    const body = '<p>hi <a href="https://e.com/x'
    expect(await inHtml(body)).toBe(`<p>hi [pixel]${body.slice('<p>hi '.length)}\r\n`)
  })
})

describe('HTML: controls', () => {
  test('E095 data-msys-clicktrack="0" keeps the URL and goes away', async () => {
    const body =
      '<a href="https://e.com/" data-msys-clicktrack="0">a</a><a href="https://e.com/">b</a>'
    expect(await inHtml(body)).toBe(
      '<a href="https://e.com/">a</a><a href="{https://e.com/}">b</a>[pixel]\r\n',
    )
  })

  test('E096 a link name of 63 octets at most, in whole characters; else "Raw URL"', async () => {
    const body = `<a data-msys-linkname="${'ä'.repeat(64)}" href="https://e.com/1">a</a><a href="https://e.com/2">b</a>`
    await tracked.pass(html(body), ['e096@rcpt.example'])
    const events = await tracked.events('e096@rcpt.example', 'open')
    const clicks = events.filter(({ type }) => type === 'click')
    expect(clicks.map((event) => event['target_link_name'])).toEqual(['ä'.repeat(31), 'Raw URL'])
  })
})

describe('text: tracked', () => {
  test.each([
    ['E075', 'see http://test.com/p1/p3@p4/p5/ now', 'see {http://test.com/p1/p3@p4/p5/} now'],
    [
      'E073',
      'https://e.com https://e.com/a https://e.com/ab',
      '{https://e.com} {https://e.com/a} {https://e.com/ab}',
    ],
    [
      'E109',
      'See http://mydomain.com. Then https://e.com/a?b=1, or https://e.com/x!',
      'See {http://mydomain.com}. Then {https://e.com/a?b=1}, or {https://e.com/x}!',
    ],
    [
      'E110',
      '<http://example.com/wp-login.php?action=rp&key=K&login=U>',
      '<{http://example.com/wp-login.php?action=rp&key=K&login=U}>',
    ],
    ['E110', 'Example <https://example.com/>', 'Example <{https://example.com/}>'],
    [
      'E111',
      '(http://somesite.com) and (see https://e.com/a)',
      '({http://somesite.com}) and (see {https://e.com/a})',
    ],
    [
      'E113',
      'https://example.org/wp-content/~u/a-b.html',
      '{https://example.org/wp-content/~u/a-b.html}',
    ],
    [
      'E115',
      'https://e.com/?id=foo,bar, http://a.com, http://b.com',
      '{https://e.com/?id=foo,bar}, {http://a.com}, {http://b.com}',
    ],
    ['E116', '詳細はhttps://e.com/aをご覧ください。', '詳細は{https://e.com/a}をご覧ください。'],
    [
      'E119',
      'http://www.example.com[[data-msys-clicktrack="0"]] https://e.com/u[[data-msys-unsubscribe="1"]].',
      'http://www.example.com {https://e.com/u}.',
    ],
  ])('%s: %s', async (_, body, expected) => {
    expect(await inText(body)).toBe(`${octets(expected)}\r\n`)
  })

  test('E119 an unsubscribe link is reported as that', async () => {
    const body = 'https://e.com/u[[data-msys-unsubscribe="1"]].'
    await tracked.pass(plain(body), ['e119@rcpt.example'])
    const events = await tracked.events('e119@rcpt.example', 'link_unsubscribe')
    expect(events.some(({ type }) => type === 'click')).toBe(false)
    const hit = events.find(({ type }) => type === 'link_unsubscribe')
    expect(hit).toMatchObject({
      class: 'unsubscribe_event',
      mailfrom: 'news@sender.example',
      target_link_url: 'https://e.com/u',
    })
  })

  test('E117 format=flowed: soft breaks and quote marks stay', async () => {
    const body = 'Read https://e.com/x \r\nand more\r\n> https://e.com/q\r\n'
    const message = `Content-Type: text/plain; format=flowed\r\n\r\n${body}`
    const { shown } = await tracked.one(message)
    expect(shown).toEqual(['Read {https://e.com/x} \r\nand more\r\n> {https://e.com/q}\r\n'])
  })
})

test.each(['https://', 'http:///x', 'https://.', 'http://-'])(
  'E121 text: left alone: %s',
  async (body) => {
    expect(await inText(`${body} end`)).toBe(`${body} end\r\n`)
  },
)

test('E123 the same URL in text and HTML leads to the same place', async () => {
  const part = (type: string, text: string) => `--b\r\nContent-Type: ${type}\r\n\r\n${text}\r\n`
  const { shown } = await tracked.one(
    'Content-Type: multipart/alternative; boundary=b\r\n\r\n' +
      part('text/plain', 'see https://e.com/same') +
      part('text/html', '<a href="https://e.com/same">x</a>') +
      '--b--\r\n',
  )
  expect(shown).toEqual(['see {https://e.com/same}', '<a href="{https://e.com/same}">x</a>[pixel]'])
})
