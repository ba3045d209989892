// What a rehearsal says would be relayed is what the server relays: both get the same mail under the same
// configuration. Ids and tokens differ, and are compared by what they say.
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { decodeBase64 } from '../../src/mime/base64.ts'
import { splitHeader } from '../../src/mime/field.ts'
import { type Part, parseParts } from '../../src/mime/part.ts'
import { openRehearsal, rehearse } from '../../src/rehearsal/rehearsal.ts'
import { rehearsalKeys } from '../../src/rehearsal/world.ts'
import { findKeyring } from '../../src/keyfile.ts'
import type { Keyring } from '../../src/tracking/keyring.ts'
import { parsePath } from '../../src/tracking/path.ts'
import { openToken } from '../../src/tracking/token.ts'
import { MESSAGE, send, startServer, type TestServer } from '../support/server.ts'

const RCPTTOS = ['anna@a.example', 'ben@plain.example', 'carol@edit.example', 'dora@no.example']

const POLICY = `
  local mod = {}
  function mod:validate_data(msg, ac, vctx)
    vctx:set(msys.core.VCTX_MESS, "smtpapi_campaign_id", "c1")
    return msys.core.VALIDATE_CONT
  end
  function mod:validate_data_spool_each_rcpt(msg, ac, vctx)
    local M = msys.core.VCTX_MESS
    local domain = string.match(msg:rcptto(), "@(.*)$")
    if domain == "plain.example" then
      vctx:set(M, "smtpapi_open_tracking", "0")
      vctx:set(M, "smtpapi_click_tracking", "0")
    elseif domain == "edit.example" then
      msg:header("Subject", "For you, Carol")
      msg:header("X-Random", tostring(msg:context_get(M, "smtpapi_campaign_id")))
      msg:mailfrom("bounce+carol@sender.example")
    elseif domain == "no.example" then
      vctx:set_code(550, "not you")
    end
    return msys.core.VALIDATE_CONT
  end
  msys.registerModule("p", mod)`

let server: TestServer

beforeAll(async () => {
  server = await startServer({
    policy: { p: POLICY },
    listener: 'open_tracking_enabled = true click_tracking_enabled = true',
    more: 'generate_bounces_for_multi_recipient_policy_rejections = false',
  })
})
afterAll(() => server.close())

const CORPUS = ['alternative-qp', 'alternative-base64', 'mixed-related-attachments', 'no-mime']
const MESSAGES = [
  ['examples/newsletter.eml', undefined],
  ...CORPUS.map((name) => [`test/corpus/${name}.eml`, undefined] as const),
  ['an 8bit page', MESSAGE],
] as const

test.each(MESSAGES)('a rehearsal relays what the server relays: %s', async (name, text) => {
  const root = new URL('../../', import.meta.url)
  const message = text === undefined ? await readFile(new URL(name, root)) : Buffer.from(text)
  const sent = message.includes('\r\n') ? message.toString('latin1') : crlf(message)
  const before = server.sink.mail.length
  const wire = await server.dial()
  await wire.expect('220')
  await wire.ask('EHLO client.example', '250')
  const reply = await send(wire, RCPTTOS, sent)
  await wire.ask('QUIT', '221')
  wire.end()
  await server.sink.waitFor(before + 3, 10_000)
  const relayed = server.sink.mail.slice(before)

  const { config } = server.server
  const rehearsal = await openRehearsal({ config })
  const { transactions } = await rehearse(rehearsal, {
    mails: [{ mailfrom: 'news@sender.example', rcpttos: RCPTTOS, message }],
  })
  await rehearsal.close()
  const [first] = transactions
  const keys = { served: await findKeyring(config, () => {}), rehearsed: rehearsalKeys(config) }

  expect(withoutIds(`${first?.reply.code} ${first?.reply.text}`)).toBe(withoutIds(reply.trim()))
  const accepted = first?.recipients.filter(({ copy }) => copy?.bytes) ?? []
  expect(accepted.map(({ rcptto }) => rcptto)).toEqual(RCPTTOS.slice(0, 3))
  for (const { rcptto, copy } of accepted) {
    const real = relayed.find((mail) => mail.rcptto === rcptto)
    expect(copy?.mailfrom).toBe(real?.mailfrom)
    const rehearsed = comparable(copy?.bytes ?? Buffer.alloc(0), keys.rehearsed)
    expect(rehearsed).toEqual(comparable(real?.bytes ?? Buffer.alloc(0), keys.served))
  }
})

function crlf(message: Buffer): string {
  return message.toString('latin1').replaceAll('\n', '\r\n')
}

function withoutIds(text: string): string {
  return text.replace(/[0-9A-F]{2}\/[0-9A-F]{2}-\d+-[0-9A-F]{8}/g, 'ID')
}

/** All octets of a message, with ids replaced, and each token by what it says. */
function comparable(bytes: Buffer, keyring: Keyring): string[] {
  const { fields, body } = splitHeader(bytes)
  const header = fields.map((field) => field.bytes.toString('latin1').replace(/\r\n[ \t]/g, ' '))
  const dateless = header.map((line) =>
    line.startsWith('Received: from client.example') ? withoutIds(line).replace(/;.*/s, '') : line,
  )
  const pieces: string[] = []
  let at = 0
  const visit = (part: Part): void => {
    part.children.forEach(visit)
    if (part.children.length > 0) return
    pieces.push(body.toString('latin1', at, part.start))
    pieces.push(opened(content(part, body.subarray(part.start, part.end)), keyring))
    at = part.end
  }
  visit(parseParts(fields, body))
  return [...dateless, ...pieces, body.toString('latin1', at)]
}

/** Where tokens hide behind an encoding, it is undone as far as it must be. */
function content({ encoding, type }: Part, raw: Buffer): string {
  if (encoding === 'quoted-printable') return raw.toString('latin1').replaceAll('=\r\n', '')
  const isText = type.type.startsWith('text/')
  if (encoding === 'base64' && isText) return (decodeBase64(raw) ?? raw).toString('latin1')
  return raw.toString('latin1')
}

function opened(text: string, keyring: Keyring): string {
  return text.replace(/(\/(?:f\/[\w-]+|q)\/[\w-]+\/[\w-]+)\??/g, (_, path: string) => {
    const parsed = parsePath(path)
    const token = parsed && openToken(keyring, parsed)
    if (token?.kind !== 'opened') return path
    const { messageId, transmissionId, expirySeconds, ...facts } = token.facts
    const lengths = [messageId.length, transmissionId?.length, String(expirySeconds).length]
    return JSON.stringify({ ...token, facts, lengths })
  })
}
