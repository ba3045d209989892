// Notifications about what became of a message, from Lua: made, sent, read and classified.
import { simpleParser } from 'mailparser'
import { describe, expect, test } from 'vitest'
import type { Injection, Sending } from '../../src/msys/runtime.ts'
import { headerText, runLua } from '../support/policy.ts'

const MAIL = 'From: news@sender.example\r\nSubject: Hello\r\n\r\nbody\r\n'

async function run(code: string, mail = MAIL, callout?: string) {
  const sent: Injection[] = []
  const sending: Sending = {
    hostname: 'mx.example',
    newId: () => '00/00-2-A',
    inject: (injection) => void sent.push(injection),
  }
  const result = await runLua(`local r = require("msys.rfc3464") ${code}`, {
    mail,
    sending,
    callout,
  })
  return { ...result, sent }
}

const DSN = [
  'From: MAILER-DAEMON@mx.other.example',
  'Content-Type: multipart/report; report-type=delivery-status; boundary=b',
  '',
  '--b',
  '',
  'It failed.',
  '--b',
  'Content-Type: message/delivery-status',
  '',
  'Reporting-MTA: dns; mx.other.example',
  '',
  'Original-Recipient: rfc822;old@rcpt.example',
  'Final-Recipient: rfc822; new@rcpt.example',
  'Action: failed',
  'Status: 5.2.2',
  'Diagnostic-Code: smtp; 552 5.2.2 mailbox',
  ' is full',
  '',
  'Final-Recipient: rfc822; second@rcpt.example',
  '--b--',
  '',
].join('\r\n')

describe('msys.rfc3464', () => {
  test('the status of a message has the fields of RFC 3464', async () => {
    const { said } = await run(`
      msg:code(550, "5.1.1 no such user")
      local t = r.compute_delivery_status(msg, E.FAILED)
      say(t["Reporting-MTA"], t["Final-Recipient"], t.Action, t.Status, t["Diagnostic-Code"])
      say((r.compute_delivery_status_string(msg, E.DELAYED):gsub("\\r\\n", "|")))`)
    expect(said).toMatch(
      /^dns; mx.example rfc822; anna@rcpt.example failed 5.1.1 smtp; 550 5.1.1 no such user Reporting-MTA: dns; mx.example\|Arrival-Date: Thu, 01 Jan 1970 .*\|Action: delayed\|Status: 5.1.1\|Diagnostic-Code: smtp; 550 5.1.1 no such user\|Last-Attempt-Date: [^|]*$/,
    )
  })

  test('a notification is a report that others can read', async () => {
    const { sent, said } = await run(`
      msg:code(550, "5.1.1 no such user")
      local m = r.create_mdn(msg, E.FAILED)
      say(m:header("Subject")[1]) m:inject("", "x@y.example") say(r.send_mdn(msg, E.DELAYED))`)
    expect(said).toBe('Mail delivery failure 1')
    expect(sent).toHaveLength(2)
    const [made, own] = sent
    expect(own).toMatchObject({
      mailfrom: { text: '' },
      recipients: [{ text: 'news@sender.example' }],
    })
    const { fields = [], separator, body } = made?.message ?? {}
    const octets = [...fields.map(({ bytes }) => bytes), separator, body] as Buffer[]
    const parsed = await simpleParser(Buffer.concat(octets))
    expect(parsed.headers.get('content-type')).toMatchObject({
      value: 'multipart/report',
      params: { 'report-type': 'delivery-status' },
    })
    expect(parsed.text).toContain('could not be delivered to anna@rcpt.example')
    expect(parsed.text).toContain('Final-Recipient: rfc822; anna@rcpt.example\nAction: failed')
    expect(parsed.attachments[0]?.content.toString()).toContain('Subject: Hello')
  })

  test('nobody is told of a notification', async () => {
    const { said, sent } = await run('msg:mailfrom("") say(r.send_mdn(msg, E.FAILED))')
    expect(said).toBe('0')
    expect(sent).toEqual([])
  })

  test('the status in a notification of others is read', async () => {
    const { said } = await run(
      `local t = r.extract_delivery_status(msg)
       say(t["Reporting-MTA"], t["Final-Recipient"], t["Diagnostic-Code"], t.Action)`,
      DSN,
    )
    expect(said).toBe(
      'dns; mx.other.example rfc822; new@rcpt.example smtp; 552 5.2.2 mailbox is full failed',
    )
    expect((await run('say(r.extract_delivery_status(msg))')).said).toBe('nil')
  })

  test.each([
    ['r.create_mdn(msg)', 'msys.rfc3464.create_mdn: bad argument #2 (msys.core.FAILED, DELAYED'],
    ['r.create_mdn(msg, 9)', 'bad argument #2 (msys.core.FAILED'],
    [
      'r.send_mdn(1, 0)',
      'msys.rfc3464.send_mdn: bad argument #1 (message expected, got number): msg',
    ],
    ['r.extract_delivery_status()', 'bad argument #1 (message expected, got nil): msg'],
  ])('%s raises', async (code, text) => {
    expect((await run(code)).said).toContain(text)
  })
})

describe('msys.bounce.classify', () => {
  test('says what a notification means, and for whom', async () => {
    const { said } = await run('say(msys.bounce.classify(msg))', DSN)
    expect(said).toBe('22 Mailbox Full the mailbox has no room old@rcpt.example')
  })

  test('without words the status decides; without a notification nothing is known', async () => {
    const bare = DSN.replace(/Diagnostic-Code.*\r\n is full\r\n/, '')
    expect((await run('say((msys.bounce.classify(msg)))', bare)).said).toBe('22')
    expect((await run('say(msys.bounce.classify(msg))')).said).toMatch(/^1 Undetermined .* nil$/)
  })
})

describe('msys.policyeditor.send_email', () => {
  const mail =
    '{ from = "a@b.example", to = "c@d.example e@f.example", subject = "S", body = "B", throttle = 5 }'
  test('sends a text, and not again before its time', async () => {
    const send = `msys.policyeditor.send_email({}, {}, ${mail}) `
    const { sent } = await run(send + send)
    expect(sent).toHaveLength(1)
    expect(sent[0]).toMatchObject({
      mailfrom: { text: 'a@b.example' },
      recipients: [{ text: 'c@d.example' }, { text: 'e@f.example' }],
      message: { body: Buffer.from('B\r\n') },
    })
  })

  test('needs its texts', async () => {
    const { said } = await run('msys.policyeditor.send_email({}, {}, { from = "a@b" })')
    expect(said).toContain(
      'msys.policyeditor.send_email: bad argument #3 (string expected): options.to',
    )
  })
})

describe('single functions', () => {
  test('header lines are put on top as they are', async () => {
    const { subject } = await run(`E.rfc2822_prepend_headers(msg, "X-A: 1\\r\\nX-B: 2\\r\\n  3")`)
    expect(headerText(subject.msg)).toMatch(/^X-A: 1\r\nX-B: 2\r\n  3\r\nFrom: /)
  })

  test.each([
    ['E.rfc2822_prepend_headers(msg, "no field")', /bad argument #2 \(header lines expected\)/],
    ['E.rfc2822_prepend_headers(msg, "X: 1\\r\\n\\r\\nbody")', /bad argument #2 \(header lines/],
    ['E.rfc2822_prepend_headers(msg)', /bad argument #2 \(string expected, got nil\): headers/],
    [
      'local d = E.dns_get_domain("Example.COM") say(d.name, d.domain, E.dns_get_domain("a b"))',
      /^example.com example.com nil$/,
    ],
    ['msys.snmpTrap { mib = "1.2", type = "string", payload = "x" }', /^$/],
    ['msys.snmpTrap()', /msys.snmpTrap: bad argument #1 \(table expected, got nil\): options/],
    [
      'say(msys.pbp.size_in_bytes("30m"), msys.pbp.size_in_bytes(" 1.5K "), msys.pbp.size_in_bytes(7))',
      /^31457280 1536 7$/,
    ],
    ['msys.pbp.size_in_bytes("big")', /no size: 'big'/],
  ])('%s', async (code, expected) => {
    expect((await run(code)).said).toMatch(expected)
  })
})
