// The content of messages from Lua: body, raw, text, MIME tree and parts.
import { describe, expect, test } from 'vitest'
import { rawOf, sealContent } from '../../src/msys/content.ts'
import { runLua } from '../support/policy.ts'

const PLAIN = 'Subject: a\r\n\r\none\r\ntwo\r\n'
const TWO =
  'Subject: a\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n' +
  '--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\ncaf=E9\r\n' +
  '--b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\nX-A: 1\r\n\r\nPGI+aMOpPC9iPg==\r\n' +
  '--b--\r\n'
const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')

async function runSnippet(code: string, options: Parameters<typeof runLua>[1]) {
  const { said, subject } = await runLua(code, options)
  return { said, mail: rawOf(subject.msg).toString('latin1') }
}

/** The message after a snippet. */
const changed = async (code: string, mail = PLAIN): Promise<string> => {
  const { mail: after, said } = await runSnippet(code, { mail })
  expect(said).toBe('')
  return after
}

describe('msg:body', () => {
  test.each([
    ['say(msg:body())', 'one\r\ntwo\r\n'],
    ['say(msg:body("x\\r\\n.\\r\\n"))', 'x\r\n'],
    ['say(msg:body({}))', /ERROR .*msg:body: bad argument #1 \(string expected, got table\): text/],
    ['msg.body()', /ERROR .*bad self/],
  ])('%s', async (code, said) => {
    expect((await runSnippet(code, { mail: PLAIN })).said).toMatch(matching(said))
  })

  test.each([
    ['msg:body("new\\r\\n.\\r\\n")', 'new\r\n'],
    ['msg:body("new")', 'new\r\n'],
    ['msg:body("a\\nb\\rc\\r\\n")', 'a\r\nb\r\nc\r\n'],
    ['msg:body(".\\r\\n")', ''],
    ['msg:body("")', ''],
    ['msg:body("a\\r\\n..\\r\\n")', 'a\r\n..\r\n'],
    ['msg:body("\\0\\255\\r\\n.\\r\\n")', '\0\xff\r\n'],
  ])('%s', async (code, body) => {
    expect(await changed(code)).toBe(`Subject: a\r\n\r\n${body}`)
  })

  test('gives a message without body one', async () => {
    expect(await changed('msg:body("x\\r\\n")', 'Subject: a\r\n')).toBe('Subject: a\r\n\r\nx\r\n')
  })
})

describe('msg:raw', () => {
  test('gives the message and its length', async () => {
    const { said } = await runSnippet('say(msg:raw())', { mail: PLAIN })
    expect(said).toBe(`${PLAIN} 24`)
  })

  test('replaces the message', async () => {
    expect(await changed('msg:raw("X: y\\n\\nnew\\r\\n.\\r\\n") msg:header("Z", "1")')).toBe(
      'X: y\r\nZ: 1\r\n\r\nnew\r\n',
    )
  })

  test.each([
    ['say(msg:get_message_size())', '24'],
    ['msg:header("X", "y") say(msg:get_message_size())', '30'],
    ['local s = E.string_new() msg:render_to_string(s, E.EC_MSG_RENDER_OMIT_DOT) say(#s)', '24'],
    ['local s = E.string_new() msg:render_to_string(s) say(s.buffer)', `${PLAIN}.\r\n`],
    ['msg:render_to_string("s")', /ERROR .*ec_string or io_object expected, got string/],
  ])('%s', async (code, said) => {
    expect((await runSnippet(code, { mail: PLAIN })).said).toMatch(matching(said))
  })
})

describe('msg:text', () => {
  test.each([
    [PLAIN, 'say(msg:text())', 'one\r\ntwo\r\n'],
    [TWO, 'say(msg:text())', `{${utf8('café')},${utf8('<b>hé</b>')}}`],
    ['Content-Type: image/png\r\n\r\nx\r\n', 'say(msg:text())', 'nil'],
    [
      'Content-Type: text/x\r\nContent-Transfer-Encoding: foo\r\n\r\nx\r\n',
      'say(msg:text())',
      'nil',
    ],
  ])('%j %s', async (mail, code, said) => {
    expect((await runSnippet(code, { mail })).said).toBe(said)
  })

  test.each([
    [
      TWO,
      'msg:text("hello")',
      'Subject: a\r\nContent-Type: text/plain; charset=utf-8\r\nMIME-Version: 1.0\r\n\r\nhello\r\n',
    ],
    [
      'MIME-Version: 1.0\r\nContent-Type: text/html\r\nContent-Disposition: attachment\r\n\r\n<b>\r\n',
      'msg:text("<i>")',
      'MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<i>\r\n',
    ],
    [
      PLAIN,
      'msg:text("h\\195\\169 hello", "text/html", "iso-8859-1")',
      'Subject: a\r\nContent-Type: text/html; charset=iso-8859-1\r\n' +
        'Content-Transfer-Encoding: quoted-printable\r\nMIME-Version: 1.0\r\n\r\nh=E9 hello\r\n',
    ],
  ])('%j %s', async (mail, code, expected) => {
    expect(await changed(code, mail)).toBe(expected)
  })
})

describe('msg:mime', () => {
  test.each([
    [
      'local p = msg:mime() say(p.type, p.parts.type, p.parts.next.type)',
      'multipart/alternative text/plain text/html',
    ],
    [
      'local p = msg:mime() while p do say(p.type) p = p.thread end',
      'multipart/alternative text/plain text/html',
    ],
    ['say(msg:mime() == msg:mime(), msg:mime(true).parts == msg:mime().parts)', 'true true'],
    ['say(msg:mime().parent, msg:mime().parts.parent == msg:mime())', 'nil true'],
    ['say(msg:mime().boundary, msg:mime().boundary_len, msg:mime().parts.boundary)', 'b 1 nil'],
    ['say(msg:mime().parts.encoding == E.EC_MIME_TE_QUOTED_PRINTABLE)', 'true'],
    [
      'local p, raw = msg:mime().parts, msg:raw() say(raw:sub(p.body_start + 1, p.body_end))',
      'caf=E9',
    ],
    [
      'local p, raw = msg:mime(), tostring(msg:mime().body) say(p.headers_start, raw:sub(p.body_start + 1, p.body_start + 3), raw:sub(p.body_end - 6, p.body_end - 2), p.epilogue_end == #raw)',
      '0 --b --b-- true',
    ],
    ['say(msg:mime().foo)', /ERROR .*msgpart.foo: there is no such field/],
    ['msg:mime().next = 1', /ERROR .*cannot set field 'next'/],
    ['msg:mime(1)', /ERROR .*boolean expected, got number/],
  ])('%s', async (code, said) => {
    expect((await runSnippet(code, { mail: TWO })).said).toMatch(matching(said))
  })
})

describe('a part', () => {
  test.each([
    ['say(p:header("content-type"))', '{text/plain; charset=iso-8859-1}'],
    ['say(p:header("X"), p.next:header("x-a"))', '{} {1}'],
    ['p:header("X-B", "v", "prepend") say(p:header("X-B"))', '{v}'],
    ['p.next:header("X-A", nil) say(p.next:header("X-A"))', '{}'],
    ['p:header("X B", "v")', /ERROR .*msgpart:header: bad argument #1 \(not a field name\)/],
    ['p:header()', /ERROR .*string expected, got nil\): name/],
    ['say(p:text(), p.next:text(), msg:mime():text())', `${utf8('café <b>hé</b>')} nil`],
    [
      'say(p:content_type().mimetype, p:content_type().charset, p:content_type().encoding)',
      'text/plain iso-8859-1 quoted-printable',
    ],
    ['say(p:content_type().is_attachment, p:content_type().filename)', 'false nil'],
    ['say(p:text({}))', /ERROR .*msgpart:text: .*string expected, got table/],
    ['say(p:addLastChild(msg:makePart("text/plain", "x")))', 'false'],
    ['say(p:addLastChild("x"))', /ERROR .*msgpart:addLastChild: .*part expected, got string/],
    ['msg:mime(false):unlink()', /ERROR .*top part/],
    ['local top = msg:mime(false) top:addLastChild(top)', /ERROR .*into itself/],
    ['msg:makePart("text/plain"):insertAfter(msg:makePart("text/plain"))', /ERROR .*no container/],
  ])('%s', async (code, said) => {
    const snippet = `local p = msg:mime(false).parts ${code}`
    expect((await runSnippet(snippet, { mail: TWO })).said).toMatch(matching(said))
  })

  test('has the name of a file', async () => {
    const mail =
      'Content-Type: text/plain; name=a.txt\r\nContent-Disposition: inline; filename="b c.txt"\r\n\r\nx\r\n'
    const code =
      'local t = msg:mime():content_type() say(t.filename, t.is_attachment, t.charset, t.encoding)'
    expect((await runSnippet(code, { mail })).said).toBe('b c.txt true nil nil')
  })

  test('reads addresses', async () => {
    const mail = 'To: A <a+x@B.example>, "q@q" <c@d>\r\nto: e@f\r\n\r\nx\r\n'
    const code =
      'say(msg:address_header("To"), msg:address_header("to", "domain"), msg:address_header("To", "user"), ' +
      'msg:address_header("To", "detail"), msg:address_header("To", "localpart"), msg:address_header("Cc"), msg:mime():address_header("to", "all"))'
    expect((await runSnippet(code, { mail })).said).toBe(
      '{a+x@B.example,c@d,e@f} {B.example,d,f} {a,c,e} {x,,} {a+x,c,e} {} {a+x@B.example,c@d,e@f}',
    )
    expect((await runSnippet('msg:address_header("To", "x")', { mail })).said).toMatch(
      /ERROR .*'all', 'localpart', 'user', 'detail' or 'domain' expected/,
    )
  })

  test.each([
    [
      'a header field of one part',
      'msg:mime(false).parts:header("X-B", "2")',
      TWO.replace('quoted-printable\r\n', 'quoted-printable\r\nX-B: 2\r\n'),
    ],
    [
      'a header field of the top part, which is the message',
      'local p = msg:mime(false) p:header("X-B", "2") msg:header("X-C", "3") p:header("X-D", p:header("X-C")[1])',
      TWO.replace('=b\r\n', '=b\r\nX-B: 2\r\nX-C: 3\r\nX-D: 3\r\n'),
    ],
    [
      'a text',
      'msg:mime(false).parts:text("caf\\195\\169!")',
      TWO.replace('text/plain; charset=iso-8859-1', 'text/plain; charset=utf-8').replace(
        'caf=E9',
        'caf=C3=A9!',
      ),
    ],
    [
      'a part put last',
      'say(msg:mime(false):addLastChild(msg:makePart("text/plain", "x")))',
      TWO.replace('--b--', '--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--'),
    ],
    [
      'a part put before another',
      'msg:makePart("text/plain", "x"):insertBefore(msg:mime(false).parts.next)',
      TWO.replace(
        '--b\r\nContent-Type: text/html',
        '--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b\r\nContent-Type: text/html',
      ),
    ],
    [
      'parts in another order',
      'local p = msg:mime(false) p.parts:insertAfter(p.parts.next) p:addFirstChild(p.parts)',
      TWO.replace(
        /(--b\r\nContent-Type: text\/plain[^]*?)(--b\r\nContent-Type: text\/html[^]*?)(?=--b--)/,
        '$2$1',
      ),
    ],
    [
      'a part less',
      'msg:mime(false).parts:unlink()',
      TWO.replace(/--b\r\nContent-Type: text\/plain[^]*?(?=--b\r\n)/, ''),
    ],
  ])('edits %s and nothing else', async (_, code, expected) => {
    const { mail, said } = await runSnippet(code, { mail: TWO })
    expect(said).not.toContain('ERROR')
    expect(mail).toBe(expected)
  })

  test('is put into a new container that becomes the top', async () => {
    const code = `
      local box = msg:makeContainer("multipart/mixed", "out", true)
      box:addLastChild(msg:mime(false))
      box:addLastChild(msg:makePart("text/plain", "caf\\195\\169"))
      msg:set_first_part(box)
      say(msg:mime().parts.type)`
    const { mail, said } = await runSnippet(code, { mail: TWO })
    expect(said).toBe('multipart/alternative')
    expect(mail).toBe(
      'Subject: a\r\nContent-Type: multipart/mixed; boundary=out\r\n\r\n--out\r\n' +
        TWO.replace('Subject: a\r\n', '').slice(0, -2) +
        '\r\n\r\n--out\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: 8bit\r\n\r\n' +
        utf8('café') +
        '\r\n--out--\r\n',
    )
  })

  test("runs the manual's disclaimer", async () => {
    const code = `
      local p, plain = msg:mime(false), "Disclaimer"
      local part = msg:makePart("text/plain", plain)
      part.body_start = 0
      part.body_end = #plain
      p:addLastChild(part)
      local html = msg:makePart("text/html", "<p>" .. plain)
      html.body_start = 3
      html.body_end = #plain + 3
      say(html.body_end, p:addLastChild(html))`
    const { mail, said } = await runSnippet(code, { mail: TWO })
    expect(said).toBe('13 true')
    expect(mail).toContain('\r\n--b\r\nContent-Type: text/plain\r\n\r\nDisclaimer\r\n--b\r\n')
    expect(mail.endsWith('--b\r\nContent-Type: text/html\r\n\r\nDisclaimer\r\n--b--\r\n')).toBe(
      true,
    )
  })

  test.each([
    ['msg:makePart("text/plain", "x", E.EC_MIME_TE_BASE64)', 'Content-Transfer-Encoding: base64'],
    ['msg:makePart("text/plain\\r\\nBcc: x@y", "x")', 'Content-Type: text/plain Bcc: x@y'],
    ['msg:makePart("text/plain", E.string_new())', 'Content-Type: text/plain'],
  ])('%s is labelled', async (code, header) => {
    const { mail } = await runSnippet(`msg:mime(false):addFirstChild(${code})`, { mail: TWO })
    expect(mail).toContain(`${header}\r\n\r\n`)
    expect(mail).not.toMatch(/^Bcc:/m)
  })

  test.each([
    ['msg:makePart("text/plain", "x", 9)', /msys.core.EC_MIME_TE_\* expected/],
    ['msg:makePart("text/plain", {})', /string, ec_string or io_object expected/],
    ['msg:mime(false).parts.body_start = 1', /cannot be set: only a part of msg:makePart/],
    ['msg:makePart("text/plain", "abc").body_end = 9', /an offset in the body expected/],
    ['msg:makeContainer()', /string expected, got nil\): mimetype/],
    ['msg:makeBoundary("x")', /part expected, got string/],
  ])('%s raises', async (code, message) => {
    expect((await runSnippet(code, { mail: TWO })).said).toMatch(message)
  })

  test('a made boundary begins no line of the message or the given parts', async () => {
    const code =
      'local b = msg:makeBoundary(msg:makePart("x/y", "--=_a")) say(b:match("^=_%x+$") == b)'
    expect((await runSnippet(code, { mail: TWO })).said).toBe('true')
  })
})

describe('what is gone says so', () => {
  const part = 'local p, top = msg:mime(false).parts, msg:mime(false)'
  test.each([
    [`${part} msg:body("x") p:text()`, /ERROR .*part is gone \(the body was replaced\)/],
    [
      `${part} msg:raw("x") say(pcall(function() return p.next end))`,
      /false .*part is gone \(the message was replaced\)/,
    ],
    [`${part} msg:text("x") top:header("X", "y")`, /part is gone/],
    [
      `${part} msg:header("Content-Type", "text/plain") p:text()`,
      /part is gone \(the Content-Type/,
    ],
    [
      `local p = msg:mime().parts msg:mime(false).parts:header("X", "y") p:text()`,
      /part is gone \(the message was edited\)/,
    ],
    [`${part} top:addLastChild(msg:makePart("a/b")) say(p:text())`, new RegExp(utf8('^café$'))],
    [`${part} msg:header("X", "y") say(p:text(), top:header("X"))`, new RegExp(utf8('^café {y}$'))],
    [
      `local p = msg:mime().parts p:text("x")`,
      /ERROR .*msgpart:text: this part is read only: msg:mime\(false\)/,
    ],
    [`local p = msg:mime().parts p:unlink()`, /read only/],
    [`local top = msg:mime(false) top:addLastChild(msg:mime().parts)`, /read only/],
  ])('%s', async (code, said) => {
    expect((await runSnippet(code, { mail: TWO })).said).toMatch(said)
  })
})

describe('when links and pixel are in', () => {
  const options = {
    mail: TWO,
    callout: 'core_final_validation',
    prepare: (msg) => sealContent(msg, msg.current.fields, () => Buffer.from('sealed\r\n')),
  } satisfies Parameters<typeof runLua>[1]

  test.each([
    'msg:body("x")',
    'msg:raw("x")',
    'msg:text("x")',
    'msg:mime(false)',
    'msg:header("Content-Type", "text/plain")',
    'msg:set_first_part(msg:makePart("text/plain"))',
  ])('%s is refused by name', async (code) => {
    const { said } = await runSnippet(code, options)
    const name = code.slice(0, code.indexOf('('))
    expect(said).toContain(
      `${name}: the body cannot be changed in core_final_validation: links and pixel are in`,
    )
  })

  test('the body is read as it will be sent, and header fields can be added', async () => {
    const { said, mail } = await runSnippet(
      'msg:header("DKIM-Signature", "v=1", "prepend") say(msg:body())',
      options,
    )
    expect(said).toBe('sealed\r\n')
    expect(mail.startsWith('DKIM-Signature: v=1\r\nSubject: a\r\n')).toBe(true)
  })
})

function matching(said: string | RegExp): RegExp {
  return typeof said === 'string'
    ? new RegExp(`^${said.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`)
    : said
}
