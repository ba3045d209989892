// msys.validate.opendkim.sign as a callout calls it; e2e/dkim.test.ts has whole messages verified.
import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { dkimTags, ED25519, oneLine, pem, RSA, verifyDkim } from '../support/dkim.ts'
import { headerText, runLua } from '../support/policy.ts'
import { rawOf } from '../../src/msys/content.ts'

const MAIL =
  'From: "Anna" <anna@Sender.Example>\r\nTo: b@rcpt.example\r\nSubject: hi\r\n\r\nbody\r\n'
const KEYBUF = oneLine(RSA.privateKey)
const PKCS1 = String(RSA.privateKey.export({ type: 'pkcs1', format: 'pem' }))

/** Signs with a selector, a key and what `options` has, which is Lua. */
async function sign(options: string, more: { mail?: string; callout?: string; msg?: string } = {}) {
  const { mail = MAIL, callout = 'core_final_validation', msg = 'msg, vctx' } = more
  const ran = await runLua(
    `local o = { selector = "s1", keybuf = "${KEYBUF}" }
     for k, v in pairs({ ${options} }) do o[k] = v end
     say(msys.validate.opendkim.sign(${msg}, o))`,
    { callout, mail },
  )
  const header = headerText(ran.subject.msg)
  const field = /^DKIM-Signature:.*\r\n(?:[ \t].*\r\n)*/.exec(header)?.[0] ?? ''
  return { ...ran, tags: dkimTags(field), message: rawOf(ran.subject.msg) }
}

describe('msys.validate.opendkim.sign', () => {
  test('signs for the domain of the author and puts the signature on top', async () => {
    const { said, tags, message } = await sign('')
    expect(said).toBe('true')
    expect(tags).toMatchObject({ c: 'simple/simple', d: 'sender.example', s: 's1' })
    expect(tags['h']).toBe('From:From:Subject:To')
    expect(await verifyDkim(message)).toEqual(['pass'])
  })

  test.each([
    ['base_domain = "news.example"', { d: 'news.example' }],
    ['signing_domain = "news.example"', { d: 'news.example' }],
    ['base_domain = "b\xfccher.example"', { d: 'xn--bcher-kva.example' }],
    ['header_canon = "relaxed", body_canon = "relaxed"', { c: 'relaxed/relaxed' }],
    ['digest = "rsa-sha256"', { a: 'rsa-sha256' }],
    // RFC 8301 forbids it, and receivers heed that.
    ['digest = "rsa-sha1"', { a: 'rsa-sha256' }],
    ['identity = "@sender.example"', { i: '@sender.example' }],
    ['identity = "x@mail.sender.example"', { i: 'x@mail.sender.example' }],
    ['headerlist = "From:Subject:Date:To:MIME-Version?"', { h: 'From:Subject:Date:To' }],
    ['headerlist = "from, to"', { h: 'from:to' }],
    ['headerlist = { "From", "Subject", "To+", "X*" }', { h: 'From:Subject:To:X' }],
    ['body_length_limit = 1', { l: '6' }],
    ['body_length_limit = true', { l: '6' }],
    ['body_length_limit = 0', { l: undefined }],
    ['body_length_limit = "false"', { l: undefined }],
    ['expiry = 0', { x: undefined }],
    ['expiry = 4000000000', { x: '4000000000' }],
  ])('%s', async (options, expected) => {
    const { tags, message } = await sign(options)
    for (const [name, value] of Object.entries(expected)) expect(tags[name]).toBe(value)
    expect(await verifyDkim(message)).toEqual(['pass'])
  })

  test('an expiry counts from the time of signing', async () => {
    const { tags } = await sign('expiry = 3600')
    expect(Number(tags['x']) - Number(tags['t'])).toBe(3600)
  })

  test.each([
    ['PKCS #1', PKCS1.replace(/-----[^-]+-----|\s/g, '')],
    ['a whole PEM file', pem(RSA.privateKey).replaceAll('\n', '\\n')],
  ])('takes a keybuf of %s', async (_, key) => {
    expect(await verifyDkim((await sign(`keybuf = "${key}"`)).message)).toEqual(['pass'])
  })

  test('takes an Ed25519 key', async () => {
    const { tags, message } = await sign(`keybuf = "${oneLine(ED25519.privateKey)}"`)
    expect(tags['a']).toBe('ed25519-sha256')
    expect(await verifyDkim(message, ED25519.publicKey)).toEqual(['pass'])
  })

  test('two signatures are both verified', async () => {
    const { subject } = await runLua(
      `local o = { selector = "s1", keybuf = "${KEYBUF}" }
       say(msys.validate.opendkim.sign(msg, vctx, o))
       o.base_domain = "esp.example"
       say(msys.validate.dkim.sign(nil, nil, o))`,
      { callout: 'core_post_final_validation', mail: MAIL },
    )
    expect(await verifyDkim(rawOf(subject.msg))).toEqual(['pass', 'pass'])
  })

  test.each([
    ['identity = "@other.example"', 'the identity @other.example is not below sender.example'],
    ['keybuf = "AAAA"', 'the key is no private key in PEM format'],
    [`keybuf = "${shortKey()}"`, 'a key of 512 bits is too short: 1024 are needed'],
    ['digest = "ed25519-sha256"', 'the key is not one for ed25519-sha256'],
    ['sign_condition = "auth_user"', 'there is no context variable auth_user'],
  ])('%s: the message goes unsigned, and paniclog says why', async (options, why) => {
    const { said, tags, lines } = await sign(options)
    expect(said).toBe(`false ${why}`)
    expect(tags).toEqual({})
    expect(lines).toContain(`msys.validate.opendkim.sign: 00/00-1-A is not signed: ${why}`)
  })

  test('a message without an author is not signed', async () => {
    expect((await sign('', { mail: 'Subject: x\r\n\r\n' })).said).toBe('false it has no From field')
    expect((await sign('', { mail: 'From: nobody\r\n\r\n' })).said).toBe(
      'false its author has no domain',
    )
  })

  test.each([
    ['keybuf = false', 'string expected, got boolean'],
    ['selector = ""', 'a selector is needed'],
    ['selector = "a/../b"', 'a selector is needed'],
    ['base_domain = "a.example; x=1"', 'no domain'],
    ['headerlist = "To:Subject"', 'field names, From among them'],
    ['headerlist = "From:a;b"', 'field names, From among them'],
    ['header_canon = "nofws"', "'simple' or 'relaxed'"],
    ['digest = "md5"', "'rsa-sha256', 'rsa-sha1' or 'ed25519-sha256'"],
    ['expiry = "soon"', 'seconds expected'],
  ])('%s raises', async (options, why) => {
    expect((await sign(options)).said).toContain(
      ` msys.validate.opendkim.sign: bad argument #3 (${why}): options.${options.split(' ')[0]}`,
    )
  })

  test('raises for arguments of other types, and where links are not in yet', async () => {
    expect((await sign('', { msg: '"text", vctx' })).said).toContain(
      'bad argument #1 (message expected, got string): msg',
    )
    expect((await sign('', { callout: 'validate_data_spool_each_rcpt' })).said).toContain(
      'msys.validate.opendkim.sign is not allowed in validate_data_spool_each_rcpt (only in: core_final_validation)',
    )
  })
})

function shortKey(): string {
  return oneLine(generateKeyPairSync('rsa', { modulusLength: 512 }).privateKey)
}
