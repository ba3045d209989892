// Verifying DKIM: against signers that are not ours, and what a verdict says of a signature that is not good.
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { dkimSign } from 'mailauth/lib/dkim/sign.js'
import { createTransport } from 'nodemailer'
import { describe, expect, test } from 'vitest'
import { conclude, examine, type KeyAnswer } from '../../src/mime/dkimverify.ts'
import { splitHeader } from '../../src/mime/field.ts'
import { ED25519, pem, RSA } from '../support/dkim.ts'

const MAIL = [
  'From: Anna <anna@sender.example>',
  'Subject: a  long   subject',
  '\tfolded',
  'To: b@rcpt.example',
  '',
  'Hello  \t world ',
  '',
  'a line  ',
  '',
  '',
]
const MESSAGE = Buffer.from(`${MAIL.join('\r\n')}\r\n`)

const spki = (key: KeyObject): string =>
  key.export({ type: 'spki', format: 'der' }).toString('base64')
const RSA_RECORD = `v=DKIM1; k=rsa; p=${spki(RSA.publicKey)}`
const ED_RECORD = `v=DKIM1; k=ed25519; p=${ED25519.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64')}`
const NOW = 1_700_000_000

function check(message: Buffer, record: string | KeyAnswer = RSA_RECORD, now = NOW) {
  const split = splitHeader(message)
  const answer = typeof record === 'string' ? { kind: 'found' as const, records: [record] } : record
  return examine(split, now).map((each) => {
    const { status, text } = conclude(each, split.fields, answer)
    return `${status}: ${text}`
  })
}

async function signed(options: Readonly<Record<string, string>> = {}) {
  const privateKey = pem(RSA.privateKey)
  const data = { signingDomain: 'sender.example', selector: 's', privateKey, ...options }
  const result = await dkimSign(MESSAGE, {
    signTime: new Date(NOW * 1000),
    ...data,
    signatureData: [data],
  })
  return Buffer.concat([Buffer.from(result.signatures), MESSAGE])
}

const GOOD = ['OK: no signature error']

describe('signatures of others', () => {
  test.each(['relaxed/relaxed', 'relaxed/simple', 'simple/relaxed', 'simple/simple'])(
    'mailauth, %s',
    async (canonicalization) => {
      expect(check(await signed({ canonicalization }))).toEqual(GOOD)
    },
  )

  test('mailauth, Ed25519', async () => {
    const message = await signed({
      privateKey: pem(ED25519.privateKey),
      algorithm: 'ed25519-sha256',
    })
    expect(check(message, ED_RECORD)).toEqual(GOOD)
  })

  test('nodemailer', async () => {
    const transport = createTransport({
      streamTransport: true,
      buffer: true,
      newline: 'windows',
      dkim: { domainName: 'sender.example', keySelector: 's', privateKey: pem(RSA.privateKey) },
    })
    const { message } = await transport.sendMail({
      from: 'a@sender.example',
      to: 'b@rcpt.example',
      subject: 'Grüße',
      text: 'Hallo\n\n  Welt \n',
      html: '<p>Hallo</p>',
    })
    expect(check(message as Buffer, RSA_RECORD, Date.now() / 1000)).toEqual(GOOD)
  })

  test('of several each has its own verdict, and ten are looked at', async () => {
    const one = (await signed()).subarray(0, -MESSAGE.length)
    const message = Buffer.concat([...Array<Buffer>(12).fill(one), MESSAGE])
    expect(check(message)).toEqual(Array(10).fill(GOOD[0]))
  })
})

describe('what is changed', () => {
  const replaced = async (from: string, to: string) =>
    check(Buffer.from((await signed()).toString('latin1').replace(from, to), 'latin1'))

  test.each([
    ['Hello', 'Hollo', 'BADSIG: body hash mismatch'],
    ['From: Anna', 'From: Anne', 'BADSIG: signature verification failed'],
    ['subject', 'subjekt', 'BADSIG: signature verification failed'],
    ['d=sender', 'd=sendar', 'BADSIG: signature verification failed'],
  ])('%s to %s', async (from, to, expected) => {
    expect(await replaced(from, to)).toEqual([expected])
  })

  test.each([
    ['Hello  \t world ', 'Hello world'],
    ['a  long   subject', 'a long subject'],
    ['Subject:', 'SUBJECT :'],
    ['\r\n\r\n\r\n', '\r\n\r\n\r\n\r\n'],
  ])('%j to %j is the same in relaxed form', async (from, to) => {
    const message = await signed({ canonicalization: 'relaxed/relaxed' })
    const text = message.toString('latin1')
    const at = text.lastIndexOf(from)
    const changed = text.slice(0, at) + to + text.slice(at + from.length)
    expect(check(Buffer.from(changed, 'latin1'))).toEqual(GOOD)
  })
})

describe('keys', () => {
  const short = generateKeyPairSync('rsa', { modulusLength: 512 })
  const p = spki(RSA.publicKey)
  test.each<[string, string | KeyAnswer, string]>([
    ['with little', `p=${p}`, 'OK: no signature error'],
    [
      'as RSAPublicKey',
      `p=${RSA.publicKey.export({ type: 'pkcs1', format: 'der' }).toString('base64')}`,
      'OK: no signature error',
    ],
    ['for this hash and service', `h=sha1:sha256; s=email; t=y; p=${p}`, 'OK: no signature error'],
    ['revoked', 'v=DKIM1; p=', 'REVOKED: key revoked'],
    ['of another version', `v=DKIM2; p=${p}`, 'CANTVRFY: unknown key version'],
    ['of another type', `k=dsa; p=${p}`, 'CANTVRFY: unknown key type'],
    ['of the other type', ED_RECORD, 'CANTVRFY: signature-key type mismatch'],
    ['for another hash', `h=sha1; p=${p}`, 'CANTVRFY: signature-key hash mismatch'],
    ['for another service', `s=tlsrpt; p=${p}`, 'CANTVRFY: not an e-mail key'],
    ['that is none', 'p=AAAA', 'CANTVRFY: unable to apply public key'],
    ['that is too short', `p=${spki(short.publicKey)}`, 'CANTVRFY: key too small'],
    ['without a key', 'v=DKIM1', 'NOKEY: key not found in DNS'],
    ['that is no list of tags', 'hello', 'KEYFAIL: malformed DNS reply'],
    ['absent', { kind: 'absent' }, 'NOKEY: key not found in DNS'],
    ['unknown', { kind: 'unknown' }, 'KEYFAIL: DNS query failed'],
    ['twice', { kind: 'found', records: [`p=${p}`, `p=${p}`] }, 'KEYFAIL: multiple keys found'],
  ])('%s', async (_, record, expected) => {
    expect(check(await signed(), record)).toEqual([expected])
  })

  test('only for its own domain', async () => {
    const split = splitHeader(
      Buffer.from((await signed()).toString('latin1').replace('s=s;', 's=s; i=@a.sender.example;')),
    )
    const [examined] = examine(split, NOW)
    const answer: KeyAnswer = { kind: 'found', records: [`t=s; p=${p}`] }
    expect(conclude(examined!, split.fields, answer)).toMatchObject({
      status: 'CANTVRFY',
      text: 'unauthorized subdomain',
    })
  })
})

describe('fields that are no signatures', () => {
  const field = (tags: string) =>
    check(Buffer.concat([Buffer.from(`DKIM-Signature: ${tags}\r\n`), MESSAGE]))
  const ALL = 'v=1; a=rsa-sha256; d=a.example; s=s; h=from; b=AAAA; bh=AAAA'
  test.each([
    ['hello', 'unknown signature error'],
    ['', 'unsupported signature version'],
    ['v=2', 'unsupported signature version'],
    ['v=1; v=1', 'unknown signature error'],
    [ALL.replace('a=rsa-sha256; ', ''), 'signature algorithm missing'],
    [ALL.replace('rsa-sha256', 'rsa-md5'), 'signature algorithm invalid'],
    [ALL.replace('d=a.example; ', ''), 'domain tag missing'],
    [ALL.replace('a.example', 'a..example'), 'domain tag empty'],
    [ALL.replace('s=s; ', ''), 'selector tag missing'],
    [ALL.replace('h=from; ', ''), 'header list missing'],
    [ALL.replace('h=from', 'h=to'), 'header list missing required entries'],
    [ALL.replace('b=AAAA', 'b='), 'signature data empty'],
    [ALL.replace('b=AAAA', 'b=!'), 'signature data corrupt'],
    [ALL.replace('bh=AAAA', 'bh=?'), 'body hash corrupt'],
    [`${ALL}; l=-1`, 'body length value invalid'],
    [`${ALL}; l=99999`, 'length tag value exceeds body size'],
    [`${ALL}; q=http`, 'query method invalid'],
    [`${ALL}; c=nothing`, 'invalid header canonicalization'],
    [`${ALL}; c=relaxed/nothing`, 'invalid body canonicalization'],
    [`${ALL}; i=@b.example`, 'invalid domain coverage'],
    [`${ALL}; t=5; x=4`, 'signature timestamp order error'],
  ])('%s', (tags, expected) => {
    expect(field(tags)).toEqual([`SYNTAX: ${expected}`])
  })

  test.each([
    [`${ALL}; x=1699999999`, 'signature expired'],
    [`${ALL}; t=1700000301`, 'signature timestamp in the future'],
    [ALL.replace('rsa-sha256', 'rsa-sha1'), 'signature algorithm invalid'],
  ])('%s', (tags, expected) => {
    expect(field(tags)).toEqual([`CANTVRFY: ${expected}`])
  })
})
