// Tracking cases, from SMTP in to the next hop and the event log: which options apply, what the X-MSYS-API
// field says, curly braces.
import { describe, expect, test } from 'vitest'
import { startServer, sendOne, copyFor } from '../support/server.ts'
import { CONTEXT_FIELD as set, html, plain, trackedServer } from '../support/tracked.ts'

const tracked = trackedServer({ listener: 'context = [ mo_customer_id = "7" ]' })

const api = (json: string): string => `X-MSYS-API: ${json}\r\n`
const LINK = '<p><a href="https://e.com/">x</a></p>'
const CLICKED = '<p><a href="{https://e.com/}">x</a></p>'

/** What becomes of LINK. */
async function shown(head: string): Promise<string> {
  const copy = await tracked.one(html(LINK, '8bit', head))
  return copy.shown[0]?.trimEnd() ?? ''
}

/** The injection event of a message with these header fields. */
async function injection(head: string, name: string) {
  const rcptto = `${name}@events.example`
  await tracked.pass(html(LINK, '8bit', head), [rcptto])
  return (await tracked.events(rcptto, 'injection'))[0]
}

describe('sources', () => {
  test('E001 each option is resolved on its own: context, header, configuration', async () => {
    const header = api('{"options":{"click_tracking":false}}')
    expect(await shown(header + set('smtpapi_open_tracking', '0'))).toBe(LINK)
    expect(await shown(header)).toBe(`${LINK}[pixel]`)
  })

  test('E002 JSON false is not the same as nothing', async () => {
    const off = '{"options":{"open_tracking":false,"click_tracking":false}}'
    expect(await shown(api(off))).toBe(LINK)
  })

  test.each([
    ['1', `${LINK}[pixel]`],
    ['true', `${LINK}[pixel]`],
    ['0', LINK],
    ['false', LINK],
    [' TRUE ', `${LINK}[pixel]`],
    ['', `${LINK}[pixel]`],
    ['yes', `${LINK}[pixel]`],
  ])('E016 smtpapi_open_tracking = "%s"', async (value, expected) => {
    const clicksOff = set('smtpapi_click_tracking', '0')
    expect(await shown(clicksOff + set('smtpapi_open_tracking', value))).toBe(expected)
    const isWarned = (await tracked.server.log('paniclog.ec')).includes(
      `smtpapi_open_tracking: ${JSON.stringify(value)} is not a boolean, ignored`,
    )
    expect(isWarned).toBe(value === 'yes')
  })

  test('E022 the customer is that of the connection, never one of the header', async () => {
    const own = api('{"customer_id":9}')
    expect(await injection(own, 'e022a')).toMatchObject({ customer_id: '7' })
    const other = own + set('mo_customer_id', '8')
    expect(await injection(other, 'e022b')).toMatchObject({ customer_id: '8' })
  })

  test('E023 with tracking off an 8bit body stays as it is, and so does its encoding', async () => {
    const off = api('{"options":{"open_tracking":false,"click_tracking":false}}')
    const message = html('Grüße <a href="https://e.com/ü">ü</a>', '8bit')
    expect((await tracked.one(off + message)).message).toBe(message)
  })
})

describe('what is refused', () => {
  test.each(['"abc"', '[1]', '5'])('E004 metadata of a wrong type: %s', async (metadata) => {
    const reply = await tracked.reply(api(`{"metadata":${metadata}}`) + html(LINK))
    expect(reply).toBe("550 5.6.0 X-MSYS-API 'metadata' must be of type 'json object'")
  })

  test('E004 the connection is of use afterwards, nothing was queued', async () => {
    const before = tracked.server.sink.mail.length
    await tracked.reply(api('{"metadata":5}') + html(LINK), ['e004@rcpt.example'])
    expect(await shown('')).toBe(`${CLICKED}[pixel]`)
    expect(tracked.server.sink.mail).toHaveLength(before + 1)
  })

  test('E006 a campaign of more than 64 octets, from context or header', async () => {
    const text = '550 5.6.0 smtpapi_campaign_id context is limited to 64 bytes'
    const campaign = 'c'.repeat(65)
    expect(await tracked.reply(set('smtpapi_campaign_id', campaign) + html(LINK))).toBe(text)
    expect(await tracked.reply(api(`{"campaign_id":"${campaign}"}`) + html(LINK))).toBe(text)
  })

  test.each(['{open_tracking: true}', '[1,2]'])(
    'E015 a header that is no object: %s',
    async (value) => {
      const reply = await tracked.reply(api(value) + html(LINK))
      expect(reply).toBe('550 5.6.0 X-MSYS-API header must be a valid JSON object')
    },
  )

  test('E015 an empty header counts as absent', async () => {
    expect(await shown('X-MSYS-API:\r\n')).toBe(`${CLICKED}[pixel]`)
  })

  test('E021 when one copy fails, nothing is queued for anybody', async () => {
    const before = tracked.server.sink.mail.length
    const message = set('smtpapi_campaign_id', 'c'.repeat(70), 'b@e021.example') + html(LINK)
    const reply = await tracked.reply(message, ['a@e021.example', 'b@e021.example'])
    expect(reply).toMatch(/^550 5\.6\.0 smtpapi_campaign_id/)
    await tracked.one(html(LINK))
    expect(tracked.server.sink.mail).toHaveLength(before + 1)
  })
})

describe('the header', () => {
  test.each([
    [
      'E007',
      'a fold inside a string is one blank',
      '{"campaign_id" : "my_awes\r\n   ome_campaign" }',
    ],
    ['E008', 'so is a fold with TAB', '{"campaign_id" : "my_awes\r\n\tome_campaign" }'],
  ])('%s %s', async (id, _, value) => {
    const event = await injection(api(value), id.toLowerCase())
    expect(event).toMatchObject({ campaign_id: 'my_awes ome_campaign' })
  })

  test('E009 encoded words are joined without a blank', async () => {
    const value = '=?UTF-8?B?eyJjYW1wYWlnbl9pZCI6IsOp?=\r\n =?UTF-8?B?dMOpIn0=?='
    expect(await injection(api(value), 'e009')).toMatchObject({ campaign_id: 'été' })
  })

  test('E011 of more than ten tags the first ten count', async () => {
    const tags = Array.from({ length: 12 }, (_, i) => `t${i + 1}`)
    const event = await injection(api(JSON.stringify({ tags })), 'e011')
    expect(event).toMatchObject({
      rcpt_tags: ['t1', 't2', 't3', 't4', 't5', 't6', 't7', 't8', 't9', 't10'],
    })
  })

  test('E012 what is no string is no tag', async () => {
    expect(await injection(api('{"tags":[null]}'), 'e012a')).not.toHaveProperty('rcpt_tags')
    const event = await injection(api('{"tags":["a",null,3]}'), 'e012b')
    expect(event).toMatchObject({ rcpt_tags: ['a'] })
  })

  test('E013 metadata over max_metadata_len: all of it at injection, whole members at a click', async () => {
    const metadata = Object.fromEntries(
      Array.from({ length: 14 }, (_, i) => [`key${10 + i}`, 'v'.repeat(90)]),
    )
    const members = Object.entries(metadata).map(
      ([key, value], i) => `${i ? ',\r\n ' : ''}"${key}":"${value}"`,
    )
    const rcptto = 'e013@events.example'
    await tracked.pass(html(LINK, '8bit', api(`{"metadata":{${members.join('')}}}`)), [rcptto])
    const events = await tracked.events(rcptto, 'click')
    expect(events.find(({ type }) => type === 'injection')?.['rcpt_meta']).toEqual(metadata)
    const clicked = events.find(({ type }) => type === 'click')?.['rcpt_meta']
    // Nine members of 99 octets, their commas and the braces are 901; a tenth would make it 1001.
    expect(Object.keys(clicked ?? {})).toEqual(Object.keys(metadata).slice(0, 9))
    expect(JSON.stringify(clicked).length).toBeLessThanOrEqual(1000)
  })

  test('mail that came signed is tracked, unless smtpapi_skip_if_signed says to keep it whole', async () => {
    const signature = 'DKIM-Signature: v=1; a=rsa-sha256; d=x.example; s=s; h=from; bh=; b=\r\n'
    expect((await tracked.one(signature + html(LINK))).shown).toEqual([`${CLICKED}[pixel]\r\n`])
    const skip = set('smtpapi_skip_if_signed', '1')
    expect((await tracked.one(skip + html(LINK))).shown).toEqual([`${CLICKED}[pixel]\r\n`])
    const whole = skip + signature + html(LINK)
    expect((await tracked.one(whole)).message).toBe(whole)
  })

  test('every event of a copy has the context variables that begin with cust_', async () => {
    const rcptto = 'cust@events.example'
    const variables = set('cust_shop', 'caf\xc3\xa9') + set('cust_order', '7') + set('other', 'x')
    await tracked.pass(variables + html(LINK), [rcptto])
    await tracked.events(rcptto, 'delivery')
    await tracked.events(rcptto, 'open')
    const events = await tracked.events(rcptto, 'click')
    expect(events.map(({ type }) => type).sort()).toEqual([
      'click',
      'delivery',
      'injection',
      'open',
    ])
    for (const event of events) {
      expect(event).toMatchObject({ cust_shop: 'café', cust_order: '7' })
      expect(event).not.toHaveProperty('other')
      expect('mailfrom' in event).toBe(false)
    }
  })

  test.each(['', api('{"options":{"open_tracking":false,"click_tracking":false}}')])(
    'E019 every X-MSYS-API field is removed, whatever its case; all others stay: %s',
    async (first) => {
      const head = 'Subject: x\r\n\tfolded\r\nx-oDD:  y \r\n'
      const body = '\r\nhi\r\n'
      const copy = await tracked.one(`${first}${head}x-msys-api: {"a":\r\n 1}\r\nLast:z\r\n${body}`)
      expect(copy.message).toBe(`${head}Last:z\r\n${body}`)
    },
  )

  test('cc, bcc, archive and unknown keys are ignored, whatever they hold', async () => {
    const value = '{"cc":["a@b.c"],"bcc":5,"archive":{"email":1},"options":{"sandbox":7},"x":null}'
    expect(await shown(api(value))).toBe(`${CLICKED}[pixel]`)
    expect(await shown(api('{"options":{"tracking_domain":"evil.example"}}'))).toBe(
      `${CLICKED}[pixel]`,
    )
  })
})

test('later callouts and logs see what the header says, unless policy has said something else', async () => {
  const server = await startServer({
    policy: {
      early: `msys.registerModule("early", { validate_data_spool_each_rcpt = function(self, msg)
        msg:header("X-Early", "<" .. msg:context_get(msys.core.VCTX_MESS, "smtpapi_campaign_id") .. ">")
        msg:context_set(msys.core.VCTX_MESS, "smtpapi_open_tracking", "1") return 0 end })`,
      late: `msys.registerModule("late", { core_final_validation = function(self, msg)
        local function of(name) return msg:context_get(msys.core.VCTX_MESS, "smtpapi_" .. name) end
        msg:header("X-Late", of("campaign_id") .. " " .. of("open_tracking") .. " " .. of("tags"))
        return 0 end })`,
    },
  })
  const options = '{"campaign_id":"c","tags":["t",1],"options":{"open_tracking":false}}'
  await sendOne(server, ['you@rcpt.example'], api(options) + plain('hi'))
  const copy = await copyFor(server, 'you@rcpt.example')
  await server.close()
  expect(copy).toContain('X-Early: <>\r\n')
  expect(copy).toContain('X-Late: c 1 ["t"]\r\n')
})

test('E014 click_tracking_include_metadata holds as it was when the message came', async () => {
  const server = await startServer({
    listener: 'open_tracking_enabled = true click_tracking_enabled = true',
    more: 'engagement_tracker { click_tracking_include_metadata = true }',
  })
  const links = async (rcptto: string, count: number) => {
    await sendOne(server, [rcptto], api('{"metadata":{"k":"v"}}') + html(LINK))
    const copy = await copyFor(server, rcptto, count)
    return [...copy.matchAll(/http:\/\/track\.example:8080(\/[\w/-]+)/g)].map(([, path]) => path)
  }
  const visited = []
  const old = await links('old@e014.example', 1)
  await server.reload((text) => text.replace('include_metadata = true', 'include_metadata = false'))
  visited.push(...old, ...(await links('new@e014.example', 2)))
  for (const path of visited) await fetch(server.httpUrl + path, { redirect: 'manual' })
  const events = (await server.events(8)).filter((event) => /open|click/.test(event.type))
  await server.close()
  expect(events.map(({ type, ...event }) => [event['rcpt_to'], type, event['rcpt_meta']])).toEqual([
    ['old@e014.example', 'click', { k: 'v' }],
    ['old@e014.example', 'open', { k: 'v' }],
    ['new@e014.example', 'click', undefined],
    ['new@e014.example', 'open', { k: 'v' }],
  ])
})

test('E020 each recipient has links of their own, and the rest in common', async () => {
  const rcpttos = ['a@e020.example', 'b@e020.example']
  const copies = await tracked.pass(html(LINK), rcpttos)
  const [a, b] = copies
  expect(a?.shown).toEqual(b?.shown)
  expect(new Set(copies.flatMap(({ paths }) => paths)).size).toBe(4)
  for (const rcptto of rcpttos) {
    const events = await tracked.events(rcptto, 'open')
    expect(events.filter(({ type }) => type === 'click')).toHaveLength(1)
  }
})

describe('curly braces', () => {
  test('E026 those of style sheets and text stay', async () => {
    const text = '<style>@media screen{.a{color:red}}</style><p>{x} {{y}} {{{z}}}</p>'
    expect((await tracked.one(html(text))).shown).toEqual([`${text}[pixel]\r\n`])
  })

  test('E028 those of header fields stay', async () => {
    const head = 'Subject: save {{now}} {50%} {{opening_double_curly()}}\r\n'
    expect((await tracked.one(html('x', '8bit', head))).message.startsWith(head)).toBe(true)
  })

  test('macros that stand for braces become braces, in text and in targets', async () => {
    const text = '{{ opening_triple_curly() }} {{closing_single_curly()}} {{ x() }}'
    expect((await tracked.one(plain(text))).shown).toEqual(['{{{ } {{ x() }}\r\n'])
    const url = 'https://e.com/?q={{opening_double_curly()}}name{{closing_double_curly()}}'
    const { shown } = await tracked.one(html(`<a href="${url}">x</a>`))
    expect(shown).toEqual(['<a href="{https://e.com/?q={{name}}}">x</a>[pixel]\r\n'])
  })
})

describe('options of ours', () => {
  const more = trackedServer({
    listener: 'initial_open_tracking_enabled = true click_tracking_foreign_opt_outs = true',
    more: 'smtpapi { debug_level = "debug" }',
  })
  const page = '<html><body class="x"><p>a</p></body></html>'
  const FIRST = '<img border="0" width="1" height="1" alt="" style="display:block" src="[pixel]">'

  test('initial_open_tracking_enabled puts a pixel behind the start of the body, with its own event', async () => {
    const copy = await more.one(html(page))
    expect(copy.shown).toEqual([`<html><body class="x">${FIRST}<p>a</p>[pixel]</body></html>\r\n`])
    await more.pass(html(page), ['first@rcpt.example'])
    const events = await more.events('first@rcpt.example', 'open')
    expect(events.map(({ type }) => type).filter((type) => /open/.test(type))).toEqual([
      'initial_open',
      'open',
    ])
    expect((await tracked.one(html(page))).shown[0]).not.toContain('display:block')
  })

  test('links that opt out of tracking elsewhere are left alone, and lose the attribute', async () => {
    const link = (attribute: string) => `<a href="https://e.com/" ${attribute}>x</a>`
    const attributes = [
      'clicktracking=off',
      'clicktracking="on"',
      'mc:disable-tracking',
      'ses:no-track',
      'data-pm-no-track',
    ]
    const body = attributes.map(link).join('')
    const left = '<a href="https://e.com/">x</a>'
    const counted = '<a href="{https://e.com/}" clicktracking="on">x</a>'
    expect((await more.one(html(body))).shown).toEqual([
      `${left}${counted}${left.repeat(3)}[pixel]\r\n`,
    ])
    expect((await tracked.one(html(body))).shown).toEqual([
      `${body.replaceAll('https://e.com/', '{https://e.com/}')}[pixel]\r\n`,
    ])
  })

  test('with debug_level = debug paniclog tells what was done to every link', async () => {
    await more.pass(html(`${LINK}\r\n<a href="mailto:a@b.c">y</a>`), ['log@rcpt.example'])
    const lines = (await more.server.log('paniclog.ec')).split('\n')
    const own = lines.filter((line) => line.includes('log@rcpt.example: '))
    expect(own.map((line) => line.replace(/^.*?log@rcpt\.example: /, ''))).toEqual([
      'text/html line 1: tracked (full): "https://e.com/"',
      'text/html line 2: scheme: "mailto:a@b.c"',
      'pixel: inserted (full)',
      'initial pixel: no-body',
    ])
    expect(await tracked.server.log('paniclog.ec')).not.toContain('pixel')
  })
})
