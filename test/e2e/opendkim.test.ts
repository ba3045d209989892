// Mail that the configuration signs: the stanzas opendkim and dkim_sign, from SMTP in to the next hop.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { parseConfig } from '../../src/config/load.ts'
import { dkimpyVerifies, hasDkimpy } from '../support/dkimpy.ts'
import { dkimTags, ED25519, pem, RSA, verifyDkim } from '../support/dkim.ts'
import { copyFor, sendOne, serverPerTest, trackedPaths } from '../support/server.ts'

const start = serverPerTest()
const TRACKED = 'open_tracking_enabled = true click_tracking_enabled = true'

const STANZA = `
  opendkim "opendkim1" {
    header_canon = "relaxed"
    body_canon = "relaxed"
    headerlist = ( "from", "to", "date?", "subject", "Content-Type?" )
    key = "keys/%{d}/%{s}.key"
    dkim_domain "Sender.example" { selector = "s1" }
    dkim_domain "news.sender.example" { selector = "s2" base_domain = "sender.example" body_canon = "simple" lifetime = 2 }
    dkim_domain "nokey.example" { selector = "s1" }
  }`

/** A folder with keys in it. */
async function keyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'eachrcpt-opendkim-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  for (const name of ['sender.example/s1', 'sender.example/s2', 'other.example/s1']) {
    await mkdir(join(folder, 'keys', name, '..'), { recursive: true })
    await writeFile(join(folder, 'keys', `${name}.key`), pem(RSA.privateKey))
  }
  return folder
}

const message = (from = 'news@sender.example'): string =>
  [
    `From: <${from}>`,
    'To: you@rcpt.example',
    'Subject: hi',
    'Content-Type: text/html; charset=utf-8',
    '',
    '<p>Gr\xfc\xdfe\r\n.. <a href="https://e.com/1">x</a>  y\t\r\n.z</p>\r\n\r\n',
  ].join('\r\n')

const fieldsOf = (copy: string): Record<string, string>[] =>
  [...copy.matchAll(/^DKIM-Signature:.*\r\n(?:[ \t].*\r\n)*/gm)].map(([field]) => dkimTags(field))

describe('the stanza opendkim', () => {
  test('signs every copy with links and pixel in it, and verifiers accept it', async () => {
    const server = await start({ more: STANZA, listener: TRACKED, folder: await keyFolder() })
    await sendOne(server, ['a@x.example', 'b@x.example'], message())
    for (const rcptto of ['a@x.example', 'b@x.example']) {
      const copy = await copyFor(server, rcptto, 2)
      expect(trackedPaths(copy)).toHaveLength(2)
      expect(fieldsOf(copy)).toMatchObject([
        {
          a: 'rsa-sha256',
          c: 'relaxed/relaxed',
          d: 'sender.example',
          s: 's1',
          h: 'from:to:subject:Content-Type',
        },
      ])
      expect(await verifyDkim(Buffer.from(copy, 'latin1'))).toEqual(['pass'])
    }
  })

  test.each<[string, string, object | undefined]>([
    [
      'a domain below signs as its base_domain',
      'x@news.sender.example',
      { d: 'sender.example', s: 's2', c: 'relaxed/simple' },
    ],
    ['a domain without a stanza and selector goes unsigned', 'x@other.example', undefined],
    ['a domain whose key is not there goes unsigned', 'x@nokey.example', undefined],
  ])('%s', async (_, from, expected) => {
    const server = await start({ more: STANZA, folder: await keyFolder() })
    await sendOne(server, ['a@x.example'], message(from))
    const copy = await copyFor(server, 'a@x.example')
    expect(fieldsOf(copy)).toMatchObject(expected ? [expected] : [])
    expect(await verifyDkim(Buffer.from(copy, 'latin1'))).toEqual([
      expected ? 'pass' : 'none: message not signed',
    ])
    const [{ x, t } = {}] = fieldsOf(copy)
    if (expected) expect(Number(x) - Number(t)).toBe(7200)
  })

  test('says once which key is not there', async () => {
    const server = await start({ more: STANZA, folder: await keyFolder() })
    for (const to of ['a', 'b'])
      await sendOne(server, [`${to}@x.example`], message('x@nokey.example'))
    await copyFor(server, 'b@x.example', 2)
    const lines = (await server.log('paniclog.ec')).match(/opendkim: no mail is signed.*/g)
    expect(lines).toHaveLength(1)
    expect(lines?.[0]).toMatch(/keys\/nokey\.example\/s1\.key: ENOENT$/)
  })

  test('opendkim_sign of the way out, and sign_condition, decide', async () => {
    const more = `${STANZA.replace('key =', 'sign_condition = "auth_user" key =')}
      domain "plain.example" { opendkim_sign = "disabled" }
      binding_group "g" { opendkim_sign = "false" binding "b" { domain "yes.example" { opendkim_sign = "enabled" } } }`
    const policy = {
      p: `msys.registerModule("p", {
        validate_data = function(self, msg, ac, vctx)
          if msg:header("Subject")[1] == "hi" then vctx:set(msys.core.VCTX_CONN, "auth_user", "joe") end
          return 0 end,
        validate_set_binding = function(self, msg)
          if msg:rcptto():match("^bound") then msg:binding_group("g") end
          return 0 end })`,
    }
    const server = await start({ more, policy, folder: await keyFolder() })
    const rcpttos = ['a@x.example', 'a@plain.example', 'bound@x.example', 'bound@yes.example']
    await sendOne(server, rcpttos, message())
    await server.sink.waitFor(4, 10_000)
    const signed: number[] = []
    for (const to of rcpttos) signed.push(fieldsOf(await copyFor(server, to)).length)
    expect(signed).toEqual([1, 0, 0, 1])
    const other = await start({ more, policy, folder: await keyFolder() })
    await sendOne(other, ['a@x.example'], message().replace('Subject: hi', 'Subject: ho'))
    expect(fieldsOf(await copyFor(other, 'a@x.example'))).toEqual([])
  })

  test('covers what policy does in core_final_validation, and lends it options', async () => {
    const sign = (options: string) => ({
      p: `require("msys.validate.opendkim")
        msys.registerModule("p", { core_final_validation = function(self, msg, ac, vctx)
          msg:header("X-Final", "yes", "append") ${options} end })`,
    })
    const more = STANZA.replace('"Content-Type?"', '"Content-Type?", "X-Final"')
    const server = await start({ more, policy: sign(''), folder: await keyFolder() })
    await sendOne(server, ['a@x.example'], message())
    const copy = await copyFor(server, 'a@x.example')
    expect(fieldsOf(copy)).toMatchObject([{ h: 'from:to:subject:Content-Type:X-Final' }])
    expect(await verifyDkim(Buffer.from(copy, 'latin1'))).toEqual(['pass'])
    // By policy with the same key: once. With another selector: twice.
    for (const [options, selectors] of [
      ['msys.validate.opendkim.sign(msg, vctx)', ['s1']],
      ['msys.validate.opendkim.sign(msg, vctx, { selector = "s9" })', ['s1', 's9']],
      [
        'assert(not pcall(msys.validate.opendkim.sign, msg, vctx, { base_domain = "nowhere.example" }))',
        ['s1'],
      ],
    ] as const) {
      const own = await start({ more, policy: sign(options), folder: await keyFolder() })
      await sendOne(own, ['a@x.example'], message())
      const both = await copyFor(own, 'a@x.example')
      expect(fieldsOf(both).map(({ s }) => s)).toEqual(selectors)
      expect(fieldsOf(both)[0]).toMatchObject({ c: 'relaxed/relaxed' })
      expect(new Set(await verifyDkim(Buffer.from(both, 'latin1')))).toEqual(new Set(['pass']))
    }
  })

  test('oversigns, skips and limits as it is told', async () => {
    const more = `opendkim { selector = "s1" key = "keys/%{d}/%{s}.key" skip_headerlist = ( "To" )
      oversign_headerlist = ( "Subject" "Reply-To" ) body_length_limit = true
      headerlist = "From:To:Subject:List-Id?" identity = "@sender.example" }`
    const server = await start({ more, folder: await keyFolder() })
    await sendOne(server, ['a@x.example'], message())
    const copy = await copyFor(server, 'a@x.example')
    const [tags] = fieldsOf(copy)
    expect(tags).toMatchObject({
      c: 'simple/simple',
      h: 'From:Subject:Subject:Reply-To',
      i: '@sender.example',
    })
    expect(Number(tags?.['l'])).toBeGreaterThan(0)
    const spoiled = Buffer.from(`Reply-To: <evil@x.example>\r\n${copy}`, 'latin1')
    expect(await verifyDkim(Buffer.from(copy, 'latin1'))).toEqual(['pass'])
    expect(await verifyDkim(spoiled)).not.toEqual(['pass'])
  })

  test('takes an Ed25519 key', async () => {
    const folder = await keyFolder()
    await writeFile(join(folder, 'keys/sender.example/s1.key'), pem(ED25519.privateKey))
    const more = STANZA.replace('key =', 'digest = "ed25519-sha256" key =')
    const server = await start({ more, folder })
    await sendOne(server, ['a@x.example'], message())
    const copy = Buffer.from(await copyFor(server, 'a@x.example'), 'latin1')
    expect(await verifyDkim(copy, ED25519.publicKey)).toEqual(['pass'])
  })

  test('signs what policy sends too', async () => {
    const policy = {
      p: `msys.registerModule("p", { validate_data_spool = function(self, msg, ac, vctx)
        local m = msys.core.ec_message_new()
        m:build({ From = "a@sender.example", To = "b@x.example", Subject = "s" }, { ["text/plain"] = "hello\\r\\n" })
        m:inject("a@sender.example", "own@x.example")
        return 0 end })`,
    }
    const server = await start({ more: STANZA, policy, folder: await keyFolder() })
    await sendOne(server, ['a@x.example'], message())
    const copy = Buffer.from(await copyFor(server, 'own@x.example', 2), 'latin1')
    expect(await verifyDkim(copy)).toEqual(['pass'])
  })
})

test('dkim_sign of Momentum 3 signs by its dk_domain, and the option dkim switches it', async () => {
  const more = `
    dkim_sign "dkim_sign1" {
      digest = "rsa-sha1" header_canon = "relaxed" body_canon = "relaxed"
      headerlist = "From:Subject:Date?:To:MIME-Version?:Content-Type?"
      key = "keys/%{d}/%{s}.key"
      dk_domain "sender.example" { selector = "s1" }
    }
    domain "off.example" { dkim = disabled }`
  const server = await start({ more, folder: await keyFolder() })
  await sendOne(server, ['a@x.example', 'a@off.example'], message())
  const copy = await copyFor(server, 'a@x.example', 2)
  expect(fieldsOf(copy)).toMatchObject([{ a: 'rsa-sha256', h: 'From:Subject:To:Content-Type' }])
  expect(await verifyDkim(Buffer.from(copy, 'latin1'))).toEqual(['pass'])
  expect(fieldsOf(await copyFor(server, 'a@off.example', 2))).toEqual([])
})

describe('what cannot be, or is not done, is said with file and line', () => {
  const warningsOf = (text: string): readonly string[] =>
    parseConfig(text, 'f.conf', { lenient: false, defaultHostname: 'm', folder: '/nowhere' })
      .warnings

  test.each([
    [
      'opendkim {\n copy_headers = true }',
      'f.conf:2: option "copy_headers" is known but not supported yet: ignored',
    ],
    ['opendkim {\n digest = "rsa-sha1" }', /^f\.conf:2: .*rsa-sha1/],
    [
      'opendkim {\n key = "k"\n dkim_domain "d.example" { selector = s } }',
      /^f\.conf:3: there is no key "\/nowhere\/k": mail of d\.example goes out unsigned/,
    ],
    [
      'opendkim "a" {}\nopendkim "b" {}',
      /^f\.conf:2: a second opendkim, "b", is known but not supported yet/,
    ],
    ['dkim_validate {}', /^f\.conf:1: scope "dkim_validate" is known but not supported yet/],
  ])('%s', (text, expected) => {
    const warnings = warningsOf(text)
    if (typeof expected === 'string') expect(warnings).toContain(expected)
    else expect(warnings.some((line) => expected.test(line))).toBe(true)
  })

  test.each([
    ['opendkim {\n headerlist = ( "To" ) }', /f\.conf:2: .*headerlist.*From among them/],
    ['opendkim {\n base_domain = "x" }', /f\.conf:2: .*base_domain/],
    ['opendkim {\n header_canon = "nofws" }', /f\.conf:2: .*header_canon.*one of simple, relaxed/],
  ])('%s is refused', (text, expected) => {
    expect(() => warningsOf(text)).toThrow(expected)
  })
})

describe.skipIf(!hasDkimpy)('dkimpy', () => {
  test('accepts a copy that waited for a restart', async () => {
    const folder = await keyFolder()
    const options = { more: STANZA, listener: TRACKED, folder }
    // Nobody is there.
    const before = await start({ ...options, wayOut: 'gateway = "127.0.0.1:1" retry_interval = 1' })
    await sendOne(before, ['a@x.example'], message())
    await before.close()
    const after = await start(options)
    const copy = await copyFor(after, 'a@x.example')
    expect(trackedPaths(copy)).toHaveLength(2)
    expect(dkimpyVerifies(Buffer.from(copy, 'latin1'), RSA.publicKey)).toBe(true)
  })
})
