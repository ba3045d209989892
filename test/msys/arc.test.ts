// ARC from Lua: a chain of one seal and of two, and what breaks it.
import { expect, test } from 'vitest'
import type { DnsQuestion } from '../../src/outside/outside.ts'
import { oneLine, RSA } from '../support/dkim.ts'
import { headerText, runLua } from '../support/policy.ts'

const PLAIN =
  'Authentication-Results: mx.first.example; spf=pass\r\nFrom: a@sender.example\r\nTo: b@rcpt.example\r\n' +
  'Subject: s\r\nDate: Sat, 21 Nov 2026 09:00:00 +0000\r\nMessage-ID: <1@sender.example>\r\n\r\nbody\r\n'
const key = RSA.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')

function ask({ type, name }: DnsQuestion) {
  return type === 'TXT' && name === 's1._domainkey.first.example'
    ? ({ kind: 'found', records: [`v=DKIM1; p=${key}`] } as const)
    : ({ kind: 'failed', text: 'NXDOMAIN' } as const)
}

const OPTIONS = `{ signing_domain = "first.example", selector = "s1", keybuf = "${oneLine(RSA.privateKey)}", authservid = "mx.first.example" }`
const SHOW = 'say(msg:context_get(M, "arc_cv"), msg:context_get(M, "arc_seal"))'

const run = (code: string, mail = PLAIN, callout = 'core_post_final_validation') =>
  runLua(`local arc = require("msys.validate.openarc") ${code}`, {
    callout,
    mail,
    outside: { resolver: { ask } },
  })

async function sealed(mail: string) {
  const { said, subject } = await run(`arc.seal(msg, ${OPTIONS}) ${SHOW}`, mail)
  const body = mail.slice(mail.indexOf('\r\n\r\n'))
  return { said, mail: headerText(subject.msg).replace(/\r\n$/, '') + body }
}

test('a message is sealed, and sealed again; each chain is good', async () => {
  const first = await sealed(PLAIN)
  expect(first.said).toBe('none ok')
  expect(first.mail).toMatch(/^ARC-Seal: i=1; [^]*ARC-Message-Signature: i=1; [^]*\r\nFrom: /)
  expect(first.mail).toMatch(
    /ARC-Authentication-Results: i=1; mx.first.example; spf=pass; arc=none/,
  )
  const verify = `arc.verify(msg) ${SHOW}`
  expect((await run(verify, first.mail, 'validate_data_spool')).said).toBe('pass ')
  const second = await sealed(first.mail)
  expect(second.said).toBe('pass ok')
  expect(second.mail).toMatch(/^ARC-Seal: i=2; [^]*cv=pass/)
  expect((await run(verify, second.mail, 'validate_data_spool')).said).toBe('pass ')
})

test('a chain that is broken is not sealed, and paniclog says why', async () => {
  const { mail } = await sealed(PLAIN)
  const changed = mail.replace('Subject: s', 'Subject: t')
  const { said, lines } = await run(`arc.sign(msg, ${OPTIONS}) ${SHOW}`, changed)
  expect(said).toBe('fail skip')
  expect(lines.join()).toContain('msys.validate.openarc.verify: 00/00-1-A: ')
})

test('without ARC there is none', async () => {
  expect((await run(`arc.verify(msg) ${SHOW}`, PLAIN, 'validate_data_spool')).said).toBe('none ')
})

test.each([
  ['arc.verify()', 'bad argument #1 (message expected, got nil): msg'],
  ['arc.seal(msg)', 'bad argument #2 (table expected, got nil): options'],
  ['arc.seal(msg, {})', 'a selector is needed'],
])('%s raises', async (code, text) => {
  expect((await run(code)).said).toContain(text)
})

test('sealing is for the end', async () => {
  const { said } = await run(`arc.seal(msg, ${OPTIONS})`, PLAIN, 'validate_data_spool')
  expect(said).toContain('msys.validate.openarc.seal is not allowed in validate_data_spool')
})
