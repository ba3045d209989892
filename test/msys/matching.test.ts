// The methods that match and replace, of messages and parts.
import { describe, expect, test } from 'vitest'
import { rawOf } from '../../src/msys/content.ts'
import { runLua } from '../support/policy.ts'

const PLAIN = 'Subject: a\r\n\r\none\r\n2\r\ntwo.\r\n'
const TWO =
  'Subject: a\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n' +
  '--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\ncaf=E9 one=\r\n more\r\nsecond =3D line\r\n' +
  '--b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\nX-A: 1\r\n\r\nPGI+aMOpPC9iPg==\r\n' +
  '--b\r\nContent-Type: image/png\r\n\r\none\r\n' +
  '--b--\r\n'
const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')

async function run(code: string, mail: string, callout?: string) {
  const { said, subject } = await runLua(code, { mail, callout })
  return { said, mail: rawOf(subject.msg).toString('latin1') }
}

describe('matching', () => {
  test.each([
    ['say(msg:body_match("t(w)o")[0], msg:body_match("t(w)o")[1])', PLAIN, 'two w'],
    ['say(msg:body_match("(?P<x>t.)")["x"])', PLAIN, 'tw'],
    ['say(msg:body_match("Subject"), msg:raw_match("Subject: (.)")[1])', PLAIN, 'false a'],
    ['say(msg:text_match("caf\\195\\169")[0])', TWO, utf8('café')],
    ['say(msg:body_match("caf\\195\\169"), msg:body_match("caf=E9")[0])', TWO, 'false caf=E9'],
    ['say(msg:text_match("<b>(.*)</b>")[1])', TWO, utf8('hé')],
    ['say(msg:text_match("^one"))', TWO, 'false'],
    [
      'local p = msg:mime().parts say(p:text_match("one more")[0], p:body_match("one=")[0])',
      TWO,
      'one more one=',
    ],
    [
      'local p = msg:mime().parts.next say(p:raw_match("X-A: (.)")[1], p:text_match("one"))',
      TWO,
      '1 false',
    ],
    ['say(msg:mime().parts.next.next:text_match("one"))', TWO, 'false'],
    // The end-of-data mark is there for who asks for it, and for nobody else.
    ['say(msg:text_match("two\\\\.\\r\\n\\\\.\\r\\n$") and "mark")', PLAIN, 'mark'],
    ['say(msg:body_match("^\\\\.$"), msg:body_match("(?m)^\\\\.$"))', PLAIN, 'false false'],
  ])('%s', async (code, mail, expected) => {
    expect((await run(code, mail)).said).toBe(expected)
  })
})

describe('replacing', () => {
  test.each([
    ['say(msg:body_replace("(t)wo", "$1HREE"))', PLAIN.replace('two', 'tHREE')],
    ['say(msg:raw_replace("Subject: a", "Subject: b"))', PLAIN.replace(': a', ': b')],
    ['say(msg:text_replace("o", "0"))', PLAIN.replace('one', '0ne').replace('two', 'tw0')],
    ['say(msg:text_replace("\\\\.", "!"))', PLAIN.replace('two.', 'two!')],
    ['say(msg:mime(false):body_replace("one", "1"))', PLAIN.replace('one', '1')],
    ['say(msg:body_replace("two", "x\\ny"))', PLAIN.replace('two', 'x\r\ny')],
    ['say(msg:body_replace("one", "one"))', PLAIN],
  ])('%s', async (code, expected) => {
    expect(await run(code, PLAIN)).toEqual({ said: 'true', mail: expected })
  })

  test.each(['body_replace', 'raw_replace', 'text_replace'])(
    'msg:%s says when nothing matches, and changes nothing',
    async (name) => {
      const made = await run(`say(msg:${name}("nothing", "x"))`, TWO)
      expect(made).toEqual({ said: 'false', mail: TWO })
    },
  )

  test('in a text keeps its charset, its encoding and the lines that do not change', async () => {
    const { said, mail } = await run('say(msg:text_replace("second", "zw\\195\\182lf"))', TWO)
    expect(said).toBe('true')
    expect(mail).toBe(TWO.replace('second =3D line', 'zw=F6lf =3D line'))
  })

  test('in a base64 text', async () => {
    const { mail } = await run('msg:mime(false).parts.next:text_replace("h", "H")', TWO)
    expect(mail).toBe(TWO.replace('PGI+aMOpPC9iPg==', 'PGI+SMOpPC9iPg=='))
  })

  test("the manual's disclaimer is put behind a text, also when a line is a single character", async () => {
    const code = 'say(msg:text_replace("\\r\\n[.]\\r\\n", "\\r\\nDisclaimer\\r\\n.\\r\\n"))'
    expect(await run(code, PLAIN)).toEqual({ said: 'true', mail: `${PLAIN}Disclaimer\r\n` })
  })

  test('a part that the octets of another end in stays that part', async () => {
    const { mail } = await run('msg:mime(false).parts:raw_replace("second", "--b--")', TWO)
    expect(mail).not.toContain('boundary=b\r\n')
    expect(mail).toContain('--b-- =3D line')
  })
})

describe('errors', () => {
  test.each([
    ['msg:text_match()', /msg:text_match: bad argument #1 \(string expected, got nil\): pattern/],
    ['msg:text_match("(")', /msg:text_match: bad argument #1 \(.* at offset \d+\): pattern/],
    ['msg:text_replace("a")', /msg:text_replace: bad argument #2 \(string expected, got nil\)/],
    ['msg:text_replace("a", {})', /bad argument #2 \(string expected, got table\): replacement/],
    ['msg:mime():text_replace("a", "b")', /this part is read only: msg:mime\(false\)/],
    ['msg:mime():text_match({})', /msgpart:text_match: bad argument #1/],
    ['msg.body_match(1, "x")', /bad self/],
    ['msg:body_match("(a+)+$", 1) msg:raw_match(("a"):rep(3))', ''],
  ])('%s', async (code, expected) => {
    const { said } = await run(code, PLAIN)
    if (expected === '') expect(said).toBe('')
    else expect(said).toMatch(expected)
  })

  test('the body cannot be matched before it is there', async () => {
    const { said } = await run('msg:body_match("x")', PLAIN, 'validate_rcptto')
    expect(said).toMatch(/msg:body_match is not allowed in validate_rcptto/)
  })

  test('a pattern that explodes ends with the budget and names itself', async () => {
    const mail = `Subject: a\r\n\r\n${'a'.repeat(5000)}!\r\n`
    const { said } = await run('msg:body_match("(a+)+$")', mail)
    expect(said).toMatch(/msg:body_match: .* by the pattern '\(a\+\)\+\$'/)
  })
})
