// Mail that policy signs, from SMTP in to the next hop: what is signed is what is sent.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { packEntry } from '../../src/spool/entry.ts'
import { dkimpyVerifies, hasDkimpy } from '../support/dkimpy.ts'
import { dkimTags, ED25519, pem, RSA, verifyDkim } from '../support/dkim.ts'
import {
  copyFor,
  sendOne,
  serverPerTest,
  type TestServerOptions,
  trackedPaths,
} from '../support/server.ts'

const start = serverPerTest()

const TRACKED = 'open_tracking_enabled = true click_tracking_enabled = true'
const CRLF = '\r\n'

/** Signs every copy with the key of its author's domain. */
const SIGNER = `
  require("msys.core")
  require("opendkim.dkim")
  require("msys.validate.opendkim")
  local mod = {}
  function mod:core_final_validation(msg, accept, vctx)
    local options = {}
    options["base_domain"] = msg:address_header("From", "domain")[1]
    options["header_canon"] = "relaxed"
    options["body_canon"] = msg:header("X-Canon")[1] or "simple"
    options["digest"] = "rsa-sha256"
    options["selector"] = "dkim-s2048"
    options["keyfile"] = "keys/%{d}/%{s}-%{vctx_mess:tenant||0}.key"
    msys.validate.opendkim.sign(msg, vctx, options)
    return msys.core.VALIDATE_CONT
  end
  msys.registerModule("signer", mod)`

async function startSigner(onAccepted: TestServerOptions['onAccepted'] = () => {}) {
  const test = await start({ policy: { signer: SIGNER }, listener: TRACKED, onAccepted })
  const folder = join(test.folder, 'keys/sender.example')
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'dkim-s2048-0.key'), pem(RSA.privateKey))
  return test
}

const message = (body: string, head = '') =>
  [
    'From: News <news@sender.example>',
    'To: you@rcpt.example',
    'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=',
    `Date: Sat, 21 Nov 2026 09:00:00 +0000${head && CRLF}${head}`,
    '',
    body,
  ].join(CRLF)

const HTML = 'Content-Type: text/html; charset=utf-8'
const fieldOf = (copy: string) => /^DKIM-Signature:.*\r\n(?:[ \t].*\r\n)*/m.exec(copy)?.[0] ?? ''

describe('a copy that is signed in core_final_validation', () => {
  test.each(['simple', 'relaxed'])('E058 verifies with its own body hash (%s)', async (form) => {
    const test = await startSigner()
    const body = `<p>Gr\xfc\xdfe\r\n.. <a href="https://e.com/1">x</a>  y\t\r\n.z</p>\r\n\r\n\r\n`
    const rcpttos = ['a@x.example', 'b@x.example']
    await sendOne(test, rcpttos, message(body, `X-Canon: ${form}\r\n${HTML}`))
    const copies = [await copyFor(test, 'a@x.example', 2), await copyFor(test, 'b@x.example', 2)]
    for (const copy of copies) {
      expect(trackedPaths(copy)).toHaveLength(2)
      expect(await verifyDkim(Buffer.from(copy, 'latin1'))).toEqual(['pass'])
    }
    const [first, second] = copies.map((copy) => dkimTags(fieldOf(copy))['bh'])
    expect(first).not.toBe(second)
  })

  test.each([
    ['quoted-printable', '<a href=3D"https://e.com/">x</a> =C3=BC=\r\n</html>=09 \r\n'],
    [
      'base64',
      `${btoa(`<a href="https://e.com/">x</a>${' filler'.repeat(30)}`).replace(/.{76}/g, '$&\r\n')}\r\n`,
    ],
    ['8bit', '<html><a href="https://e.com/">\xfc</a></html>\t \r\n'],
  ])('E057 verifies with blanks at the end of the body: %s', async (encoding, body) => {
    const test = await startSigner()
    const head = `${HTML}\r\nContent-Transfer-Encoding: ${encoding}`
    for (const [index, form] of ['simple', 'relaxed'].entries()) {
      await sendOne(test, [`${form}@x.example`], message(body, `X-Canon: ${form}\r\n${head}`))
      const copy = await copyFor(test, `${form}@x.example`, index + 1)
      expect(trackedPaths(copy).length).toBe(encoding === 'base64' ? 0 : 2)
      expect(await verifyDkim(Buffer.from(copy, 'latin1'))).toEqual(['pass'])
      if (encoding === '8bit') expect(copy.endsWith('</html>\t \r\n')).toBe(true)
    }
  })

  test('goes unsigned when its domain has no key, and paniclog says so', async () => {
    const test = await startSigner()
    const text = message('hi\r\n').replaceAll('sender.example', 'other.example')
    expect(await sendOne(test, ['a@x.example'], text)).toContain('250 ')
    expect(await copyFor(test, 'a@x.example')).not.toContain('DKIM-Signature')
    expect(await test.log('paniclog.ec')).toMatch(
      /msys\.validate\.opendkim\.sign: \S+ is not signed: keys\/other\.example\/dkim-s2048-0\.key: No such file or directory/,
    )
  })

  test('finds a key that is put in place of another without a reload', async () => {
    const test = await startSigner()
    await sendOne(test, ['a@x.example'], message('hi\r\n'))
    const file = join(test.folder, 'keys/sender.example/dkim-s2048-0.key')
    await writeFile(file, pem(ED25519.privateKey))
    await sendOne(test, ['b@x.example'], message('hi\r\n'))
    const copy = Buffer.from(await copyFor(test, 'b@x.example', 2), 'latin1')
    expect(await test.log('paniclog.ec')).toContain('the key is not one for rsa-sha256')
    expect(await verifyDkim(copy)).toEqual(['none: message not signed'])
  })

  test('costs the spool little more than its signature', async () => {
    const sizes: number[] = []
    const test = await startSigner(({ entry }) =>
      sizes.push(JSON.stringify(packEntry(entry)).length),
    )
    const links = Array.from({ length: 20 }, (_, i) => `<a href="https://e.com/${i}">x</a>`)
    for (const count of [1, 11]) {
      const rcpttos = Array.from({ length: count }, (_, i) => `u${i}@x.example`)
      await sendOne(test, rcpttos, message(`${links.join(CRLF)}${CRLF}`, HTML))
    }
    const [one = 0, eleven = 0] = sizes
    expect(one).toBeGreaterThan(1000)
    expect((eleven - one) / 10).toBeLessThan(1300)
  })
})

/** What verifiers that are not ours make of links, pixel, relay and a restart. */
describe.skipIf(!hasDkimpy)('dkimpy', () => {
  const body = '<p>Gr\xfc\xdfe\r\n.. <a href="https://e.com/1">x</a>  y\t\r\n.z</p>\r\n\r\n\r\n'

  test.each(['simple', 'relaxed'])('accepts copies as they were relayed (%s)', async (form) => {
    const test = await startSigner()
    await sendOne(test, ['a@x.example'], message(body, `X-Canon: ${form}\r\n${HTML}`))
    const copy = Buffer.from(await copyFor(test, 'a@x.example'), 'latin1')
    expect(trackedPaths(copy.toString('latin1'))).toHaveLength(2)
    expect(dkimpyVerifies(copy, RSA.publicKey)).toBe(true)
    const changed = Buffer.from(copy.toString('latin1').replace('.z</p>', '.y</p>'), 'latin1')
    expect(dkimpyVerifies(changed, RSA.publicKey)).toBe(false)
  })

  test('accepts a copy that waited for a restart', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'eachrcpt-dkim-'))
    const keys = join(folder, 'keys/sender.example')
    await mkdir(keys, { recursive: true })
    await writeFile(join(keys, 'dkim-s2048-0.key'), pem(RSA.privateKey))
    const options = { policy: { signer: SIGNER }, listener: TRACKED, folder }
    // Nobody is there.
    const before = await start({ ...options, wayOut: 'gateway = "127.0.0.1:1" retry_interval = 1' })
    await sendOne(before, ['a@x.example'], message(body, HTML))
    await before.close()
    const after = await start(options)
    const copy = Buffer.from(await copyFor(after, 'a@x.example'), 'latin1')
    expect(dkimpyVerifies(copy, RSA.publicKey)).toBe(true)
    await after.close()
    await rm(folder, { recursive: true })
  })
})
