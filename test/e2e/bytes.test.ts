// From SMTP in to SMTP out: which octets change, and which must not.
import { simpleParser } from 'mailparser'
import { describe, expect, test } from 'vitest'
import {
  copyFor,
  MESSAGE,
  parts,
  sendOne,
  serverPerTest,
  type TestServerOptions,
  trackedPaths,
} from '../support/server.ts'

const start = serverPerTest()

const ON = 'open_tracking_enabled = true click_tracking_enabled = true'

/** Sends one message through a server; the copy that comes out. */
async function through(message: string, options: TestServerOptions = {}) {
  const test = await start(options)
  const reply = await sendOne(test, ['you@rcpt.example'], message)
  if (!reply.startsWith('250')) return { reply, copy: '', test }
  return { reply, copy: await copyFor(test, 'you@rcpt.example'), test }
}

const withHeader = (lines: string, message = MESSAGE) => lines + message

/** Octets as a byte string: what a test message holds beyond ASCII. */
const utf8 = (text: string) => Buffer.from(text, 'utf8').toString('latin1')

describe('with tracking off', () => {
  test.each([
    ['a plain message', MESSAGE],
    ['E023 an 8bit body with links', utf8(`Subject: x\r\n\r\nGrüße https://e.com/ü\r\n`)],
    [
      'NUL and every octet',
      `A: b\r\n\r\n${Buffer.from(Array.from({ length: 256 }, (_, i) => i))
        .toString('latin1')
        .replace(/[\r\n]/g, '')}\r\n`,
    ],
    ['dots at line starts', 'A: b\r\n\r\n.\r\n..\r\n.a\r\nend.\r\n'],
    ['odd header folding and case', 'sUBJECT :x\r\n\t  y\r\nX-Empty:\r\nX-Empty:\r\n\r\nbody\r\n'],
    ['no header at all', '\r\nbody\r\n'],
    ['a header only', 'Subject: x\r\n'],
    ['a line that is no field', 'Subject: x\r\nnot a field\r\n\r\nbody\r\n'],
    ['an empty message', ''],
    ['E026 curly braces', 'Subject: {{x}}\r\n\r\n{{a}} {b} }}\r\n'],
    ['a long line', `A: b\r\n\r\n${'x'.repeat(5000)}\r\n`],
  ])('%s is relayed octet for octet, but for the Received field', async (_, message) => {
    const { copy } = await through(message)
    expect(copy).toMatch(/^Received: from client\.example \(\[127\.0\.0\.1\]\) by mail\.test/)
    const { header, body } = parts(`${copy}`)
    expect(header + '\r\n' + body === message || copy.endsWith(message)).toBe(true)
  })

  test('E019 only the X-MSYS-API header is taken out, in any case', async () => {
    const { copy } = await through(
      withHeader('x-msys-API: {"campaign_id":\r\n "c"}\r\nX-Other: kept\r\n'),
    )
    expect(copy).not.toMatch(/msys/i)
    expect(copy.endsWith(`X-Other: kept\r\n${MESSAGE}`)).toBe(true)
  })

  test('without rfc2822_trace_headers nothing is added', async () => {
    const { copy } = await through(MESSAGE, { more: 'rfc2822_trace_headers = false' })
    expect(copy).toBe(MESSAGE)
  })

  test('CR and LF that stand alone become CRLF', async () => {
    const { copy } = await through('A: b\r\n\r\none\ntwo\rthree\r\n')
    expect(copy).toMatch(/\r\n\r\none\r\ntwo\r\nthree\r\n$/)
  })

  test('rfc2822_lone_lf_in_body = pedantic refuses them', async () => {
    const { reply } = await through('A: b\r\n\r\none\ntwo\r\n', {
      more: 'rfc2822_lone_lf_in_body = pedantic',
    })
    expect(reply).toMatch(/^550 5\.6\.0 /)
  })
})

describe('the transform', () => {
  test('E093 E131 changes nothing but links and the pixel', async () => {
    const { copy } = await through(MESSAGE, { listener: `${ON} open_tracking_scheme = https` })
    const [click, open] = trackedPaths(copy)
    const { header, body } = parts(copy)
    expect(header + '\r\n').toBe(MESSAGE.slice(0, MESSAGE.indexOf('\r\n\r\n') + 4))
    expect(body).toBe(
      `<html><body><a href="http://track.example:8080${click}">x</a>` +
        `<img border="0" width="1" height="1" alt="" src="https://track.example:8080${open}">` +
        '</body></html>\r\n',
    )
  })

  test('E043 a text message is not opened: no pixel, no html part', async () => {
    const text = 'Content-Type: text/plain\r\n\r\nhello\r\n'
    const { copy } = await through(text, { listener: 'open_tracking_enabled = true' })
    expect(copy.endsWith(text)).toBe(true)
  })

  test('E153 List-Unsubscribe is never rewritten', async () => {
    const lines =
      'List-Unsubscribe: <https://e.com/u>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n'
    const { copy } = await through(withHeader(lines), { listener: ON })
    expect(copy).toContain(lines)
  })

  test.each(['quoted-printable', 'base64', '8bit'] as const)(
    'a real newsletter in %s comes out as it was, but for its links',
    async (encoding) => {
      const html = `<html><body>${'<p>Grüße: <a href="https://e.com/p?a=1&amp;b=ü">x</a>\r\n'.repeat(30)}</body></html>\r\n`
      const octets = Buffer.from(html, 'utf8')
      const encoded =
        encoding === 'base64'
          ? octets.toString('base64').replace(/.{76}/g, '$&\r\n') + '\r\n'
          : encoding === '8bit'
            ? octets.toString('latin1')
            : octets
                .toString('latin1')
                .replace(/[=\x80-\xff]/g, (c) => `=${c.charCodeAt(0).toString(16).toUpperCase()}`)
      const message = `Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${encoded}`
      const { copy, test } = await through(message, { listener: 'click_tracking_enabled = true' })
      const parsed = await simpleParser(Buffer.from(copy, 'latin1'))
      const links = [...(parsed.html || '').matchAll(/href="http:\/\/track\.example:8080([^"]*)"/g)]
      expect(links).toHaveLength(30)
      const restored = (parsed.html || '').replace(
        /http:\/\/track[^"]*/g,
        'https://e.com/p?a=1&amp;b=ü',
      )
      expect(restored.trim()).toBe(html.replaceAll('\r\n', '\n').trim())
      const response = await fetch(test.httpUrl + links[7]?.[1], { redirect: 'manual' })
      expect(response.headers.get('location')).toBe('https://e.com/p?a=1&b=%C3%BC')
      if (encoding === 'quoted-printable') {
        // Lines that were written by the transform keep to 76; the others stay as they came.
        const long = copy.split('\r\n').filter((line) => line.length > 76)
        expect(long.filter((line) => line.includes('/f/a/'))).toEqual([])
      }
    },
  )

  test('a signed message is not touched', async () => {
    const signed =
      'Content-Type: multipart/signed; boundary=b; protocol="application/pkcs7-signature"\r\n\r\n' +
      '--b\r\nContent-Type: text/html\r\n\r\n<a href="https://e.com/">x</a>\r\n--b\r\n' +
      'Content-Type: application/pkcs7-signature\r\n\r\nMII=\r\n--b--\r\n'
    const { copy } = await through(signed, { listener: ON })
    expect(copy.endsWith(signed)).toBe(true)
  })
})

describe('options', () => {
  const lua = (code: string) =>
    `msys.registerModule("p", { validate_data_spool_each_rcpt = function(self, msg, ac, vctx)
       local M = msys.core.ECMESS_CTX_MESS ${code} return 0 end })`

  test('E001 each field is resolved on its own: context, header, configuration', async () => {
    const message = withHeader('X-MSYS-API: {"options":{"click_tracking":false}}\r\n')
    const policy = { p: lua('msg:context_set(M, "smtpapi_open_tracking", "0")') }
    const { copy } = await through(message, { listener: ON, policy })
    expect(parts(copy).body).toBe(parts(MESSAGE).body)
    const second = await through(message, { listener: ON })
    expect(trackedPaths(second.copy)).toEqual([expect.stringMatching(/^\/q\//)])
  })

  test('E002 JSON false is false', async () => {
    const options = '{"options":{"open_tracking":false,"click_tracking":false}}'
    const { copy } = await through(withHeader(`X-MSYS-API: ${options}\r\n`), { listener: ON })
    expect(parts(copy).body).toBe(parts(MESSAGE).body)
  })

  test.each([
    ['E004', '{"metadata":"abc"}', "550 5.6.0 X-MSYS-API 'metadata' must be of type 'json object'"],
    ['E004', '{"metadata":[1]}', "550 5.6.0 X-MSYS-API 'metadata' must be of type 'json object'"],
    [
      '',
      '{"options":{"open_tracking":"false"}}',
      "550 5.6.0 X-MSYS-API 'options.open_tracking' must be of type 'boolean'",
    ],
    [
      '',
      `{"campaign_id":"${'é'.repeat(33)}"}`,
      '550 5.6.0 smtpapi_campaign_id context is limited to 64 bytes',
    ],
    ['E015', '{open_tracking: true}', '550 5.6.0 X-MSYS-API header must be a valid JSON object'],
    ['E015', '[1,2]', '550 5.6.0 X-MSYS-API header must be a valid JSON object'],
  ])('%s X-MSYS-API: %s is refused', async (_, json, reply) => {
    const ascii = json.replace(
      /[^\0-\x7f]/g,
      (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
    expect((await through(withHeader(`X-MSYS-API: ${ascii}\r\n`))).reply).toBe(reply)
  })

  test.each([
    ['E007', '{"campaign_id" : "my_awes\r\n   ome_campaign" }', 'my_awes ome_campaign'],
    ['E008', '{"campaign_id" : "my_awes\r\n\tome_campaign" }', 'my_awes ome_campaign'],
    ['E009', '=?UTF-8?B?eyJjYW1wYWlnbl9pZCI6IsOp?=\r\n =?UTF-8?B?dMOpIn0=?=', 'été'],
  ])('%s the header is unfolded and decoded', async (_, value, campaign) => {
    const { test } = await through(withHeader(`X-MSYS-API: ${value}\r\n`))
    const [first] = await test.events(1)
    expect(first).toMatchObject({ type: 'injection', campaign_id: campaign })
  })

  test('E011 E012 E022 tags beyond ten are dropped, others ignored; the customer comes from the connection', async () => {
    const tags = JSON.stringify([null, 3, ...Array.from({ length: 12 }, (_, i) => `t${i + 1}`)])
    const { test } = await through(withHeader(`X-MSYS-API: {"tags":${tags},"customer_id":9}\r\n`), {
      listener: 'context = [ mo_customer_id = "7" ]',
    })
    const [injection] = await test.events(1)
    expect(injection).toMatchObject({
      rcpt_tags: ['t1', 't2', 't3', 't4', 't5', 't6', 't7', 't8', 't9', 't10'],
      customer_id: '7',
    })
  })
})

test('what is wrong with all copies of a message is said once', async () => {
  const test = await start({
    listener: ON,
    policy: {
      p: `msys.registerModule("p", { validate_data = function(self, msg)
        msg:context_set(msys.core.ECMESS_CTX_MESS, "smtpapi_open_tracking", "maybe") return 0 end })`,
    },
  })
  await sendOne(test, ['a@x.example', 'b@x.example', 'c@x.example'])
  expect(
    (await test.log('paniclog.ec')).match(/smtpapi: .*"maybe" is not a boolean/g),
  ).toHaveLength(1)
})
