// DKIM signatures: canonical forms as RFC 6376 shows them, and signatures that a peer verifies.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type HeaderRule, signMessage, type SignatureOptions } from '../../src/mime/dkim.ts'
import { canonicalBody, canonicalField } from '../../src/mime/dkimcanon.ts'
import { splitHeader } from '../../src/mime/field.ts'
import { dkimTags, ED25519, RSA, verifyDkim } from '../support/dkim.ts'

const bytes = (text: string) => Buffer.from(text, 'latin1')
const rule = (name: string): HeaderRule => ({ name, all: false, asserts: true })

const OPTIONS: SignatureOptions = {
  domain: 'sender.example',
  selector: 's1',
  key: RSA.privateKey,
  headerForm: 'relaxed',
  bodyForm: 'relaxed',
  headers: [rule('From'), rule('Subject')],
  signedAt: 1_700_000_000,
  hasLength: false,
}

const signed = (text: string, options: Partial<SignatureOptions> = {}): Buffer => {
  const message = splitHeader(bytes(text))
  const field = signMessage(message, { ...OPTIONS, ...options })
  return Buffer.concat([field.bytes, bytes(text)])
}
const fieldOf = (message: Buffer) => message.toString('latin1').split(/\r\n(?![ \t])/)[0]!
const tagsOf = (message: Buffer) => dkimTags(fieldOf(message))

const MAIL = 'From: a@sender.example\r\nSubject: hi  there\r\n\r\nbody \t x\r\n\r\n'

describe('canonical forms', () => {
  // RFC 6376 §3.4.5.
  const [a, b] = splitHeader(bytes('A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n')).fields
  test('relaxed fields', () => {
    expect(canonicalField(a!, 'relaxed')).toBe('a:X\r\n')
    expect(canonicalField(b!, 'relaxed')).toBe('b:Y Z\r\n')
  })
  test('simple fields', () => {
    expect(canonicalField(b!, 'simple')).toBe('B : Y\t\r\n\tZ  \r\n')
  })

  test.each([
    ['as in RFC 6376', ' C \r\nD \t E\r\n\r\n\r\n', ' C\r\nD E\r\n', ' C \r\nD \t E\r\n'],
    ['nothing', '', '', '\r\n'],
    ['empty lines', '\r\n\r\n', '', '\r\n'],
    ['a last line without an end', 'a\r\nb', 'a\r\nb\r\n', 'a\r\nb\r\n'],
    ['blanks at the end', 'a\t \r\n \r\n', 'a\r\n', 'a\t \r\n \r\n'],
    ['blanks without a line end', 'a \t', 'a\r\n', 'a \t\r\n'],
    ['a lone CR', 'a \rb\r\n', 'a \rb\r\n', 'a \rb\r\n'],
  ])('bodies: %s', (_, body, relaxed, simple) => {
    expect(canonicalBody(bytes(body), 'relaxed').toString('latin1')).toBe(relaxed)
    expect(canonicalBody(bytes(body), 'simple').toString('latin1')).toBe(simple)
  })
})

describe('a signature', () => {
  test('says what RFC 6376 wants to know, in lines of at most 78', () => {
    const message = signed(MAIL, {
      expiresAt: 1_700_000_600,
      identity: 'a=b@sender.example',
      hasLength: true,
    })
    const { b, ...tags } = tagsOf(message)
    expect(b).toMatch(/^[\w+/=]{344}$/)
    expect(tags).toEqual({
      v: '1',
      a: 'rsa-sha256',
      c: 'relaxed/relaxed',
      d: 'sender.example',
      s: 's1',
      t: '1700000000',
      x: '1700000600',
      i: 'a=3Db@sender.example',
      l: '8',
      // printf 'body x\r\n' | openssl dgst -sha256 -binary | base64
      bh: 'RtSi7scj0pC9njdWn0NayVgZwyGjIXxPX0axDiw+gKU=',
      h: 'From:Subject',
    })
    for (const line of fieldOf(message).split('\r\n')) expect(line.length).toBeLessThanOrEqual(78)
  })

  const forms = ['simple', 'relaxed'] as const
  const pairs = forms.flatMap((headerForm) =>
    forms.map((bodyForm) => [headerForm, bodyForm] as const),
  )
  test.each(pairs)(
    '%s/%s is verified by a peer, and not after a change',
    async (headerForm, bodyForm) => {
      const message = signed(MAIL, { headerForm, bodyForm })
      expect(await verifyDkim(message)).toEqual(['pass'])
      const changed = (from: string, to: string) =>
        bytes(message.toString('latin1').replace(from, to))
      expect(await verifyDkim(changed('body', 'Body'))).toEqual([
        'neutral: body hash did not verify',
      ])
      expect(await verifyDkim(changed('hi  there', 'ho  there'))).toEqual(['fail: bad signature'])
    },
  )

  test('by an Ed25519 key is verified too', async () => {
    const message = signed(MAIL, { key: ED25519.privateKey })
    expect(tagsOf(message)['a']).toBe('ed25519-sha256')
    expect(await verifyDkim(message, ED25519.publicKey)).toEqual(['pass'])
  })

  test('with a length lets text be appended', async () => {
    const message = signed(MAIL, { hasLength: true, bodyForm: 'simple' })
    expect(await verifyDkim(Buffer.concat([message, bytes('more\r\n')]))).toEqual(['pass'])
  })

  test('asserts that a field is not there', async () => {
    const message = signed(MAIL, { headers: [rule('From'), rule('Reply-To')] })
    expect(await verifyDkim(message)).toEqual(['pass'])
    expect(
      await verifyDkim(Buffer.concat([bytes('Reply-To: x@evil.example\r\n'), message])),
    ).toEqual(['fail: bad signature'])
  })

  test.each([
    ['the lowest of a name', [rule('From'), rule('X')], 'From:X'],
    ['each once, then none', [rule('From'), rule('X'), rule('X'), rule('X')], 'From:X:X:X'],
    ['all', [rule('From'), { name: 'X', all: true, asserts: true }], 'From:X:X'],
    ['all of none, asserted', [rule('From'), { name: 'Y', all: true, asserts: true }], 'From:Y'],
    ['all of none', [rule('From'), { name: 'Y', all: true, asserts: false }], 'From'],
    ['one that is there', [rule('From'), { name: 'x', all: false, asserts: false }], 'From:x'],
  ])('covers %s', async (_, headers, expected) => {
    const message = signed(`X: 1\r\nX: 2\r\n${MAIL}`, { headers })
    expect(tagsOf(message)['h']).toBe(expected)
    expect(await verifyDkim(message)).toEqual(['pass'])
    // The upper X is covered only where both are.
    const isUpperCovered = expected.match(/X/g)?.length !== 1 && expected.includes('X')
    const changed = bytes(message.toString('latin1').replace('X: 1', 'X: 9'))
    expect(await verifyDkim(changed)).toEqual([isUpperCovered ? 'fail: bad signature' : 'pass'])
  })

  test('of any message is verified', async () => {
    const line = fc.stringMatching(/^[ -~\t\xe9]{0,90}$/)
    const values = fc.stringMatching(/^(?:[ -~]| \r\n[ \t]x){1,60}$/)
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 12 }),
        values,
        fc.constantFrom(...pairs),
        async (lines, subject, [headerForm, bodyForm]) => {
          const body = lines.map((text) => `${text}\r\n`).join('')
          const text = `From: a@sender.example\r\nSubject: ${subject}\r\n\r\n${body}`
          expect(await verifyDkim(signed(text, { headerForm, bodyForm }))).toEqual(['pass'])
        },
      ),
      { numRuns: 60 },
    )
  })
})
